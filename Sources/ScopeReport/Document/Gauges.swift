extension Document {
  /// Five figures at a glance, each linked to its section.
  static func gauges(_ report: Report) -> [Gauge] {
    [accuracy(report), size(report), speed(report), security(report), robustness(report)]
  }

  private static func accuracy(_ report: Report) -> Gauge {
    guard let accuracy = Assessments.accuracy(report) else { return absent("Accuracy", .optimization) }
    let images = accuracy.samples ?? report.optimization?.evaluationImages ?? report.robustness?.images ?? 0
    let enough = images >= Thresholds.minimumEvaluationImages
    return Gauge(
      title: "Accuracy", value: accuracy.text,
      detail: enough || images == 0
        ? (accuracy.intervalText ?? "top-1, \(Format.plural(images, "image"))")
        : "only \(Format.plural(images, "image"))",
      fill: accuracy.value, tone: enough ? .good : .fair,
      target: report.optimization?.originalAccuracy == nil ? .robustness : .optimization)
  }

  private static func size(_ report: Report) -> Gauge {
    guard let optimization = report.optimization else {
      return Gauge(
        title: "Size", value: Format.decimalBytes(Double(report.model.bytes)), detail: "not optimized",
        fill: nil,
        tone: .none, target: .optimization)
    }
    let reduction = optimization.sizeReduction.value
    let before = optimization.originalBytes.text
    let after = optimization.optimizedBytes.text
    return Gauge(
      title: "Size", value: "\(reduction >= 0 ? "−" : "+")\(Format.percent(abs(reduction)))",
      detail: "\(before) → \(after)", fill: max(0, min(1, reduction)),
      tone: reduction >= Thresholds.worthwhileReduction ? .good : .fair, target: .optimization)
  }

  private static func speed(_ report: Report) -> Gauge {
    if let optimization = report.optimization, let speedup = optimization.speedup {
      let proven = (speedup.interval?.low ?? speedup.value) > 1
      let times = [optimization.originalP50Milliseconds, optimization.optimizedP50Milliseconds].compactMap {
        $0?.text
      }
      return Gauge(
        title: "Speed", value: Format.ratio(speedup.value),
        detail: times.count == 2
          ? times.joined(separator: " → ") : speedup.intervalText ?? "measured interleaved",
        fill: max(0, min(1, 1 - 1 / max(speedup.value, 1e-9))), tone: proven ? .good : .fair,
        target: .optimization)
    }
    guard let latency = report.analysis?.latency else { return absent("Speed", .analysis) }
    let rate = 1000 * Double(latency.batch) / max(latency.p50Milliseconds.value, 1e-9)
    return Gauge(
      title: "Speed", value: latency.p50Milliseconds.text, detail: "\(Format.significant(rate)) images/s",
      fill: min(1, rate / Thresholds.highVideoRate), tone: rate >= Thresholds.videoRate ? .good : .fair,
      target: .analysis)
  }

  private static func security(_ report: Report) -> Gauge {
    guard let security = report.security else { return absent("Security", .security) }
    let counts = SecurityNarrative.counts(security.findings)
    let tone: Gauge.Tone =
      switch security.verdict {
      case .safe: .good
      case .incomplete: .fair
      case .unsafe: .bad
      }
    return Gauge(
      title: "Security", value: Format.sentence(security.verdict.rawValue),
      detail: counts == "none" ? "no findings" : counts, fill: security.verdict == .incomplete ? 0.5 : 1,
      tone: tone,
      target: .security)
  }

  private static func robustness(_ report: Report) -> Gauge {
    guard let robustness = report.robustness, let score = robustness.score?.value else {
      return absent("Robustness", .robustness)
    }
    let radius = robustness.headlineEpsilon.map(Format.epsilon)
    return Gauge(
      title: "Robustness", value: "\(Format.fixed(score, 0)) / 100",
      detail: [robustness.headlineAttack, radius].compactMap { $0 }.joined(separator: " at "),
      fill: score / 100,
      tone: score >= Thresholds.strongScore ? .good : score >= Thresholds.weakScore ? .fair : .bad,
      target: .robustness)
  }

  private static func absent(_ title: String, _ target: Report.Section) -> Gauge {
    Gauge(title: title, value: "–", detail: "not measured", fill: nil, tone: .none, target: target)
  }
}
