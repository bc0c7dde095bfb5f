import ScopeBytes
import ScopeGraph

/// `InstanceNormalization`, x [N, C, spatial...]: with x' the normalized values and g = dY scale,
/// (g - mean(g) - x' mean(g x')) / deviation, means over the spatial axes of each image and channel.
enum InstanceNormalizationRule: GradientRule {
  static let operators = ["InstanceNormalization"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnlyFirstInput()
    let node = application.node
    let x = node.inputs[0]
    let sizes = try context.spatialSizes(x, for: application)
    guard node.inputs.count == 3 else { throw application.unsupported("it has no scale") }
    // Sizes come from a file: the product as a real number cannot overflow.
    let count = sizes.reduce(Double(1)) { $0 * Double($1) }
    guard count >= 1 else { throw application.unsupported("its spatial size is zero") }
    let axes = Array(2..<(sizes.count + 2))
    let share = context.scalar(Float(1 / count), like: x)
    func mean(_ value: String) -> String {
      context.multiply(context.sum(value, axes: axes, keepDimensions: true), share)
    }
    let scale = context.emit(
      "Reshape", [node.inputs[1], context.integers([1, -1] + sizes.map { _ in 1 })])
    let gradient = context.multiply(application.gradient, scale)
    let centred = context.subtract(x, mean(x))
    let variance = context.add(
      mean(context.multiply(centred, centred)), context.scalar(node.float("epsilon") ?? 1e-5, like: x))
    let deviation = context.emit("Sqrt", [variance])
    let normalized = context.divide(centred, deviation)
    let along = context.multiply(normalized, mean(context.multiply(gradient, normalized)))
    let rest = context.subtract(context.subtract(gradient, mean(gradient)), along)
    return application.first(context.divide(rest, deviation))
  }
}
