/// Section 7: ship, ship the optimized model, or do not ship yet. The first rule that applies decides:
///
/// 1. the scan says unsafe: do not ship; incomplete: do not ship yet
/// 2. accuracy not measured, or on fewer images than ``Thresholds/minimumEvaluationImages``: do not ship yet
/// 3. accuracy not distinguishable from guessing: do not ship yet
/// 4. the optimized model helps within the accuracy budget: ship it
/// 5. otherwise: ship the original
enum Verdict {
  static func make(_ report: Report) -> Report.Conclusion {
    let (decision, headline, reason) = decide(report)
    return Report.Conclusion(
      decision: decision, headline: headline, sentences: [reason, gain(report, decision), caveat(report)])
  }

  private static func decide(_ report: Report) -> (Report.Conclusion.Decision, String, String) {
    let name = report.model.architecture ?? report.model.name
    guard let security = report.security else {
      return (
        .doNotShipYet, "Do not ship yet: the file was not scanned",
        "\(name) was not scanned for unsafe content; scan it before anything loads it (neural-scope security)."
      )
    }
    if security.verdict == .unsafe {
      let worst = security.findings.filter { $0.kind == .file }.max { $0.severity < $1.severity }
      return (
        .doNotShipYet, "Do not ship: the file is unsafe",
        "The file is unsafe" + (worst.map { ": \($0.title) (\($0.rule))" } ?? "")
          + "; replace it before anything loads it."
      )
    }
    if security.verdict == .incomplete {
      return (.doNotShipYet, "Do not ship yet: the scan is incomplete", SecurityNarrative.verdict(security))
    }
    guard let accuracy = Assessments.accuracy(report) else {
      return (
        .doNotShipYet, "Do not ship yet: accuracy is unknown",
        "Accuracy was not measured, so nothing speaks for shipping \(name) yet; give labelled images with --data DIR."
      )
    }
    if let classes = report.conditions.data?.classes, classes > 1,
      (accuracy.interval?.low ?? accuracy.value) <= 1 / Double(classes)
    {
      return (
        .doNotShipYet, "Do not ship yet: accuracy is no better than guessing",
        "\(accuracy.text) accuracy is not distinguishable from guessing among \(Format.integer(classes)) classes; check the "
          + "labels, the class order and the preprocessing."
      )
    }
    let counts = [accuracy.samples, report.optimization?.evaluationImages].compactMap { $0 }
    let images = counts.min() ?? report.conditions.data?.images ?? 0
    if images < Thresholds.minimumEvaluationImages {
      return (
        .doNotShipYet, "Do not ship yet: \(Format.plural(images, "image")) cannot support a decision",
        "\(accuracy.text) accuracy on \(Format.plural(accuracy.samples ?? images, "image"))"
          + (accuracy.intervalText.map { " may be anything from \($0)" } ?? " is uncertain")
          + "; repeat with at least \(Thresholds.minimumEvaluationImages) labelled images."
      )
    }
    if let optimization = report.optimization, OptimizationNarrative.helps(optimization) {
      return (
        .shipOptimized, "Ship the optimized model",
        "\(name) keeps \((optimization.optimizedAccuracy ?? accuracy).text) accuracy on "
          + "\(Format.plural(images, "image")) in \(optimization.optimizedBytes.text), and the scan found nothing dangerous."
      )
    }
    return (
      .ship, "Ship the original model",
      "\(name) gives \(accuracy.text) accuracy on \(Format.plural(images, "image")), and the scan found nothing dangerous."
    )
  }

  private static func gain(_ report: Report, _ decision: Report.Conclusion.Decision) -> String {
    guard let optimization = report.optimization else {
      let absence = Absence("optimization", in: report, otherwise: "neural-scope optimize with --data DIR")
      return "What optimization would give is unknown: \(absence.sentence)."
    }
    let gain = OptimizationNarrative.gain(optimization)
    if OptimizationNarrative.helps(optimization) {
      return decision == .shipOptimized
        ? "Against the original it is \(gain), measured on this machine."
        : "Once that is settled, prefer the optimized model: it is \(gain), measured on this machine."
    }
    return "Optimization gives no reason to change the artefact: the best model built is \(gain)."
  }

  private static func caveat(_ report: Report) -> String {
    guard let robustness = report.robustness else {
      let absence = Absence("robustness", in: report, otherwise: "neural-scope robustness with --data DIR")
      return
        "Behaviour under manipulated inputs is unknown, so keep it to trusted inputs: \(absence.sentence)."
    }
    guard let (attack, lost) = RobustnessNarrative.smallest(robustness) else {
      return
        "No attack was run, so keep it to trusted inputs: neural-scope robustness with --attack measures it."
    }
    let radius = attack.epsilonText ?? Format.epsilon(attack.epsilon)
    if lost >= Thresholds.fragileLoss {
      return
        "Keep it to inputs that strangers cannot craft: \(attack.name) at \(radius) flips \(Format.percent(lost, 0)) of "
        + "the correct predictions."
    }
    return lost >= Thresholds.noticeableLoss
      ? "Watch inputs from outside: \(attack.name) at \(radius) flips \(Format.percent(lost, 0)) of the correct predictions."
      : "It is steady under the attacks tried: \(attack.name) at \(radius) flips only \(Format.percent(lost, 0))."
  }
}
