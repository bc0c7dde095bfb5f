/// What changed since an earlier report. Only like is compared with like: times from machines that differ, accuracies on
/// other images and scores under other attacks are named as not compared.
enum BaselineDelta {
  static func make(_ report: Report, since baseline: Report) -> Document.Delta {
    var rows: [Document.DeltaRow] = []
    var notes: [String] = []
    let before = Figure.bytes(baseline.model.bytes)
    let after = Figure.bytes(report.model.bytes)
    rows.append(DeltaRows.relative("File size", before, after, isProven: true))
    let change =
      before.value > 0 ? " (\(Format.signedPercent((after.value - before.value) / before.value)))" : ""
    var headline = ["\(before.text) → \(after.text)\(change)"]
    if let (row, text) = latency(report, baseline, &notes) {
      rows.append(row)
      headline.append(text)
    }
    if let (row, text) = accuracy(report, baseline, &notes) {
      rows.append(row)
      headline.append(text)
    }
    rows += counts(report, baseline)
    if let row = score(report, baseline, &notes) { rows.append(row) }
    rows += security(report, baseline)
    if let hash = report.model.sha256, hash == baseline.model.sha256 {
      notes.append("Both reports are about the same file (SHA-256 \(hash.prefix(12))…).")
    }
    let date = String(baseline.conditions.date.prefix(10))
    return Document.Delta(
      title: "Against the baseline of \(date)", headline: headline.joined(separator: ", "), rows: rows,
      notes: notes)
  }

  private static func latency(
    _ report: Report, _ baseline: Report, _ notes: inout [String]
  ) -> (Document.DeltaRow, String)? {
    guard let now = report.analysis?.latency, let then = baseline.analysis?.latency else { return nil }
    let machines = (baseline.conditions.machine, report.conditions.machine)
    let isSameMachine =
      machines.0.fingerprint != nil && machines.1.fingerprint != nil
      ? machines.0.fingerprint == machines.1.fingerprint
      : machines.0.cpu == machines.1.cpu && machines.0.cores == machines.1.cores
    guard isSameMachine else {
      notes.append("Times are not compared: they were measured on machines that differ.")
      return nil
    }
    guard now.threads == then.threads, now.batch == then.batch else {
      notes.append(
        "Times are not compared: \(Format.plural(then.threads, "thread")) at batch \(then.batch) then, "
          + "\(Format.plural(now.threads, "thread")) at batch \(now.batch) now.")
      return nil
    }
    if let old = baseline.conditions.engine, let new = report.conditions.engine, old.version != new.version {
      notes.append("The engine changed from \(old.name) \(old.version) to \(new.name) \(new.version).")
    }
    let (before, after) = (then.p50Milliseconds, now.p50Milliseconds)
    let row = DeltaRows.relative("Median time", before, after, isProven: areApart(before, after))
    let isShort = abs(before.value) < 10_000 && abs(after.value) < 10_000
    let text = "p50 \(isShort ? Format.significant(before.value) : before.text) → \(after.text)"
    return (row, text + (areApart(before, after) ? "" : " (not told apart)"))
  }

  /// Whether the intervals of both figures do not touch; figures without intervals prove nothing.
  static func areApart(_ left: Figure, _ right: Figure) -> Bool {
    guard let left = left.interval, let right = right.interval else { return false }
    return left.high < right.low || right.high < left.low
  }

  private static func accuracy(
    _ report: Report, _ baseline: Report, _ notes: inout [String]
  ) -> (Document.DeltaRow, String)? {
    guard let now = Assessments.accuracy(report), let then = Assessments.accuracy(baseline) else {
      return nil
    }
    guard let old = baseline.conditions.data, let new = report.conditions.data, old.images == new.images,
      old.classes == new.classes, now.samples == then.samples
    else {
      notes.append("Accuracy is not compared: it was measured on other images.")
      return nil
    }
    let row = DeltaRows.points("Accuracy", then, now, tolerance: Thresholds.accuracyDrop)
    return (row, "accuracy \(then.text) → \(now.text)")
  }

  private static func counts(_ report: Report, _ baseline: Report) -> [Document.DeltaRow] {
    let pairs: [(String, Figure?, Figure?)] = [
      ("Parameters", baseline.analysis?.parameters, report.analysis?.parameters),
      ("MACs", baseline.analysis?.macs, report.analysis?.macs),
      ("Peak activations", baseline.analysis?.peakActivationBytes, report.analysis?.peakActivationBytes),
    ]
    return pairs.compactMap { name, before, after in
      guard let before, let after else { return nil }
      return DeltaRows.relative(name, before, after, isProven: true)
    }
  }

  private static func score(
    _ report: Report, _ baseline: Report, _ notes: inout [String]
  ) -> Document.DeltaRow? {
    guard let now = report.robustness, let then = baseline.robustness, let after = now.score,
      let before = then.score
    else { return nil }
    guard now.headlineAttack == then.headlineAttack, now.headlineEpsilon == then.headlineEpsilon,
      now.headlineNorm == then.headlineNorm, now.images == then.images
    else {
      notes.append("Robustness scores are not compared: attacks, radii or images differ.")
      return nil
    }
    let change = after.value - before.value
    let sign = abs(change) < 0.05 ? "" : change < 0 ? "−" : "+"
    return Document.DeltaRow(
      name: "Robustness Score", before: before.text, after: after.text,
      change: sign + Format.fixed(abs(change), 1), tone: change < -0.05 ? .bad : .good)
  }

  private static func security(_ report: Report, _ baseline: Report) -> [Document.DeltaRow] {
    guard let now = report.security, let then = baseline.security else { return [] }
    let known = Set(then.findings.compactMap(\.fingerprint))
    let new = now.findings.filter { $0.kind == .file && !known.contains($0.fingerprint ?? "") }.count
    let isWorse = now.verdict != .safe && now.verdict != then.verdict
    return [
      Document.DeltaRow(
        name: "Security", before: then.verdict.rawValue, after: now.verdict.rawValue,
        change: Format.plural(new, "new finding"), tone: isWorse || new > 0 ? .bad : .good)
    ]
  }
}
