import ScopeBytes
import ScopeGraph

/// `Add`, `Sum`: the gradient to every operand, summed over broadcast axes.
enum AdditionRule: GradientRule {
  static let operators = ["Add", "Sum"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    var results: [String?] = []
    for (index, input) in application.node.inputs.enumerated() {
      results.append(
        application.isWanted(index)
          ? try context.unbroadcast(
            application.gradient, from: application.node.outputs[0], to: input, for: application) : nil)
    }
    return results
  }
}

/// `Sub`: the gradient, and its negative.
enum SubtractionRule: GradientRule {
  static let operators = ["Sub"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    var results: [String?] = [nil, nil]
    if application.isWanted(0) {
      results[0] = try context.unbroadcast(
        application.gradient, from: node.outputs[0], to: node.inputs[0], for: application)
    }
    if application.isWanted(1) {
      let summed = try context.unbroadcast(
        application.gradient, from: node.outputs[0], to: node.inputs[1], for: application)
      results[1] = context.emit("Neg", [summed])
    }
    return results
  }
}

/// `Mul`: the gradient times the other operand.
enum MultiplicationRule: GradientRule {
  static let operators = ["Mul"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    var results: [String?] = [nil, nil]
    for index in 0..<2 where application.isWanted(index) {
      let product = context.multiply(application.gradient, node.inputs[1 - index])
      results[index] = try context.unbroadcast(
        product, from: node.outputs[0], to: node.inputs[index], for: application)
    }
    return results
  }
}

/// `Div`: a / b gives dY / b and -dY * y / b.
enum DivisionRule: GradientRule {
  static let operators = ["Div"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    let quotient = context.divide(application.gradient, node.inputs[1])
    var results: [String?] = [nil, nil]
    if application.isWanted(0) {
      results[0] = try context.unbroadcast(
        quotient, from: node.outputs[0], to: node.inputs[0], for: application)
    }
    if application.isWanted(1) {
      let product = context.emit("Neg", [context.multiply(quotient, node.outputs[0])])
      results[1] = try context.unbroadcast(
        product, from: node.outputs[0], to: node.inputs[1], for: application)
    }
    return results
  }
}

/// `Pow` with an exponent that does not depend on the image: e * x^(e - 1).
enum PowerRule: GradientRule {
  static let operators = ["Pow"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnlyFirstInput()
    let node = application.node
    let (base, exponent) = (node.inputs[0], node.inputs[1])
    let derivative: String
    if let values = try context.constants.floats(exponent), values.count == 1 {
      if values[0] == 2 {
        derivative = context.multiply(base, context.scalar(2, like: base))
      } else {
        let power = context.emit("Pow", [base, context.scalar(values[0] - 1, like: base)])
        derivative = context.multiply(power, context.scalar(values[0], like: base))
      }
    } else {
      let lower = context.emit("Pow", [base, context.subtract(exponent, context.scalar(1, like: base))])
      derivative = context.multiply(lower, exponent)
    }
    let product = context.multiply(application.gradient, derivative)
    return application.first(
      try context.unbroadcast(product, from: node.outputs[0], to: base, for: application))
  }
}

/// `Max`, `Min`: the gradient to the operands that equal the result; equal ones share it.
enum ExtremeRule: GradientRule {
  static let operators = ["Max", "Min"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    let output = node.outputs[0]
    let type = Int(context.dataType(output).rawValue)
    let masks = node.inputs.map {
      context.emit("Cast", [context.emit("Equal", [$0, output])], ["to": .int(type)])
    }
    let winners = masks.count == 1 ? masks[0] : context.emit("Sum", masks)
    let share = context.divide(application.gradient, winners)
    var results: [String?] = []
    for (index, input) in node.inputs.enumerated() {
      results.append(
        application.isWanted(index)
          ? try context.unbroadcast(
            context.multiply(share, masks[index]), from: output, to: input, for: application) : nil)
    }
    return results
  }
}

/// `Where`: the gradient to the branch that was taken.
enum WhereRule: GradientRule {
  static let operators = ["Where"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    let zero = context.scalar(0, like: node.outputs[0])
    var results: [String?] = [nil, nil, nil]
    for index in 1...2 where application.isWanted(index) {
      let branches = index == 1 ? [application.gradient, zero] : [zero, application.gradient]
      results[index] = try context.unbroadcast(
        context.emit("Where", [node.inputs[0]] + branches), from: node.outputs[0], to: node.inputs[index],
        for: application)
    }
    return results
  }
}
