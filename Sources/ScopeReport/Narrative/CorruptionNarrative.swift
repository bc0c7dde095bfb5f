/// What corruptions, small changes and unknown images say of a model.
enum CorruptionNarrative {
  static func corruptions(_ found: Report.Corruptions, clean: Double) -> String {
    var text =
      "Under common corruptions \(Format.percent(found.meanAccuracy.value, 1)) of the images are right, "
      + "\(Format.percent(clean, 1)) without; \(found.worst) costs most."
    if let other = found.optimizedMeanAccuracy {
      let change = other.value - found.meanAccuracy.value
      let isProven = (found.pValue ?? 1) < Thresholds.significance
      text +=
        isProven
        ? " The optimized model is \(change < 0 ? "more" : "less") susceptible on the same images: "
          + "\(Format.percent(other.value, 1)) (exact McNemar p below \(Format.fixed(Thresholds.significance, 2)))."
        : " The optimized model keeps \(Format.percent(other.value, 1)) on the same images; no difference is proven."
    }
    return text
  }

  static func certified(_ found: Report.Certified) -> String {
    let first = found.rows.first?.accuracy.text ?? "none"
    return
      "Smoothed by noise of \(Format.fixed(found.sigma, 3)) the model answers \(first) of the images right with "
      + "\(Format.fixed(100 * (1 - found.alpha), 1))% confidence each (\(Format.integer(found.samples)) noisy copies), and "
      + "abstains on \(Format.plural(found.abstained, "image")). The guarantee is for the smoothed model: deploying the model "
      + "alone does not have it."
  }

  static func stability(_ rows: [Report.Stability]) -> String? {
    guard let worst = rows.max(by: { $0.changed.value < $1.changed.value }) else { return nil }
    return
      "The change that moves most predictions is \"\(worst.name)\": \(Format.percent(worst.changed.value, 1)) of the images "
      + "get another class."
  }

  static func unknowns(_ rows: [Report.UnknownInputs]) -> String? {
    guard let worst = rows.max(by: { $0.confident.value < $1.confident.value }) else { return nil }
    guard worst.confident.value > Thresholds.confidentUnknowns else {
      return "On images of nothing the model is seldom sure: confidence above 0.9 for at most "
        + "\(Format.percent(worst.confident.value, 1)) of them (\(worst.name.lowercased()))."
    }
    return "The model is sure of what it cannot know: of \(worst.name.lowercased()), "
      + "\(Format.percent(worst.confident.value, 1)) get a confidence above 0.9. Reject inputs by something else than the "
      + "softmax, or train with an outlier class."
  }
}
