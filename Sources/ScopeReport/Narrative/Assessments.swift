/// Section 5: what the results mean, a paragraph each.
enum Assessments {
  static func make(_ report: Report) -> [Report.Assessment] {
    [selection(report), potential(report), security(report), robustness(report)]
  }

  private static func selection(_ report: Report) -> Report.Assessment {
    let name = report.model.architecture ?? report.model.name
    guard let analysis = report.analysis else {
      return absent(
        "Model Selection", "The model was not analysed",
        Absence("analysis", in: report, otherwise: Commands(report).analyze),
        ["analysis"])
    }
    var text = "\(name) spends \(Format.large(analysis.parameters.value)) parameters"
    if let macs = analysis.macs?.value { text += " and \(Format.large(macs)) multiply-accumulates per image" }
    if let accuracy = accuracy(report) {
      text += " for \(accuracy.text) accuracy on this data"
      if let interval = accuracy.intervalText { text += " (\(interval))" }
      text += "."
      if let classes = report.conditions.data?.classes, classes > 1,
        (accuracy.interval?.low ?? accuracy.value) <= 1 / Double(classes)
      {
        text +=
          " That is not distinguishable from guessing: check labels, class order and preprocessing before anything else."
      }
    } else {
      text += ". Accuracy was not measured; give labelled images with --data DIR."
    }
    if let latency = analysis.latency {
      let median = latency.p50Milliseconds.value
      let place: String
      switch 1000 * Double(latency.batch) / max(median, 1e-9) {
      case Thresholds.highVideoRate...: place = "interactive and video use on hardware like this"
      case Thresholds.videoRate...: place = "30 frames/s video and interactive use on hardware like this"
      default:
        place =
          median <= Thresholds.immediateMilliseconds ? "interactive use" : "batch work, or faster hardware"
      }
      text +=
        " A median of \(latency.p50Milliseconds.text) on \(Format.plural(latency.threads, "thread")) suits \(place)."
    } else {
      let absence = Absence(
        "analysis.latency", in: report, otherwise: "install ONNX Runtime and run without --no-run")
      text += " Speed was not measured: \(absence.sentence)."
    }
    if let deployment = analysis.deployment, deployment.costPerMillion != nil,
      let cost = ThroughputNarrative.deployment(analysis)
    {
      text += " " + cost
    }
    return Report.Assessment(
      title: "Model Selection", text: text,
      basis: ["analysis.parameters", "analysis.macs", "analysis.latency.p50Milliseconds"])
  }

  private static func potential(_ report: Report) -> Report.Assessment {
    guard let optimization = report.optimization else {
      return absent(
        "Optimization Potential", "Nothing is known about what optimization gives",
        Absence("optimization", in: report, otherwise: Commands(report).optimize()), ["optimization"])
    }
    var text: String
    if OptimizationNarrative.helps(optimization) {
      text = "The optimized model is \(OptimizationNarrative.gain(optimization)). "
      text +=
        optimization.agreement.map {
          $0.value >= Thresholds.closeAgreement
            ? "It gives the original's answer on \($0.text) of the images, so it can replace it without retraining."
            : "It gives the original's answer on \($0.text) of the images: equal accuracy, different errors; review them."
        } ?? ""
    } else {
      text =
        "Nothing tried here is worth a change: the best model built is \(OptimizationNarrative.gain(optimization)). "
      text +=
        optimization.isApproximate
        ? "A larger calibration set or a wider accuracy budget may change that."
        : "The exact rewrites are kept, which is safe."
    }
    if let kernel = report.analysis?.profile?.kernels.max(by: { $0.share < $1.share }),
      kernel.share >= Thresholds.dominantNode
    {
      text +=
        " \(ProfileBlocks.title(kernel)) takes \(Format.percent(kernel.share, 0)) of the time and limits what can "
        + "still be gained."
    }
    if let analysis = report.analysis, let bottlenecks = ProfileNarrative.bottlenecks(analysis) {
      text += " " + bottlenecks
    }
    return Report.Assessment(
      title: "Optimization Potential", text: text,
      basis: ["optimization.sizeReduction", "optimization.speedup", "optimization.agreement"])
  }

  private static func security(_ report: Report) -> Report.Assessment {
    guard let security = report.security else {
      return absent(
        "Security Considerations", "Nothing is known about the safety of the file",
        Absence("security", in: report, otherwise: Commands(report).security), ["security"])
    }
    var text = SecurityNarrative.verdict(security)
    let advisories = security.findings.filter { $0.kind == .advisory }
    if let first = advisories.max(by: { $0.severity < $1.severity }) {
      text += " From the measurements: \(first.title) (\(first.severity.rawValue))."
    }
    if report.model.format.lowercased().contains("torch") {
      text +=
        " The format itself can run code when loaded: keep it inside the team and deploy ONNX or safetensors."
    }
    return Report.Assessment(
      title: "Security Considerations", text: text, basis: ["security.verdict", "security.findings"])
  }

  private static func robustness(_ report: Report) -> Report.Assessment {
    guard let robustness = report.robustness else {
      return absent(
        "Robustness Assessment", "Nothing is known about behaviour under manipulation",
        Absence("robustness", in: report, otherwise: Commands(report).robustness()), ["robustness"])
    }
    var text: String
    if let (attack, lost) = RobustnessNarrative.worstInvisible(robustness) {
      let radius = attack.epsilonText ?? Format.epsilon(attack.epsilon)
      switch lost {
      case Thresholds.fragileLoss...:
        text =
          "Fragile: \(attack.name) at \(radius), a change people do not see, takes accuracy from "
          + "\(robustness.cleanAccuracy.text) to \(attack.robustAccuracy.text). Do not let strangers choose its inputs "
          + "where a wrong answer costs something."
      case Thresholds.noticeableLoss...:
        text =
          "Sensitive: \(attack.name) at \(radius) takes accuracy from \(robustness.cleanAccuracy.text) to "
          + "\(attack.robustAccuracy.text). Tolerable where inputs come from known sources."
      default:
        text =
          "Steady: \(attack.name) at \(radius) leaves \(attack.robustAccuracy.text) of \(robustness.cleanAccuracy.text) "
          + "accuracy. Confirm it with more steps and restarts before relying on it."
      }
    } else if let attack = robustness.attacks.min(by: { $0.epsilon < $1.epsilon }) {
      text =
        "The smallest radius tried (\(attack.epsilonText ?? Format.epsilon(attack.epsilon)), \(attack.norm)) leaves "
        + "\(attack.robustAccuracy.text) of \(robustness.cleanAccuracy.text) accuracy under \(attack.name)."
    } else {
      text = "Clean accuracy is \(robustness.cleanAccuracy.text); no attack was run on it."
    }
    if let masking = RobustnessNarrative.masking(robustness) { text += " \(masking)" }
    if let comparison = RobustnessNarrative.comparison(robustness) { text += " \(comparison)" }
    return Report.Assessment(
      title: "Robustness Assessment", text: text, basis: ["robustness.cleanAccuracy", "robustness.attacks"])
  }

  /// The accuracy of the original on the largest set that was measured.
  static func accuracy(_ report: Report) -> Figure? {
    [report.optimization?.originalAccuracy, report.robustness?.cleanAccuracy].compactMap { $0 }
      .max { ($0.samples ?? 0) < ($1.samples ?? 0) }
  }

  private static func absent(_ title: String, _ consequence: String, _ absence: Absence, _ basis: [String])
    -> Report.Assessment
  {
    Report.Assessment(title: title, text: "\(consequence): \(absence.sentence).", basis: basis)
  }
}
