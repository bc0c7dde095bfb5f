import ScopeBytes
import ScopeGraph

/// `BatchNormalization` in inference form: a constant scale per channel. With z = (x - mean) / standard deviation, the
/// gradient of the scale is the sum of dY z, that of the bias the sum of dY.
enum BatchNormalizationRule: GradientRule {
  static let operators = ["BatchNormalization"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnly([0, 1, 2])
    let node = application.node
    guard node.inputs.count == 5, (node.int("training_mode") ?? 0) == 0 else {
      throw application.unsupported(
        "it is in training form", remedy: "Export the model in evaluation mode (model.eval())")
    }
    let x = node.inputs[0]
    let scale = application.isWanted(1) ? nil : try context.constants.floats(node.inputs[1])
    guard let mean = try context.constants.floats(node.inputs[3]),
      let variance = try context.constants.floats(node.inputs[4]), mean.count == variance.count,
      application.isWanted(1) || scale?.count == variance.count
    else { throw application.unsupported("its statistics are computed while running") }
    let epsilon = node.float("epsilon") ?? 1e-5
    let rank = try context.shape(x, for: application).rank
    let shape = [variance.count] + Array(repeating: 1, count: max(rank - 2, 0))
    let inverse = variance.map { 1 / ($0 + epsilon).squareRoot() }
    var results = [String?](repeating: nil, count: 5)
    if application.isWanted(0) {
      let factor: String
      if let scale {
        let factors = zip(scale, inverse).map { $0 * $1 }
        factor = context.constant(.floats(factors, shape), as: context.dataType(x))
      } else {
        let learned = context.emit("Reshape", [node.inputs[1], context.integers(shape)])
        factor = context.multiply(learned, context.constant(.floats(inverse, shape), as: context.dataType(x)))
      }
      results[0] = context.multiply(application.gradient, factor)
    }
    if application.isWanted(1) {
      let centred = context.subtract(x, context.constant(.floats(mean, shape), as: context.dataType(x)))
      let total = context.sumPerChannel(context.multiply(application.gradient, centred), rank: rank)
      results[1] = context.multiply(
        total, context.constant(.floats(inverse, [inverse.count]), as: context.dataType(x)))
    }
    if application.isWanted(2) { results[2] = context.sumPerChannel(application.gradient, rank: rank) }
    return results
  }
}

/// `LayerNormalization`, with g = dY * scale and z the normalised input:
/// (g - mean(g) - z mean(g z)) / standard deviation, means over the normalised axes; dY z and dY summed over the other
/// axes for scale and bias.
enum LayerNormalizationRule: GradientRule {
  static let operators = ["LayerNormalization"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnly([0, 1, 2])
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
    var results = [String?](repeating: nil, count: node.inputs.count)
    if application.isWanted(0) {
      let scaled = context.multiply(application.gradient, node.inputs[1])
      let projection = context.multiply(normalised, mean(context.multiply(scaled, normalised)))
      let numerator = context.subtract(context.subtract(scaled, mean(scaled)), projection)
      results[0] = context.divide(numerator, deviation)
    }
    if application.isWanted(1) {
      results[1] = try context.unbroadcast(
        context.multiply(application.gradient, normalised), from: x, to: node.inputs[1], for: application)
    }
    if application.isWanted(2) {
      results[2] = try context.unbroadcast(
        application.gradient, from: x, to: node.inputs[2], for: application)
    }
    return results
  }
}
