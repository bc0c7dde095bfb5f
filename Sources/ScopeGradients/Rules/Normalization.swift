import ScopeBytes
import ScopeGraph

/// `BatchNormalization` in inference form: a constant scale per channel.
enum BatchNormalizationRule: GradientRule {
  static let operators = ["BatchNormalization"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnlyFirstInput()
    let node = application.node
    guard node.inputs.count == 5, (node.int("training_mode") ?? 0) == 0 else {
      throw application.unsupported(
        "it is in training form", remedy: "Export the model in evaluation mode (model.eval())")
    }
    guard let scale = try context.constants.floats(node.inputs[1]),
      let variance = try context.constants.floats(node.inputs[4]), scale.count == variance.count
    else { throw application.unsupported("its statistics are computed while running") }
    let epsilon = node.float("epsilon") ?? 1e-5
    let rank = try context.shape(node.inputs[0], for: application).rank
    let factors = zip(scale, variance).map { $0 / ($1 + epsilon).squareRoot() }
    let shape = [factors.count] + Array(repeating: 1, count: max(rank - 2, 0))
    let constant = context.constant(.floats(factors, shape), as: context.dataType(node.inputs[0]))
    return application.first(context.multiply(application.gradient, constant))
  }
}

/// `LayerNormalization`, with g = dY * scale and z the normalised input:
/// (g - mean(g) - z mean(g z)) / standard deviation, means over the normalised axes.
enum LayerNormalizationRule: GradientRule {
  static let operators = ["LayerNormalization"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnlyFirstInput()
    let node = application.node
    let x = node.inputs[0]
    let shape = try context.shape(x, for: application)
    let first = try context.axis(node.int("axis") ?? -1, rank: shape.rank, for: application)
    guard let count = Shape(Array(shape.dimensions[first...])).elementCount, count > 0 else {
      throw application.unsupported(
        "the normalised size is not known before running", found: shape.description)
    }
    let axes = Array(first..<shape.rank)
    let share = context.scalar(1 / Float(count), like: x)
    func mean(_ value: String) -> String {
      context.multiply(context.sum(value, axes: axes, keepDimensions: true), share)
    }
    let centred = context.subtract(x, mean(x))
    let variance = mean(context.multiply(centred, centred))
    let deviation = context.emit(
      "Sqrt", [context.add(variance, context.scalar(node.float("epsilon") ?? 1e-5, like: x))])
    let normalised = context.divide(centred, deviation)
    let scaled = context.multiply(application.gradient, node.inputs[1])
    let projection = context.multiply(normalised, mean(context.multiply(scaled, normalised)))
    let numerator = context.subtract(context.subtract(scaled, mean(scaled)), projection)
    return application.first(context.divide(numerator, deviation))
  }
}
