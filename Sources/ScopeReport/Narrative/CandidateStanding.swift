/// Where a candidate stands after the search, told from its figures; in the order of the table.
enum CandidateStanding: Int, Comparable, CaseIterable {
  case original
  case chosen
  /// Nothing is at least as good in size, time and accuracy and better in one.
  case front
  /// Measured, within the accuracy budget, and not worse than the original.
  case within
  case out
  /// Built but never timed beside the original.
  case notRun

  static func < (left: CandidateStanding, right: CandidateStanding) -> Bool { left.rawValue < right.rawValue }

  init(_ candidate: Report.Candidate, in optimization: Report.Optimization) {
    let budget = optimization.maximumAccuracyDrop ?? Thresholds.accuracyDrop
    let drop =
      candidate.accuracyDrop?.value
      ?? candidate.accuracy.flatMap { after in optimization.originalAccuracy.map { $0.value - after.value } }
    let speed = candidate.speedup
    if candidate.isOriginal {
      self = .original
    } else if candidate.isChosen {
      self = .chosen
    } else if candidate.isOnFront {
      self = .front
    } else if candidate.p50Milliseconds == nil {
      self = candidate.speedup == nil && drop == nil ? .notRun : .out
    } else if (drop ?? 0) > budget + 1e-9 || candidate.verdict.hasPrefix("rejected")
      || (speed.map { ($0.interval?.high ?? $0.value) < 1 } ?? false)
      || (optimization.objective == "latency" && (speed.map { $0.value <= 1 } ?? false))
      || (candidate.bytes.map { $0.value >= optimization.originalBytes.value } ?? false)
    {
      self = .out
    } else {
      self = .within
    }
  }

  /// In the table.
  var mark: String {
    switch self {
    case .original: "original"
    case .chosen: "chosen"
    case .front: "front"
    case .within: "within"
    case .out: "out"
    case .notRun: "not run"
    }
  }
}
