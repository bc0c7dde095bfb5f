import ScopeBytes

/// RNN, GRU and LSTM. Cost: sequence x batch x directions x gates x hidden x (input + hidden); the gates' functions at
/// one operation each.
enum RecurrentOperators {
  static let definitions: [OperatorDefinition] =
    ["RNN", "GRU", "LSTM"].map { OperatorDefinition($0, infer: infer, cost: cost) }
    + ["DynamicQuantizeLSTM", "AttnLSTM"].map {
      OperatorDefinition(
        $0, domain: "com.microsoft", infer: infer,
        cost: $0 == "AttnLSTM" ? OperatorDefinition.notCounted : cost)
    }

  private static func gates(_ node: Node) -> Int {
    node.opType == "RNN" ? 1 : node.opType == "GRU" ? 3 : 4
  }

  private static func directions(_ context: OperatorContext) -> Int {
    context.node.string("direction") == "bidirectional" ? 2 : 1
  }

  /// Width of the state, by `hidden_size` or the recurrent weight.
  private static func hidden(_ context: OperatorContext) throws(ScopeError) -> Dimension {
    // The quantized form stores its weights transposed: [directions, hidden, 4 hidden].
    let isTransposed = context.node.opType == "DynamicQuantizeLSTM"
    let stored = context.shape(2)?.dimensions[isTransposed ? 1 : 2]
    guard let declared = context.node.int("hidden_size") else { return stored ?? .unknown }
    guard declared > 0 else { throw context.invalid("hidden_size must be positive", found: "\(declared)") }
    if let stored = stored?.value, stored != declared {
      throw context.invalid(
        "hidden_size does not fit the recurrent weight", expected: "\(stored)", found: "\(declared)")
    }
    return .known(declared)
  }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    for index in 1...2 {
      if let weight = context.shape(index), weight.rank != 3 {
        throw context.invalid("a recurrent weight has three dimensions", found: "\(weight)")
      }
    }
    let hidden = try hidden(context)
    let directions: Dimension = .known(directions(context))
    if let stored = context.shape(1)?.dimensions[0].value, .known(stored) != directions {
      throw context.invalid(
        "the weights do not fit the direction", expected: "\(directions)", found: "\(stored)")
    }
    let batchFirst = context.node.int("layout") == 1
    guard let input = context.shape(0) else {
      return [ValueType(type), ValueType(type), ValueType(type)]
    }
    guard input.rank == 3 else {
      throw context.invalid("a recurrent layer needs a three-dimensional input", found: "\(input)")
    }
    let width = context.shape(1)?.dimensions[context.node.opType == "DynamicQuantizeLSTM" ? 1 : 2]
    if let own = input.dimensions[2].value, let expected = width?.value, own != expected {
      throw context.invalid("the input does not fit the weight", expected: "\(expected)", found: "\(own)")
    }
    let sequence = input.dimensions[batchFirst ? 1 : 0]
    let batch = input.dimensions[batchFirst ? 0 : 1]
    let all = Shape(
      batchFirst ? [batch, sequence, directions, hidden] : [sequence, directions, batch, hidden])
    let last = ValueType(
      type, Shape(batchFirst ? [batch, directions, hidden] : [directions, batch, hidden]))
    return [ValueType(type, all), last, last]
  }

  @Sendable static func cost(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let input = context.shape(0), input.rank == 3, let hidden = (try? hidden(context))?.count,
      let cells = counted(
        Shape(Array(input.dimensions[..<2])).symbolicCount,
        SymbolicCount(directions(context) * gates(context.node)), hidden),
      let macs = counted(cells, added(input.dimensions[2].count, hidden))
    else { return nil }
    return SymbolicCost(macs: macs, bias: context.has(3) ? counted(cells, 2) : nil).with(.activation, cells)
  }
}
