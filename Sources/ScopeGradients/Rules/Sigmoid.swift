import ScopeBytes
import ScopeGraph

/// `Sigmoid`: y (1 - y).
enum SigmoidRule: GradientRule {
  static let operators = ["Sigmoid"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let y = application.node.outputs[0]
    let slope = context.subtract(y, context.multiply(y, y))
    return application.first(context.multiply(application.gradient, slope))
  }
}

/// `Tanh`: 1 - y^2.
enum TanhRule: GradientRule {
  static let operators = ["Tanh"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let y = application.node.outputs[0]
    let slope = context.subtract(context.scalar(1, like: y), context.multiply(y, y))
    return application.first(context.multiply(application.gradient, slope))
  }
}

/// `Softplus`: log(1 + exp(x)) has the derivative sigmoid(x). `Softsign`: 1 / (1 + |x|)^2.
enum SoftFunctionsRule: GradientRule {
  static let operators = ["Softplus", "Softsign"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let x = application.node.inputs[0]
    if application.node.opType == "Softplus" {
      return application.first(context.multiply(application.gradient, context.emit("Sigmoid", [x])))
    }
    let denominator = context.add(context.emit("Abs", [x]), context.scalar(1, like: x))
    return application.first(
      context.divide(application.gradient, context.multiply(denominator, denominator)))
  }
}

/// `HardSigmoid`: alpha strictly between 0 and 1.
enum HardSigmoidRule: GradientRule {
  static let operators = ["HardSigmoid"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let y = application.node.outputs[0]
    let inside = context.multiply(context.above(y, 0), context.below(y, 1))
    let alpha = context.scalar(application.node.float("alpha") ?? 0.2, like: y)
    return application.first(context.multiply(application.gradient, context.multiply(inside, alpha)))
  }
}

/// `HardSwish`: x h(x) with h(x) = clip(x / 6 + 1/2, 0, 1), so h(x) + x / 6 inside.
enum HardSwishRule: GradientRule {
  static let operators = ["HardSwish"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let x = application.node.inputs[0]
    let gate = context.emit("HardSigmoid", [x], ["alpha": .float(1 / 6), "beta": .float(0.5)])
    let inside = context.multiply(context.above(x, -3), context.below(x, 3))
    let rise = context.multiply(context.multiply(x, context.scalar(1 / 6, like: x)), inside)
    return application.first(context.multiply(application.gradient, context.add(gate, rise)))
  }
}
