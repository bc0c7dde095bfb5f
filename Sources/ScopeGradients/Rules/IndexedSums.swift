import ScopeBytes
import ScopeGraph

/// `CumSum`: summed in the opposite direction.
enum CumulativeSumRule: GradientRule {
  static let operators = ["CumSum"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnlyFirstInput()
    let node = application.node
    guard node.inputs.count == 2 else { throw application.unsupported("it has no axis") }
    return application.first(
      context.emit(
        "CumSum", [application.gradient, node.inputs[1]],
        [
          "exclusive": .int(node.int("exclusive") ?? 0),
          "reverse": .int((node.int("reverse") ?? 0) == 0 ? 1 : 0),
        ]))
  }
}

/// `Trilu`: the same triangle of the gradient.
enum TriangleRule: GradientRule {
  static let operators = ["Trilu"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnlyFirstInput()
    let node = application.node
    return application.first(
      context.emit(
        "Trilu", [application.gradient] + node.inputs.dropFirst(), ["upper": .int(node.int("upper") ?? 1)]))
  }
}

/// `GatherElements`: every element's gradient added where it came from.
enum GatherElementsRule: GradientRule {
  static let operators = ["GatherElements"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnlyFirstInput()
    let node = application.node
    guard node.inputs.count == 2 else { throw application.unsupported("it has no indices") }
    return application.first(
      context.emit(
        "ScatterElements", [context.zeros(like: node.inputs[0]), node.inputs[1], application.gradient],
        ["axis": .int(node.int("axis") ?? 0), "reduction": .text("add")]))
  }
}
