import ScopeBytes

/// Writing by index: the output has the shape of the data. Cost with a reduction: one operation per update.
enum ScatterOperators {
  static let definitions: [OperatorDefinition] = ["ScatterElements", "ScatterND", "Scatter", "TensorScatter"]
    .map {
      OperatorDefinition($0, infer: OperatorDefinition.sameAlongAxis, cost: cost)
    }

  @Sendable static func cost(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard (context.node.string("reduction") ?? "none") != "none" else { return SymbolicCost.none }
    return context.shape(2)?.symbolicCount.map { SymbolicCost(.elementwise, $0) }
  }
}
