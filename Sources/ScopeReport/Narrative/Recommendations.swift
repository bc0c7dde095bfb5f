/// Section 6: what to do, ordered by gain. The gain is a share between 0 and 1 so that unlike things can be ranked:
/// what a user would lose (accuracy under attack), save (time, size) or not know (missing evidence).
enum Recommendations {
  static func make(_ report: Report) -> [Report.Recommendation] {
    let all = [optimize(report), enhanceSecurity(report), monitor(report), update(report), integrate(report)]
    // Stable: equal gains keep the order of the report's layout.
    return all.enumerated().sorted { ($1.element.gain, $0.offset) < ($0.element.gain, $1.offset) }.map(
      \.element)
  }

  private static func optimize(_ report: Report) -> Report.Recommendation {
    let commands = Commands(report)
    let title = "Optimize"
    guard let optimization = report.optimization else {
      return Report.Recommendation(
        title: title,
        text: "Find out what INT8 quantization gives on this machine, within one point of accuracy.",
        motivation:
          "optimization was not measured: \(Absence("optimization", in: report, otherwise: "").reason)",
        basis: ["optimization"], command: commands.optimize(), gain: 0.5)
    }
    let basis = ["optimization.sizeReduction", "optimization.speedup", "optimization.optimizedAccuracy"]
    let saved = optimization.speedup.map { 1 - 1 / max($0.interval?.low ?? $0.value, 1e-9) } ?? 0
    if OptimizationNarrative.helps(optimization) {
      return Report.Recommendation(
        title: title, text: "Deploy the optimized model in place of the original.",
        motivation: "it is \(OptimizationNarrative.gain(optimization)), measured here", basis: basis,
        command: commands.optimize(), gain: min(1, max(saved, optimization.sizeReduction.value, 0)))
    }
    let wider = 2 * (optimization.maximumAccuracyDrop ?? Thresholds.accuracyDrop)
    return Report.Recommendation(
      title: title,
      text:
        "Nothing tried is worth deploying; retry with a wider accuracy budget or more calibration images.",
      motivation: "the best model built is \(OptimizationNarrative.gain(optimization))", basis: basis,
      command: commands.optimize(budget: wider), gain: 0.05)
  }

  private static func enhanceSecurity(_ report: Report) -> Report.Recommendation {
    let commands = Commands(report)
    let title = "Enhance Security"
    if let security = report.security, security.verdict != .safe {
      let findings = security.findings.filter { $0.kind == .file }
      let worst = findings.max { $0.severity < $1.severity }
      return Report.Recommendation(
        title: title,
        text: worst.map { $0.mitigation } ?? "Replace the file by one from a source you can verify.",
        motivation:
          "verdict \(security.verdict.rawValue), file findings: \(SecurityNarrative.counts(findings))",
        basis: ["security.verdict", "security.findings"], command: commands.security,
        gain: security.verdict == .unsafe ? 1 : 0.9)
    }
    if let robustness = report.robustness {
      if let (comparison, extra) = RobustnessNarrative.optimizedExtraLoss(robustness),
        extra > Thresholds.optimizedExtraLoss
      {
        return Report.Recommendation(
          title: title, text: "Attack the optimized model itself before it replaces the original.",
          motivation: "the optimized model keeps \(Format.points(extra)) less under \(comparison.attack) at "
            + Format.epsilon(comparison.epsilon),
          basis: ["robustness.optimizedComparison"], command: commands.robustness(commands.optimized),
          gain: min(1, 0.3 + extra))
      }
      if let (attack, lost) = RobustnessNarrative.worstInvisible(robustness),
        lost >= Thresholds.noticeableLoss
      {
        return Report.Recommendation(
          title: title,
          text:
            "Validate and re-encode inputs, and measure again after adversarial fine-tuning with stronger attacks.",
          motivation: "\(attack.name) at \(attack.epsilonText ?? Format.epsilon(attack.epsilon)) flips "
            + "\(Format.percent(lost, 0)) of the correct predictions",
          basis: ["robustness.attacks"],
          command: commands.robustness(attacks: "fgsm,pgd", epsilons: "0.5/255,1/255,2/255"), gain: 0.7 * lost
        )
      }
      return beyondInvisible(robustness, commands)
    }
    return Report.Recommendation(
      title: title,
      text: report.security == nil
        ? "Scan the file before anything loads it."
        : "Measure how predictions behave under manipulated inputs.",
      motivation: report.security == nil
        ? "the file was not scanned"
        : "robustness was not measured: \(Absence("robustness", in: report, otherwise: "").reason)",
      basis: [report.security == nil ? "security" : "robustness"],
      command: report.security == nil ? commands.security : commands.robustness(),
      gain: report.security == nil ? 0.95 : 0.45)
  }

  /// When no attack at an invisible radius costs much, or none was tried there.
  private static func beyondInvisible(
    _ robustness: Report.Robustness, _ commands: Commands
  ) -> Report.Recommendation {
    let title = "Enhance Security"
    let limit = Format.percent(Thresholds.noticeableLoss, 0)
    if RobustnessNarrative.worstInvisible(robustness) != nil {
      return Report.Recommendation(
        title: title, text: "Try larger radii and more steps before relying on this robustness.",
        motivation: "no attack at an invisible radius costs \(limit) of the correct predictions",
        basis: ["robustness.attacks"], command: commands.robustness(epsilons: "4/255,8/255,16/255"), gain: 0.1
      )
    }
    guard let (attack, lost) = RobustnessNarrative.smallest(robustness) else {
      return Report.Recommendation(
        title: title, text: "Attack the model; clean accuracy says nothing about manipulated inputs.",
        motivation: "no attack was run", basis: ["robustness.attacks"], command: commands.robustness(),
        gain: 0.45)
    }
    return Report.Recommendation(
      title: title, text: "Measure at radii that people cannot see, where an attack goes unnoticed.",
      motivation: "the smallest radius tried, \(attack.epsilonText ?? Format.epsilon(attack.epsilon)), flips "
        + "\(Format.percent(lost, 0)) of the correct predictions under \(attack.name)",
      basis: ["robustness.attacks"], command: commands.robustness(epsilons: "0.5/255,1/255,2/255"),
      gain: 0.5 * lost)
  }

  private static func monitor(_ report: Report) -> Report.Recommendation {
    let title = "Monitor Performance"
    guard let latency = report.analysis?.latency else {
      return Report.Recommendation(
        title: title, text: "Measure latency on the machine that will serve the model.",
        motivation:
          "latency was not measured: \(Absence("analysis.latency", in: report, otherwise: "").reason)",
        basis: ["analysis.latency"], command: Commands(report).analyze, gain: 0.4)
    }
    let median = latency.p50Milliseconds.value
    let spread =
      (latency.interquartileRangeMilliseconds?.value ?? latency.p50Milliseconds.spread ?? 0)
      / max(median, 1e-9)
    let tail = latency.p99Milliseconds ?? latency.p90Milliseconds
    let limit = 2 * (tail?.value ?? median)
    var motivation = "median \(latency.p50Milliseconds.text)"
    if let tail { motivation += ", \(latency.p99Milliseconds == nil ? "p90" : "p99") \(tail.text)" }
    motivation +=
      " over \(Format.plural(latency.samples, "run")), spread \(Format.percent(spread, 0)) of the median"
    return Report.Recommendation(
      title: title,
      text: spread > Thresholds.noisySpread
        ? "Timings here are unsteady; measure on a quiet machine of the production kind, then alert above "
          + "\(Format.milliseconds(limit))."
        : "Alert when an inference takes more than \(Format.milliseconds(limit)), twice the slow end measured here.",
      motivation: motivation,
      basis: ["analysis.latency.p50Milliseconds", "analysis.latency.p99Milliseconds"],
      command: Commands(report).analyze + " --json", gain: min(0.4, 0.1 + spread))
  }

  private static func update(_ report: Report) -> Report.Recommendation {
    let title = "Regular Updates"
    let commands = Commands(report)
    let images =
      report.optimization?.evaluationImages ?? report.robustness?.images ?? report.conditions.data?.images
    if let images, images < Thresholds.minimumEvaluationImages {
      let accuracy = Assessments.accuracy(report)
      return Report.Recommendation(
        title: title,
        text:
          "Collect at least \(Thresholds.minimumEvaluationImages) labelled images from production and repeat the report.",
        motivation: "only \(Format.plural(images, "image")) evaluated"
          + (accuracy?.intervalText.map { ", accuracy somewhere in \($0)" } ?? ""),
        basis: ["optimization.evaluationImages", "robustness.images"], command: commands.report(), gain: 0.8)
    }
    if let year = report.model.architectureYear, let now = AnalysisNarrative.reportYear(report),
      now - year >= Thresholds.oldArchitectureYears, let name = report.model.architecture
    {
      return Report.Recommendation(
        title: title, text: "Compare a newer family on the same data; the report of each says which to keep.",
        motivation: "\(name) dates from \(year), \(now - year) years ago", basis: ["model.architectureYear"],
        command: commands.report("NEWER_MODEL"), gain: min(0.35, 0.02 * Double(now - year)))
    }
    guard let accuracy = Assessments.accuracy(report) else {
      return Report.Recommendation(
        title: title,
        text: "Measure accuracy on labelled images, then again with every new model or data set.",
        motivation: "accuracy was not measured", basis: ["optimization.originalAccuracy"],
        command: commands.report(), gain: 0.6)
    }
    return Report.Recommendation(
      title: title, text: "Repeat the report on fresh labelled images with each new data set.",
      motivation: "accuracy today \(accuracy.fullText)", basis: ["robustness.cleanAccuracy"],
      command: commands.report(),
      gain: 0.15)
  }

  private static func integrate(_ report: Report) -> Report.Recommendation {
    var budgets: [String] = []
    let helps = report.optimization.map(OptimizationNarrative.helps) ?? false
    budgets.append(
      "size \((helps ? report.optimization?.optimizedBytes.text : nil) ?? Format.decimalBytes(Double(report.model.bytes)))"
    )
    let median = helps ? report.optimization?.optimizedP50Milliseconds : nil
    if let median = median ?? report.analysis?.latency?.p50Milliseconds {
      budgets.append("median \(median.text)")
    }
    if let accuracy = (helps ? report.optimization?.optimizedAccuracy : nil) ?? Assessments.accuracy(report) {
      budgets.append("accuracy \(accuracy.text)")
    }
    return Report.Recommendation(
      title: "CI/CD Integration",
      text:
        "Scan every model file before it is merged (exit code 1 stops the pipeline) and keep report.json of each "
        + "version as the baseline.",
      motivation: "today's baseline: \(Format.list(budgets))",
      basis: ["model.bytes", "analysis.latency.p50Milliseconds"],
      command: "\(Commands(report).security) && \(Commands(report).report())", gain: 0.2)
  }
}
