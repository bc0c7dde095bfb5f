import ScopeBytes
import ScopeGraph

/// `Relu`: the gradient where the output is positive.
enum ReluRule: GradientRule {
  static let operators = ["Relu"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    application.first(context.multiply(application.gradient, context.above(application.node.outputs[0], 0)))
  }
}

/// `LeakyRelu`: alpha where the input is not positive.
enum LeakyReluRule: GradientRule {
  static let operators = ["LeakyRelu"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let x = application.node.inputs[0]
    let alpha = application.node.float("alpha") ?? 0.01
    let scaled = context.multiply(context.above(x, 0), context.scalar(1 - alpha, like: x))
    let slope = context.add(scaled, context.scalar(alpha, like: x))
    return application.first(context.multiply(application.gradient, slope))
  }
}

/// `PRelu`: the slope where the input is not positive; the slope's gradient is the input there.
enum ParametricReluRule: GradientRule {
  static let operators = ["PRelu"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    let (x, slope) = (node.inputs[0], node.inputs[1])
    let positive = context.above(x, 0)
    let negative = context.subtract(context.scalar(1, like: x), positive)
    var results: [String?] = [nil, nil]
    if application.isWanted(0) {
      let factor = context.add(positive, context.multiply(negative, slope))
      results[0] = context.multiply(application.gradient, factor)
    }
    if application.isWanted(1) {
      let product = context.multiply(application.gradient, context.multiply(negative, x))
      results[1] = try context.unbroadcast(product, from: node.outputs[0], to: slope, for: application)
    }
    return results
  }
}

/// `Elu`, `Selu`, `Celu`: y plus a constant on the negative side.
enum ExponentialLinearRule: GradientRule {
  static let operators = ["Elu", "Selu", "Celu"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    let (x, y) = (node.inputs[0], node.outputs[0])
    // Negative side a(exp(x/b) - 1) has the derivative (y + a) / b; the positive side is g x.
    var (a, b, g): (Float, Float, Float) = (node.float("alpha") ?? 1, 1, 1)
    if node.opType == "Celu" { b = a }
    if node.opType == "Selu" {
      g = node.float("gamma") ?? 1.050_701
      a = (node.float("alpha") ?? 1.673_263_2) * g
    }
    let positive = context.above(x, 0)
    let negative = context.subtract(context.scalar(1, like: x), positive)
    let curve = context.multiply(
      context.add(y, context.scalar(a, like: x)), context.scalar(1 / b, like: x))
    let slope = context.add(
      context.multiply(positive, context.scalar(g, like: x)), context.multiply(negative, curve))
    return application.first(context.multiply(application.gradient, slope))
  }
}
