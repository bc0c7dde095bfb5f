import ScopeBytes
import ScopeGraph

/// `Clip` (ReLU6 and the like): the gradient strictly between the bounds, as PyTorch's `hardtanh`.
enum ClipRule: GradientRule {
  static let operators = ["Clip"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnlyFirstInput()
    let node = application.node
    let output = node.outputs[0]
    var gradient = application.gradient
    if let low = try bound(1, "min", application, context) {
      gradient = context.multiply(gradient, context.above(output, low))
    }
    if let high = try bound(2, "max", application, context) {
      gradient = context.multiply(gradient, context.below(output, high))
    }
    return application.first(gradient)
  }

  /// A constant bound, nil when that side is open.
  private static func bound(
    _ input: Int, _ attribute: String, _ application: Application, _ context: GradientContext
  ) throws(ScopeError) -> Float? {
    var value = application.node.float(attribute)
    if let name = application.node.input(input) {
      guard let values = try context.constants.floats(name), values.count == 1 else {
        throw application.unsupported("its \(attribute) bound is computed while running")
      }
      value = values[0]
    }
    // Exporters write the largest finite float for an open side.
    guard let value, value.magnitude < 1e37 else { return nil }
    return value
  }
}
