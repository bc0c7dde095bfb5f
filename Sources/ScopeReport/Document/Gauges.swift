extension Document {
  /// Five figures at a glance: what is known, what it costs, whether it is safe, how it stands attacks, whether to ship.
  static func gauges(_ report: Report) -> [Gauge] {
    [
      AnalysisGauge.make(report), CostGauge.make(report), SecurityGauge.make(report),
      RobustnessGauge.make(report), ReadinessGauge.make(report),
    ]
  }
}

extension Document.Evidence {
  /// A figure that is present, or the reason why it is not.
  static func known(_ name: String, _ figure: Figure?, _ path: String, _ report: Report) -> Self {
    Self(
      name: name, value: figure?.fullText ?? Document.absentValue, threshold: "measured or counted",
      source: figure?.conditions ?? (figure == nil ? Absence(path, in: report, otherwise: "").reason : ""),
      passed: figure != nil)
  }

  static func fact(_ name: String, _ value: String, source: String = "") -> Self {
    Self(name: name, value: value, threshold: "", source: source, passed: nil)
  }
}

/// How much of what the decision needs was measured.
enum AnalysisGauge {
  static func make(_ report: Report) -> Document.Gauge {
    let analysis = report.analysis
    let evidence: [Document.Evidence] = [
      .known("Parameters", analysis?.parameters, "analysis.parameters", report),
      macs(report),
      .known("Weights in memory", analysis?.weightBytes, "analysis.weightBytes", report),
      .known("Peak activations", analysis?.peakActivationBytes, "analysis.peakActivationBytes", report),
      .known("Median time", analysis?.latency?.p50Milliseconds, "analysis.latency", report),
      .known("Accuracy", Assessments.accuracy(report), "optimization.originalAccuracy", report),
    ]
    let known = evidence.filter { $0.passed == true }.count
    let size = analysis.map { "\(Format.large($0.parameters.value)) parameters" }
    return Document.Gauge(
      id: "analysis", title: "Analysis", value: "\(known) of \(evidence.count)",
      detail: size ?? "nothing known of the graph", fill: Double(known) / Double(evidence.count),
      tone: known == evidence.count ? .good : analysis == nil ? .none : .fair, target: .analysis,
      formula:
        "Figures that are known, of the six that a decision needs. Unknown counts as unknown, never as zero.",
      evidence: evidence)
  }

  /// A total that leaves operators out is no total.
  private static func macs(_ report: Report) -> Document.Evidence {
    var evidence = Document.Evidence.known("MACs", report.analysis?.macs, "analysis.macs", report)
    if let analysis = report.analysis, analysis.macs != nil, analysis.macsComplete == false {
      evidence.value = "at least \(evidence.value)"
      evidence.source = "cost unknown: \(Format.list(analysis.macsUnknownOperators))"
      evidence.passed = false
    }
    return evidence
  }
}

/// What it costs to store and run, and what optimization saves of that.
enum CostGauge {
  static func make(_ report: Report) -> Document.Gauge {
    guard let optimization = report.optimization else { return original(report) }
    let saved = optimization.speedup.map { 1 - (1 - optimization.sizeReduction.value) / max($0.value, 1e-9) }
    let helps = OptimizationNarrative.helps(optimization)
    let change = Format.signedPercent(-optimization.sizeReduction.value)
    let value = change + (optimization.speedup.map { ", \(Format.ratio($0.value))" } ?? "")
    let times = [optimization.originalP50Milliseconds, optimization.optimizedP50Milliseconds].compactMap {
      $0?.text
    }
    let sizes = "\(optimization.originalBytes.text) → \(optimization.optimizedBytes.text)"
    return Document.Gauge(
      id: "cost", title: "Speed and size", value: value,
      detail: times.count == 2 ? "\(sizes), \(times.joined(separator: " → "))" : sizes,
      fill: saved.map { max(0, min(1, $0)) }, tone: helps ? .good : .fair, target: .optimization,
      formula:
        "Ring: share of bytes × time that optimization saves, 1 − (optimized bytes ÷ original bytes) ÷ speedup. "
        + "Good when it is worth deploying: within the accuracy budget, and faster or "
        + "\(Format.percent(Thresholds.worthwhileReduction, 0)) smaller without being slower.",
      evidence: evidence(report, optimization))
  }

  private static func evidence(
    _ report: Report, _ optimization: Report.Optimization
  ) -> [Document.Evidence] {
    let least = Thresholds.worthwhileReduction
    var evidence = [
      Document.Evidence(
        name: "Size reduction", value: optimization.sizeReduction.text,
        threshold: "at least \(Format.percent(least, 0))",
        source: "below that a new artefact is not worth its upkeep (our choice)",
        passed: optimization.sizeReduction.value >= least)
    ]
    if let speedup = optimization.speedup {
      evidence.append(
        Document.Evidence(
          name: "Speedup", value: speedup.fullText, threshold: "interval above 1×",
          source: speedup.conditions ?? "measured side by side",
          passed: (speedup.interval?.low ?? speedup.value) > 1))
    }
    if let drop = OptimizationNarrative.drop(optimization) {
      let budget = optimization.maximumAccuracyDrop ?? Thresholds.accuracyDrop
      evidence.append(
        Document.Evidence(
          name: "Accuracy lost", value: "\(Format.signedPoints(drop)) points",
          threshold: "at most \(Format.points(budget))",
          source: optimization.maximumAccuracyDrop == nil
            ? "default of --max-accuracy-drop" : "--max-accuracy-drop",
          passed: drop <= budget + 1e-9))
    }
    return evidence + rate(report)
  }

  private static func rate(_ report: Report) -> [Document.Evidence] {
    guard let latency = report.analysis?.latency else { return [] }
    let rate = 1000 * Double(latency.batch) / max(latency.p50Milliseconds.value, 1e-9)
    return [
      Document.Evidence(
        name: "Images per second (original)", value: Format.significant(rate),
        threshold: "at least \(Format.significant(Thresholds.videoRate)), the rate of video",
        source: "ITU-R BT.709 lists 24 to 60 frames per second", passed: rate >= Thresholds.videoRate)
    ]
  }

  private static func original(_ report: Report) -> Document.Gauge {
    let size = Format.decimalBytes(Double(report.model.bytes))
    var evidence = [Document.Evidence.fact("File size", size, source: "the file")]
    var gauge = Document.Gauge(
      id: "cost", title: "Speed and size", value: size, detail: "not optimized, not timed", fill: nil,
      tone: .none, target: .optimization,
      formula:
        "Ring: images per second of the original, full at \(Format.significant(Thresholds.highVideoRate)). "
        + "Nothing is compared, as no optimization ran.", evidence: evidence)
    if let latency = report.analysis?.latency {
      let rate = 1000 * Double(latency.batch) / max(latency.p50Milliseconds.value, 1e-9)
      gauge.value = latency.p50Milliseconds.text
      gauge.detail = "\(size), \(Format.significant(rate)) images/s, not optimized"
      gauge.fill = min(1, rate / Thresholds.highVideoRate)
      gauge.tone = rate >= Thresholds.videoRate ? .good : .fair
      gauge.target = .analysis
      evidence.append(
        .fact(
          "Median time", latency.p50Milliseconds.fullText, source: latency.p50Milliseconds.conditions ?? ""))
    }
    gauge.evidence = evidence + rate(report)
    return gauge
  }
}
