extension SecurityScan {
  /// Derives the outcomes, the counts and the order of the files from the findings' severities and states.
  ///
  /// A finding counts when it is new and at or above ``failOn``. What could not be examined keeps a file incomplete
  /// whatever threshold, baseline or policy say: nobody has seen what is there.
  public mutating func conclude() {
    var counts = Summary()
    counts.files = files.count
    for index in files.indices {
      let file = files[index]
      let counting = file.findings.contains {
        $0.status == .new && !$0.isIncompleteness && $0.severity >= failOn
      }
      let isIncomplete = !file.unexamined.isEmpty || file.verdict == .incomplete
      files[index].outcome = counting ? .fail : isIncomplete ? .incomplete : .pass
      switch file.verdict {
      case .safe: counts.safe += 1
      case .unsafe: counts.unsafe += 1
      case .incomplete: counts.incomplete += 1
      }
      for finding in file.findings {
        switch (finding.status, finding.severity) {
        case (.known, _): counts.known += 1
        case (.suppressed, _): counts.suppressed += 1
        case (.new, _) where finding.isIncompleteness: break
        case (.new, .critical): counts.critical += 1
        case (.new, .high): counts.high += 1
        case (.new, .medium): counts.medium += 1
        case (.new, .low): counts.low += 1
        }
      }
    }
    summary = counts
    verdict = counts.unsafe > 0 ? .unsafe : counts.incomplete > 0 ? .incomplete : .safe
    outcome =
      files.contains { $0.outcome == .fail }
      ? .fail : files.contains { $0.outcome == .incomplete } ? .incomplete : .pass
    files.sort { left, right in
      if left.outcome.rank != right.outcome.rank { return left.outcome.rank < right.outcome.rank }
      if left.worst != right.worst { return (left.worst?.weight ?? -1) > (right.worst?.weight ?? -1) }
      return left.path < right.path
    }
  }

  /// Marks findings that the baseline has too as known: each entry of the baseline accounts for one finding, so that a
  /// second copy of something known is new.
  public mutating func compare(with baseline: SecurityBaseline, named name: String) {
    self.baseline = name
    var left = baseline.counts
    for file in files.indices {
      for index in files[file].findings.indices where files[file].findings[index].status == .new {
        let fingerprint = files[file].findings[index].fingerprint
        guard let count = left[fingerprint], count > 0 else { continue }
        left[fingerprint] = count - 1
        files[file].findings[index].status = .known
      }
    }
    conclude()
  }
}

extension SecurityScan.Outcome {
  fileprivate var rank: Int {
    switch self {
    case .fail: 0
    case .incomplete: 1
    case .pass: 2
    }
  }
}
