/// What is known about a value of a graph in the search for triggers.
struct TriggerFlow: Equatable {
  /// How the value depends on the values (not the shapes) of the graph's inputs.
  enum Level: Int, Comparable {
    /// Not at all.
    case constant
    /// Through operators without trained weights: the input itself, looked at in some way.
    case raw
    /// Through at least one trained layer: what the model says about the input.
    case deep

    static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
  }

  var level: Level
  /// Raw: reduced to few elements per sample (a reduction, a selection of few elements, one template).
  var isNarrow = false
  /// Raw: went through a comparison or an operator that saturates.
  var isCompared = false
  /// Raw: compared for equality with a constant other than zero.
  var isExact = false
  /// Raw: a narrow comparison multiplied into a constant vector that differs between elements.
  var isPayload = false
  /// Deep: stacked with a constant.
  var isMixed = false
  /// Deep: a class number rather than scores.
  var isLabel = false

  static let constant = TriggerFlow(level: .constant)

  /// Whether the value can switch something on for one input and off for another.
  var isSwitch: Bool { level == .raw && isCompared }

  /// Of several operands of an elementwise operator.
  static func join(_ flows: [TriggerFlow]) -> TriggerFlow {
    let varying = flows.filter { $0.level != .constant }
    guard let level = varying.map(\.level).max() else { return .constant }
    var result = TriggerFlow(level: level)
    let raw = varying.filter { $0.level == .raw }
    if level == .raw {
      result.isNarrow = raw.allSatisfy(\.isNarrow)
      result.isCompared = raw.contains(where: \.isCompared)
      result.isExact = raw.contains(where: \.isExact)
      result.isPayload = raw.contains(where: \.isPayload)
    } else {
      result.isMixed = varying.contains(where: \.isMixed)
      result.isLabel = varying.contains(where: \.isLabel)
    }
    return result
  }
}

/// An input-triggered switch to a constant.
struct GraphTrigger {
  /// From the input to the gate, one entry per node.
  var trigger: [String]
  var gate: String
  /// From the gate to an output.
  var effect: [String]
  /// What is switched in, in words.
  var constant: String
  /// Whether the switched-in values name a class, or the trigger is an exact pattern: an ordinary fallback for an
  /// invalid input does neither.
  var isTargeted: Bool

  var path: String { (trigger + [gate] + effect).joined(separator: " > ") }
}
