import ScopeBytes

/// RNN, GRU and LSTM. Cost: sequence x batch x directions x gates x hidden x (input + hidden).
enum RecurrentOperators {
  static let definitions: [OperatorDefinition] = ["RNN", "GRU", "LSTM"].map {
    OperatorDefinition($0, infer: infer, cost: cost)
  }

  private static func gates(_ node: Node) -> Int { node.opType == "LSTM" ? 4 : node.opType == "GRU" ? 3 : 1 }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    let directions: Dimension = .known(context.node.string("direction") == "bidirectional" ? 2 : 1)
    let hidden =
      context.node.int("hidden_size").map(Dimension.known) ?? context.shape(2)?.dimensions.last ?? .unknown
    let batchFirst = context.node.int("layout") == 1
    guard let input = context.shape(0) else {
      return [ValueType(type), ValueType(type), ValueType(type)]
    }
    guard input.rank == 3 else {
      throw context.invalid("a recurrent layer needs a three-dimensional input", found: "\(input)")
    }
    let sequence = input.dimensions[batchFirst ? 1 : 0]
    let batch = input.dimensions[batchFirst ? 0 : 1]
    let all = Shape(
      batchFirst ? [batch, sequence, directions, hidden] : [sequence, directions, batch, hidden])
    let last = ValueType(
      type, Shape(batchFirst ? [batch, directions, hidden] : [directions, batch, hidden]))
    return [ValueType(type, all), last, last]
  }

  @Sendable static func cost(_ context: OperatorContext, _ outputs: [ValueType]) -> OperatorCost? {
    guard let input = context.shape(0), input.rank == 3,
      let sequenceBatch = Shape(Array(input.dimensions[..<2])).elementCount,
      let size = input.dimensions[2].value,
      let hidden = outputs.dropFirst().first?.shape?.dimensions.last?.value
    else { return nil }
    let directions = context.node.string("direction") == "bidirectional" ? 2 : 1
    let (sum, overflow) = size.addingReportingOverflow(hidden)
    guard !overflow, let cells = checkedCount(sequenceBatch, directions, gates(context.node), hidden),
      let macs = checkedCount(cells, sum), let additions = checkedCount(cells, 2)
    else { return nil }
    return OperatorCost(macs: macs, biasAdditions: context.has(3) ? additions : 0, otherOperations: cells)
  }
}
