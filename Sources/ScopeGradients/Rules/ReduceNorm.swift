import ScopeBytes
import ScopeGraph

/// Norms and logarithmic sums over axes. Undefined where PyTorch's is: `ReduceL2` of zeros, `ReduceLogSum` of 0.
enum ReduceNormRule: GradientRule {
  static let operators = ["ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let x = application.node.inputs[0]
    let axes = try Reduction.axes(application, in: context)
    guard !axes.isEmpty else { throw application.unsupported("it reduces no axis") }
    let gradient = Reduction.restored(application.gradient, application, axes: axes, in: context)
    func output() -> String {
      Reduction.restored(application.node.outputs[0], application, axes: axes, in: context)
    }
    let result: String
    switch application.node.opType {
    case "ReduceL1": result = context.multiply(context.emit("Sign", [x]), gradient)
    case "ReduceL2": result = context.multiply(x, context.divide(gradient, output()))
    case "ReduceSumSquare":
      result = context.multiply(x, context.multiply(gradient, context.scalar(2, like: x)))
    case "ReduceLogSum":
      let share = context.divide(gradient, context.emit("Exp", [output()]))
      result = context.expand(share, like: x)
    case "ReduceLogSumExp":
      let share = context.emit("Exp", [context.subtract(x, output())])
      result = context.multiply(share, gradient)
    default: throw application.unsupported("no derivative is known")
    }
    return application.first(result)
  }
}
