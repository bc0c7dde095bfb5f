/// Which layers quantization hurts, and what that means.
enum SensitivityNarrative {
  /// Most sensitive first; what is not a number is left out.
  static func ordered(_ layers: [Report.LayerSensitivity]) -> [Report.LayerSensitivity] {
    layers.enumerated().filter { $0.element.sqnr.isFinite }
      .sorted { ($0.element.sqnr, $0.offset) < ($1.element.sqnr, $1.offset) }.map(\.element)
  }

  static func text(_ all: [Report.LayerSensitivity]) -> String? {
    let layers = ordered(all)
    guard let worst = layers.first else { return nil }
    let noise = Format.percent(amplitude(worst.sqnr), worst.sqnr >= 20 ? 1 : 0)
    let first =
      "With only \(name(worst)) in INT8 the scores keep a signal-to-noise ratio of \(decibel(worst.sqnr)): noise of \(noise) of "
      + "their amplitude"
    if layers.count == 1 { return first + "." }
    let median = layers[layers.count / 2].sqnr
    let sensitive = layers.filter { $0.sqnr < Thresholds.audibleSQNR }
    let standing = layers.filter { $0.sqnr <= median - Thresholds.outlierSQNR }
    if sensitive.isEmpty, standing.isEmpty {
      return
        "No layer is sensitive. \(first), the worst of \(Format.plural(layers.count, "layer")): loss of accuracy comes from "
        + "their sum, not from one."
    }
    let group = (sensitive.isEmpty ? standing : sensitive).prefix(3)
    let share = group.reduce(0) { $0 + max($1.parameterShare, 0) }
    let it = group.count == 1 ? "it" : "them"
    let names = Format.list(group.map(name))
    var text =
      group.count == 1
      ? "The most sensitive layer is \(names)." : "The most sensitive layers are \(names)."
    text += " \(first), against \(decibel(median)) for the median layer."
    text +=
      " \(group.count == 1 ? "It holds" : "They hold") \(share < 0.0005 ? "less than 0.1%" : Format.percent(share)) of the parameters, so keeping \(it) in float32 "
    text +=
      share <= Thresholds.cheapFloatShare
      ? "costs little size." : "gives up a part of the reduction: decide by the accuracy budget."
    return text
  }

  /// Noise over signal in amplitude, by the definition of the decibel: 10^(-SQNR / 20).
  static func amplitude(_ sqnr: Double) -> Double { PlotMath.power10(-sqnr / 20) }

  static func decibel(_ sqnr: Double) -> String { "\(Format.fixed(sqnr, 1)) dB" }

  private static func name(_ layer: Report.LayerSensitivity) -> String {
    TerminalText.cutMiddle(Escape.visible(layer.layer), 48)
  }
}
