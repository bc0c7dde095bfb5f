import ScopeBytes
import ScopeGraph

/// Functions of one element whose derivative is a short expression of input x and output y.
enum ElementaryFunctionRule: GradientRule {
  static let operators = ["Exp", "Log", "Sqrt", "Neg", "Abs", "Reciprocal", "Erf", "Sin", "Cos"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let x = application.node.inputs[0]
    let y = application.node.outputs[0]
    let gradient = application.gradient
    let result: String
    switch application.node.opType {
    case "Exp": result = context.multiply(gradient, y)
    case "Log": result = context.divide(gradient, x)
    case "Sqrt": result = context.divide(gradient, context.multiply(y, context.scalar(2, like: x)))
    case "Neg": result = context.emit("Neg", [gradient])
    case "Abs": result = context.multiply(gradient, context.emit("Sign", [x]))
    case "Reciprocal": result = context.emit("Neg", [context.multiply(gradient, context.multiply(y, y))])
    case "Sin": result = context.multiply(gradient, context.emit("Cos", [x]))
    case "Cos": result = context.emit("Neg", [context.multiply(gradient, context.emit("Sin", [x]))])
    case "Erf":
      // 2 / sqrt(pi) * exp(-x^2)
      let bell = context.emit("Exp", [context.emit("Neg", [context.multiply(x, x)])])
      result = context.multiply(gradient, context.multiply(bell, context.scalar(1.128_379_2, like: x)))
    default: throw application.unsupported("no derivative is known")
    }
    return application.first(result)
  }
}
