extension Document {
  /// What to do in short: the recommendations with the figure that motivates each, in their order.
  static func actions(_ report: Report) -> [Action] {
    report.recommendations.enumerated().map { index, item in
      Action(title: action(item, report), gain: gain(item, report), number: index + 1)
    }
  }

  /// The first sentence of the recommendation says what to do; its title only groups it.
  private static func action(_ item: Report.Recommendation, _ report: Report) -> String {
    var text = item.text
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  /// For an optimization that helps `−74.6% size, 1.80×, −0.2 points`, otherwise the motivation.
  private static func gain(_ item: Report.Recommendation, _ report: Report) -> String {
    guard item.basis.contains("optimization.sizeReduction"), let optimization = report.optimization,
      OptimizationNarrative.helps(optimization)
    else { return Format.sentence(item.motivation) }
    var parts = ["\(Format.signedPercent(-optimization.sizeReduction.value)) size"]
    if let speedup = optimization.speedup { parts.append("\(Format.ratio(speedup.value)) as fast") }
    if let drop = OptimizationNarrative.drop(optimization) {
      parts.append(
        abs(drop) < 1e-9 ? "same accuracy" : "\(drop > 0 ? "−" : "+")\(Format.points(drop)) accuracy")
    } else if let changed = OptimizationNarrative.changed(optimization) {
      parts.append("\(Format.percent(changed.value)) of predictions changed")
    }
    return parts.joined(separator: ", ")
  }
}

extension Format {
  /// A relative change with its sign: `−74.6%`, `+3.0%`, `0.0%`.
  package static func signedPercent(_ change: Double) -> String {
    let text = percent(abs(change))
    return abs(change) < 0.0005 ? text : (change < 0 ? "−" : "+") + text
  }
}
