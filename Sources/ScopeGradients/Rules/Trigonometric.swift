import ScopeBytes
import ScopeGraph

/// Tangent, the inverse trigonometric functions and the hyperbolic ones.
enum TrigonometricRule: GradientRule {
  static let operators = ["Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let x = application.node.inputs[0]
    let gradient = application.gradient
    let one = context.scalar(1, like: x)
    func square(_ value: String) -> String { context.multiply(value, value) }
    let result: String
    switch application.node.opType {
    case "Tan": result = context.multiply(gradient, context.add(square(application.node.outputs[0]), one))
    case "Asin", "Acos":
      let slope = context.divide(gradient, context.emit("Sqrt", [context.subtract(one, square(x))]))
      result = application.node.opType == "Asin" ? slope : context.emit("Neg", [slope])
    case "Atan": result = context.divide(gradient, context.add(square(x), one))
    case "Sinh": result = context.multiply(gradient, context.emit("Cosh", [x]))
    case "Cosh": result = context.multiply(gradient, context.emit("Sinh", [x]))
    case "Asinh": result = context.divide(gradient, context.emit("Sqrt", [context.add(square(x), one)]))
    case "Acosh": result = context.divide(gradient, context.emit("Sqrt", [context.subtract(square(x), one)]))
    case "Atanh": result = context.divide(gradient, context.subtract(one, square(x)))
    default: throw application.unsupported("no derivative is known")
    }
    return application.first(result)
  }
}
