import ScopeBytes
import ScopeGraph

/// `Mish`: x t with t = tanh(softplus(x)), so t + x (1 - t^2) sigmoid(x).
enum MishRule: GradientRule {
  static let operators = ["Mish"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let x = application.node.inputs[0]
    let t = context.emit("Tanh", [context.emit("Softplus", [x])])
    let bell = context.subtract(context.scalar(1, like: x), context.multiply(t, t))
    let rise = context.multiply(context.multiply(x, bell), context.emit("Sigmoid", [x]))
    return application.first(context.multiply(application.gradient, context.add(t, rise)))
  }
}

/// `ThresholdedRelu`: the gradient where the input exceeds alpha.
enum ThresholdedReluRule: GradientRule {
  static let operators = ["ThresholdedRelu"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let mask = context.above(application.node.inputs[0], application.node.float("alpha") ?? 1)
    return application.first(context.multiply(application.gradient, mask))
  }
}
