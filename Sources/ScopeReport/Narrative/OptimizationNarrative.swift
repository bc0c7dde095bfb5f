/// Sentences for section 2.
enum OptimizationNarrative {
  static func interpret(_ optimization: inout Report.Optimization) {
    let source = optimization
    optimization.originalBytes.interpretation = "The file as given."
    optimization.optimizedBytes.interpretation =
      optimization.isApproximate
      ? "The candidate that won\(optimization.chosen.map { " (\($0))" } ?? "")."
      : "Exact rewrites only: the outputs are those of the original."
    optimization.sizeReduction.interpretation = reduction(source)
    optimization.speedup?.interpretation = speedup(source)
    optimization.optimizedAccuracy?.interpretation = accuracy(source)
    optimization.originalAccuracy?.interpretation = baseline(source)
    optimization.agreement?.interpretation = agreement(source)
    optimization.accuracyDrop?.interpretation = lossInterval(source)
  }

  static func reduction(_ optimization: Report.Optimization) -> String {
    let reduction = optimization.sizeReduction.value
    if reduction >= Thresholds.worthwhileReduction {
      let share = reduction / Thresholds.eightBitReduction
      if optimization.isApproximate, share > 1 {
        return
          "More than 8-bit weights alone can give (75%): something was removed, not only stored in fewer bits."
      }
      return optimization.isApproximate
        ? "\(Format.percent(share, 0)) of what 8-bit weights can give (75%); the rest is structure and what is stored in "
          + "more bits."
        : "Removed without approximation."
    }
    return reduction < 0
      ? "The file grew: the rewritten graph stores what the original derived."
      : "Below \(Format.percent(Thresholds.worthwhileReduction, 0)): size is no reason to change the artefact."
  }

  static func speedup(_ optimization: Report.Optimization) -> String? {
    guard let speedup = optimization.speedup else { return nil }
    let change =
      "Each inference takes \(Format.percent(abs(1 - 1 / max(speedup.value, 1e-9)), 0)) "
      + (speedup.value >= 1 ? "less time." : "more time.")
    guard let interval = speedup.interval else { return change }
    if interval.low > 1 {
      return "\(change) The whole interval lies above 1: the gain is real on this machine."
    }
    if interval.high < 1 { return "\(change) The whole interval lies below 1: slower on this machine." }
    return "The interval contains 1: no difference in speed is proven on this machine."
  }

  static func baseline(_ optimization: Report.Optimization) -> String? {
    guard let original = optimization.originalAccuracy else { return nil }
    return resolution(optimization.evaluationImages ?? original.samples)
  }

  static func accuracy(_ optimization: Report.Optimization) -> String? {
    guard let drop = drop(optimization) else { return nil }
    let budget = optimization.maximumAccuracyDrop ?? Thresholds.accuracyDrop
    let limit = "the accepted \(Format.points(budget))"
    let images = optimization.evaluationImages ?? optimization.optimizedAccuracy?.samples
    let oneImage = images.map { 1 / Double(max($0, 1)) } ?? 0
    if abs(drop) < 1e-9 { return "No change on these images. \(resolution(images))" }
    let direction = drop > 0 ? "\(Format.points(drop)) lower" : "\(Format.points(drop)) higher"
    if drop > budget + 1e-9 { return "\(Format.sentence(direction)), beyond \(limit). \(resolution(images))" }
    if abs(drop) <= 3 * oneImage {
      return
        "\(Format.sentence(direction)), \(Format.plural(Int((abs(drop) * Double(images ?? 0)).rounded()), "image")): "
        + "not distinguishable from chance. \(resolution(images))"
    }
    return "\(Format.sentence(direction)), within \(limit). \(resolution(images))"
  }

  static func agreement(_ optimization: Report.Optimization) -> String? {
    guard let agreement = optimization.agreement else { return nil }
    let differs = Format.percent(1 - agreement.value)
    if agreement.value >= 1 { return "Both models give the same class on every image." }
    return agreement.value >= Thresholds.closeAgreement
      ? "The class differs on \(differs) of the images: a close copy."
      : "The class differs on \(differs) of the images: similar accuracy hides exchanged errors, look at the cases that matter."
  }

  /// What one image is worth, so that a reader can judge small differences.
  static func resolution(_ images: Int?) -> String {
    guard let images, images > 0 else { return "" }
    let worth = "One of the \(Format.plural(images, "image")) is worth \(Format.points(1 / Double(images)))"
    return images < Thresholds.minimumEvaluationImages
      ? "\(worth): too few to decide on." : "\(worth)."
  }

  /// What the paired interval of the loss excludes.
  static func lossInterval(_ optimization: Report.Optimization) -> String? {
    guard let drop = optimization.accuracyDrop, let interval = drop.interval else { return nil }
    let isLabelled = optimization.originalAccuracy != nil
    let budget = optimization.maximumAccuracyDrop ?? Thresholds.accuracyDrop
    let show = { (value: Double) in isLabelled ? Format.points(value) : Format.percent(value) }
    let kept =
      interval.high <= budget + 1e-9
      ? "the upper end is within the accepted \(show(budget))"
      : interval.low > budget
        ? "all of it is beyond the accepted \(show(budget))"
        : "up to \(show(max(interval.high, 0))), beyond the accepted \(show(budget)), cannot be excluded"
          + (drop.samples.map { " with \(Format.plural($0, "sample"))" } ?? "")
    if !isLabelled { return "Judged by agreement with the original, without labels: \(kept)." }
    if interval.low > 0 { return "A loss is proven: the interval lies above 0; \(kept)." }
    if interval.high < 0 { return "The optimized model is proven better on this data." }
    return "The interval contains 0, so no loss is proven; \(kept)."
  }

  /// What stands for the approximation.
  static func techniques(_ optimization: Report.Optimization) -> String {
    optimization.originalAccuracy != nil
      ? "Approximate: results change slightly; the accuracy rows are the proof that they may."
      : isJudged(optimization)
        ? "Approximate: the agreement with the original is the evidence, there were no labels."
        : "Approximate, and no data judged it: measure accuracy before it replaces the original."
  }

  /// Whether real samples decided.
  static func isJudged(_ optimization: Report.Optimization) -> Bool {
    optimization.accuracyDrop != nil || optimization.agreement != nil || optimization.originalAccuracy != nil
  }

  /// Share of predictions that changed, with its interval; nil when nothing judged.
  static func changed(_ optimization: Report.Optimization) -> Figure? {
    if optimization.originalAccuracy == nil, let drop = optimization.accuracyDrop { return drop }
    guard let agreement = optimization.agreement else { return nil }
    let interval = agreement.interval.map {
      Figure.Interval(low: 1 - $0.high, high: 1 - $0.low, level: $0.level, method: $0.method)
    }
    return .fraction(1 - agreement.value, interval: interval, samples: agreement.samples)
  }

  /// Loss of accuracy (positive is worse), nil where it was not measured.
  static func drop(_ optimization: Report.Optimization) -> Double? {
    if let before = optimization.originalAccuracy?.value, let after = optimization.optimizedAccuracy?.value {
      return before - after
    }
    return optimization.originalAccuracy == nil ? nil : optimization.accuracyDrop?.value
  }

  /// Whether the optimized model is worth shipping: smaller or provably faster, and within the accuracy budget.
  static func helps(_ optimization: Report.Optimization) -> Bool {
    let budget = optimization.maximumAccuracyDrop ?? Thresholds.accuracyDrop
    guard
      let drop = drop(optimization) ?? changed(optimization)?.value ?? (optimization.isApproximate ? nil : 0),
      drop <= budget + 1e-9
    else {
      return false
    }
    let faster = optimization.speedup.map { ($0.interval?.low ?? $0.value) > 1 } ?? false
    let slower = optimization.speedup.map { ($0.interval?.high ?? $0.value) < 1 } ?? false
    return faster || (!slower && optimization.sizeReduction.value >= Thresholds.worthwhileReduction)
  }

  /// `72.9% smaller and 1.39× as fast, with 0.2 points less accuracy`: the gain in one phrase.
  static func gain(_ optimization: Report.Optimization) -> String {
    var parts: [String] = []
    let reduction = optimization.sizeReduction.value
    if abs(reduction) >= 0.0005 {
      parts.append("\(Format.percent(abs(reduction))) \(reduction > 0 ? "smaller" : "larger")")
    }
    if let speedup = optimization.speedup { parts.append("\(Format.ratio(speedup.value)) as fast") }
    var text = parts.isEmpty ? "the same size" : Format.list(parts)
    if let drop = drop(optimization) {
      text +=
        abs(drop) < 1e-9
        ? ", with the same accuracy" : ", with \(Format.points(drop)) \(drop > 0 ? "less" : "more") accuracy"
    } else if let changed = changed(optimization) {
      text += ", with \(Format.percent(changed.value)) of the predictions changed"
    }
    return text
  }
}
