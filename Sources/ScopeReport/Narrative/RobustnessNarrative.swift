/// Sentences for section 4.
enum RobustnessNarrative {
  static func interpret(_ robustness: inout Report.Robustness, in report: Report) {
    let source = robustness
    robustness.cleanAccuracy.interpretation = clean(source, report)
    robustness.score?.interpretation = score(source)
    for index in robustness.attacks.indices {
      robustness.attacks[index].robustAccuracy.interpretation = attack(source.attacks[index], source)
    }
  }

  static func clean(_ robustness: Report.Robustness, _ report: Report) -> String {
    let accuracy = robustness.cleanAccuracy
    var text = "The reference for every attack below"
    if let classes = report.conditions.data?.classes, classes > 1 {
      text +=
        "; guessing among \(Format.integer(classes)) classes gives \(Format.percent(1 / Double(classes)))"
    }
    if let images = robustness.images ?? accuracy.samples, images < Thresholds.minimumEvaluationImages {
      text += ". \(OptimizationNarrative.resolution(images))"
      return text
    }
    return text + "."
  }

  static func score(_ robustness: Report.Robustness) -> String? {
    guard let score = robustness.score?.value else { return nil }
    let radius = robustness.headlineEpsilon.map(Format.epsilon) ?? "the headline radius"
    let attack = robustness.headlineAttack ?? "the headline attack"
    let kept =
      "Of the images classified correctly, \(Format.fixed(score, 0)) in 100 survive \(attack) at \(radius)"
    switch score {
    case Thresholds.strongScore...:
      return "\(kept): unusual without adversarial training, and worth a stronger attack."
    case Thresholds.weakScore...:
      return "\(kept): better than an undefended network, still open to an attacker."
    default:
      return "\(kept): what undefended training gives; anyone who can choose pixels can choose the answer."
    }
  }

  static func attack(_ attack: Report.Attack, _ robustness: Report.Robustness) -> String {
    let clean = robustness.cleanAccuracy.value
    let robust = attack.robustAccuracy.value
    guard clean > 0 else { return "No prediction was correct before the attack." }
    let lost = max(0, 1 - robust / clean)
    // A single-step attack may overshoot: more radius, more accuracy. Worth saying, since it understates the danger.
    if let smaller = robustness.attacks.filter({
      $0.name == attack.name && $0.norm == attack.norm && $0.epsilon < attack.epsilon
        && $0.robustAccuracy.value < robust - 1e-9
    }).min(by: { $0.robustAccuracy.value < $1.robustAccuracy.value }) {
      return "\(Format.percent(lost, 0)) of the correct predictions flip, fewer than at "
        + "\(smaller.epsilonText ?? Format.epsilon(smaller.epsilon)): the step overshoots, an iterated attack finds more."
    }
    return "\(Format.percent(lost, 0)) of the correct predictions flip."
  }

  /// Whether probabilities can be shown to users, and what would mend them.
  static func calibration(_ calibration: Report.Calibration) -> String {
    if let images = calibration.expectedError.samples, images < Thresholds.minimumEvaluationImages {
      return "Too few to judge: on \(Format.plural(images, "image")), chance alone makes such an error."
    }
    let error = calibration.expectedError.value
    let direction = calibration.overconfidence > 0 ? "too sure" : "not sure enough"
    var text =
      error < Thresholds.calibratedError
      ? "Confidence can be read as probability."
      : "The model is \(direction): its mean confidence is \(Format.points(abs(calibration.overconfidence))) "
        + "\(calibration.overconfidence > 0 ? "above" : "below") its accuracy."
    if error >= Thresholds.calibratedError, let temperature = calibration.temperature,
      let before = calibration.errorBefore, let after = calibration.errorAfter, after < before
    {
      text +=
        " Dividing the logits by \(Format.fixed(temperature, 2)), fitted on half of the images, takes the error of "
        + "the other half from \(Format.percent(before)) to \(Format.percent(after)); no prediction changes."
    }
    return text
  }

  static func minimalEpsilon(_ found: Report.MinimalEpsilon) -> String {
    let right = found.found.count + found.withstood
    guard right > 0 else { return "No prediction was correct before the attack." }
    let half =
      found.median.map { "Half of the correct predictions flip within \(Format.epsilon($0))" }
      ?? "More than half of the correct predictions withstand \(Format.epsilon(found.limit))"
    return "\(half); \(found.withstood) of \(right) withstand \(Format.epsilon(found.limit))."
  }

  /// What the checks say of the score.
  static func confidence(_ robustness: Report.Robustness) -> String? {
    guard let checks = robustness.checks, let confidence = robustness.confidence else { return nil }
    let failed = checks.filter { $0.outcome == "failed" }
    guard let first = failed.first else {
      return
        "No sign of masked gradients: \(Format.plural(checks.count { $0.outcome == "passed" }, "check")) passed."
    }
    return "Confidence in the score is \(confidence): \(Format.plural(failed.count, "check")) failed "
      + "(\(failed.map(\.name).joined(separator: "; "))). \(first.advice)."
  }

  /// Remark when an iterated attack does worse than a single step: gradients may be masked (Athalye et al. 2018).
  static func masking(_ robustness: Report.Robustness) -> String? {
    for single in robustness.attacks where single.name.uppercased().hasPrefix("FGSM") {
      for iterated in robustness.attacks
      where iterated.name.uppercased().hasPrefix("PGD") && iterated.norm == single.norm
        && abs(iterated.epsilon - single.epsilon) < 1e-9
        && iterated.robustAccuracy.value > single.robustAccuracy.value + 0.01
      {
        return "\(iterated.name) finds fewer adversarial images than \(single.name) at "
          + "\(iterated.epsilonText ?? Format.epsilon(iterated.epsilon)): a sign of masked gradients "
          + "or too few steps; do not trust the higher figure."
      }
    }
    return nil
  }

  /// The strongest loss at an invisible radius: (attack, share of correct predictions lost).
  static func worstInvisible(_ robustness: Report.Robustness) -> (attack: Report.Attack, lost: Double)? {
    let clean = robustness.cleanAccuracy.value
    guard clean > 0 else { return nil }
    return robustness.attacks
      .filter { $0.norm.lowercased().contains("inf") && $0.epsilon <= Thresholds.invisibleEpsilon }
      .map { ($0, max(0, 1 - $0.robustAccuracy.value / clean)) }
      .max { $0.1 < $1.1 }
  }

  /// The strongest invisible attack, or else the strongest at the smallest radius tried.
  static func smallest(_ robustness: Report.Robustness) -> (attack: Report.Attack, lost: Double)? {
    if let invisible = worstInvisible(robustness) { return invisible }
    let clean = robustness.cleanAccuracy.value
    guard clean > 0 else { return nil }
    return robustness.attacks.min {
      ($0.epsilon, $0.robustAccuracy.value) < ($1.epsilon, $1.robustAccuracy.value)
    }
    .map { ($0, max(0, 1 - $0.robustAccuracy.value / clean)) }
  }

  /// Where the optimized model loses most against the original: (comparison, extra loss as a fraction).
  static func optimizedExtraLoss(_ robustness: Report.Robustness) -> (Report.OptimizedUnderAttack, Double)? {
    robustness.optimizedComparison
      .map { ($0, $0.originalRobustAccuracy.value - $0.optimizedRobustAccuracy.value) }
      .max { $0.1 < $1.1 }
  }

  static func comparison(_ robustness: Report.Robustness) -> String? {
    guard let (worst, extra) = optimizedExtraLoss(robustness) else { return nil }
    if let images = worst.optimizedRobustAccuracy.samples, images > 0,
      Thresholds.optimizedExtraLoss * Double(images) < 1,
      robustness.optimizedComparison.allSatisfy({
        abs($0.optimizedRobustAccuracy.value - $0.originalRobustAccuracy.value) * Double(images) < 1.5
      })
    {
      return
        "The two models differ by at most one of the \(Format.plural(images, "image")) under every attack: no difference "
        + "can be told on so few."
    }
    let place = "\(worst.attack) at \(Format.epsilon(worst.epsilon))"
    if extra > Thresholds.optimizedExtraLoss {
      return "The optimized model keeps \(Format.points(extra)) less than the original under \(place)."
    }
    if let best = robustness.optimizedComparison.map({
      $0.optimizedRobustAccuracy.value - $0.originalRobustAccuracy.value
    })
    .max(), best > Thresholds.optimizedExtraLoss {
      return
        "The optimized model is up to \(Format.points(best)) more accurate under attack than the original; its "
        + "gradient passes the quantizers only approximately, so this is no evidence of a defence."
    }
    return "The optimized model withstands the attacks as the original does (within "
      + "\(Format.points(Thresholds.optimizedExtraLoss)))."
  }
}
