/// What the scan of the file says.
enum SecurityGauge {
  static func make(_ report: Report) -> Document.Gauge {
    let formula =
      "Ring and tone are the scan's verdict: unsafe when a rule that marks danger matched, incomplete when something could "
      + "not be examined, otherwise safe. Advisories come from this run's measurements and do not change it."
    guard let security = report.security else {
      return Document.Gauge(
        id: "security", title: "Security", value: "–", detail: Document.absentValue, fill: nil, tone: .none,
        target: .security, formula: formula,
        evidence: [
          Document.Evidence(
            name: "Scan", value: Document.absentValue, threshold: "verdict safe",
            source: Absence("security", in: report, otherwise: "").reason, passed: false)
        ])
    }
    let inFile = security.findings.filter { $0.kind == .file }
    let advisories = security.findings.count - inFile.count
    let counts = SecurityNarrative.counts(inFile)
    let more = advisories > 0 ? ", \(Format.plural(advisories, "advisory", "advisories"))" : ""
    let tone: Document.Gauge.Tone =
      switch security.verdict {
      case .safe: .good
      case .incomplete: .fair
      case .unsafe: .bad
      }
    var evidence = [
      Document.Evidence(
        name: "Verdict", value: security.verdict.rawValue, threshold: "safe",
        source: security.rulesApplied.map { "\(Format.plural($0, "rule")) applied, nothing executed" }
          ?? "nothing executed", passed: security.verdict == .safe)
    ]
    for severity in Report.Severity.allCases {
      let count = inFile.filter { $0.severity == severity }.count
      guard count > 0 || severity >= .high else { continue }
      evidence.append(
        Document.Evidence(
          name: "\(Format.sentence(severity.rawValue)) findings in the file", value: Format.integer(count),
          threshold: severity >= .high ? "none" : "", source: "rule identifiers stand with each finding",
          passed: severity >= .high ? count == 0 : nil))
    }
    evidence.append(.fact("Advisories", Format.integer(advisories), source: "this run's measurements"))
    return Document.Gauge(
      id: "security", title: "Security", value: Format.sentence(security.verdict.rawValue),
      detail: (counts == "none" ? "no findings" : counts) + more,
      fill: security.verdict == .incomplete ? 0.5 : 1, tone: tone, target: .security, formula: formula,
      evidence: evidence)
  }
}

/// How much of the accuracy survives attack.
enum RobustnessGauge {
  static func make(_ report: Report) -> Document.Gauge {
    let strong = Format.significant(Thresholds.strongScore)
    let weak = Format.significant(Thresholds.weakScore)
    let formula =
      "Score = 100 × accuracy under the headline attack ÷ accuracy on clean images; good from \(strong), bad below \(weak)."
    guard let robustness = report.robustness, let score = robustness.score else {
      return Document.Gauge(
        id: "robustness", title: "Robustness", value: "–", detail: Document.absentValue, fill: nil,
        tone: .none, target: .robustness, formula: formula,
        evidence: [
          Document.Evidence(
            name: "Accuracy under attack", value: Document.absentValue, threshold: "measured",
            source: Absence("robustness", in: report, otherwise: "").reason, passed: false)
        ])
    }
    let radius = robustness.headlineEpsilon.map(Format.epsilon)
    var evidence = [
      Document.Evidence.fact(
        "Accuracy on clean images", robustness.cleanAccuracy.fullText,
        source: robustness.images.map { Format.plural($0, "image") } ?? "")
    ]
    evidence += robustness.attacks.filter {
      $0.name == robustness.headlineAttack && $0.epsilon == robustness.headlineEpsilon
        && $0.norm == robustness.headlineNorm
    }.prefix(1).map {
      .fact("Accuracy under \($0.name)", $0.robustAccuracy.fullText, source: $0.settings ?? "")
    }
    evidence.append(
      Document.Evidence(
        name: "Score", value: score.text, threshold: "at least \(strong)",
        source: robustness.isUpperBound == true
          ? "an upper bound: a single step is a weak attack"
          : "confidence \(robustness.confidence ?? "not checked")",
        passed: score.value >= Thresholds.strongScore))
    evidence += (robustness.checks ?? []).filter { ["passed", "failed"].contains($0.outcome) }.map {
      Document.Evidence(
        name: $0.name, value: $0.outcome, threshold: "passed", source: $0.evidence,
        passed: $0.outcome == "passed")
    }
    return Document.Gauge(
      id: "robustness", title: "Robustness", value: "\(Format.fixed(score.value, 0)) / 100",
      detail: [robustness.headlineAttack, radius].compactMap { $0 }.joined(separator: " at "),
      fill: score.value / 100,
      tone: score.value >= Thresholds.strongScore
        ? .good : score.value >= Thresholds.weakScore ? .fair : .bad,
      target: .robustness, formula: formula, evidence: evidence)
  }
}

/// The conditions of the verdict, one by one.
enum ReadinessGauge {
  static func make(_ report: Report) -> Document.Gauge {
    let evidence = required(report) + [underAttack(report)]
    let passed = evidence.filter { $0.passed == true }.count
    let decision = report.conclusion?.decision
    return Document.Gauge(
      id: "readiness", title: "Readiness", value: "\(passed) of \(evidence.count)",
      detail: decision == .shipOptimized
        ? "ship the optimized model" : decision == .ship ? "ship the original" : "do not ship yet",
      fill: Double(passed) / Double(evidence.count),
      tone: decision == nil || decision == .doNotShipYet
        ? (report.security?.verdict == .unsafe ? .bad : .fair) : .good, target: .conclusion,
      formula:
        "Conditions met. The first four must all hold to ship; the last limits where the model may be used.",
      evidence: evidence)
  }

  /// What ``Verdict`` asks for, in its order.
  static func required(_ report: Report) -> [Document.Evidence] {
    let accuracy = Assessments.accuracy(report)
    let least = Thresholds.minimumEvaluationImages
    let counts = [accuracy?.samples, report.optimization?.evaluationImages].compactMap { $0 }
    let images = accuracy == nil ? 0 : counts.min() ?? report.conditions.data?.images ?? 0
    let classes = report.conditions.data?.classes ?? 0
    let low = accuracy.map { $0.interval?.low ?? $0.value }
    return [
      Document.Evidence(
        name: "The file is safe", value: report.security?.verdict.rawValue ?? Document.absentValue,
        threshold: "safe",
        source: "scan of the file, section 3", passed: report.security?.verdict == .safe),
      Document.Evidence(
        name: "Accuracy is known", value: accuracy?.fullText ?? Document.absentValue, threshold: "measured",
        source: "labelled images given with --data", passed: accuracy != nil),
      Document.Evidence(
        name: "Better than guessing",
        value: low.map { "at least \(Format.percent($0))" } ?? Document.absentValue,
        threshold: classes > 1 ? "above \(Format.percent(1 / Double(classes)))" : "above chance",
        source: classes > 1 ? "1 of \(Format.integer(classes)) classes" : "the number of classes is unknown",
        passed: low.map { classes <= 1 || $0 > 1 / Double(classes) } ?? false),
      Document.Evidence(
        name: "Enough images", value: Format.integer(images), threshold: "at least \(least)",
        source: "at 100 images the 95% Wilson interval of an accuracy of 0.9 is 12 points wide",
        passed: images >= least),
    ]
  }

  private static func underAttack(_ report: Report) -> Document.Evidence {
    let limit = Thresholds.fragileLoss
    let smallest = report.robustness.flatMap(RobustnessNarrative.smallest)
    return Document.Evidence(
      name: "Steady under the smallest attack",
      value: smallest.map {
        "\(Format.percent($0.lost, 0)) flipped by \($0.attack.name) at "
          + ($0.attack.epsilonText ?? Format.epsilon($0.attack.epsilon))
      } ?? Document.absentValue,
      threshold: "under \(Format.percent(limit, 0)) of correct predictions flipped",
      source: "above that more answers change than stay (our choice)",
      passed: smallest.map { $0.lost < limit } ?? false)
  }
}
