import ScopeBytes

/// Attention of the default domain (opset 23) and rotary embedding. Cost: the two matrix products; softmax at 5 per
/// score.
enum AttentionOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("Attention", infer: infer, cost: cost),
    OperatorDefinition(
      "RotaryEmbedding", memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
      cost: OperatorDefinition.perOutputElement(3)),
  ]

  /// [batch, heads, length, width] of input `index`, from a 4-D tensor or a 3-D one with `heads` heads.
  private static func split(_ shape: Shape?, heads: Int?) -> [Dimension]? {
    guard let shape else { return nil }
    if shape.rank == 4 { return shape.dimensions }
    guard shape.rank == 3, let heads, heads > 0 else { return nil }
    return [
      shape.dimensions[0], .known(heads), shape.dimensions[1], .quotient(shape.dimensions[2], .known(heads)),
    ]
  }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    guard let query = split(context.shape(0), heads: context.node.int("q_num_heads")),
      let value = split(context.shape(2), heads: context.node.int("kv_num_heads"))
    else { return [ValueType(type)] }
    let is3D = context.shape(0)?.rank == 3
    let output =
      is3D
      ? Shape([query[0], query[2], .product([query[1], value[3]])])
      : Shape([query[0], query[1], query[2], value[3]])
    var outputs = [ValueType(type, output)]
    if context.node.outputs.count > 1 {
      outputs += [ValueType(type), ValueType(type), ValueType(type)]
    }
    return outputs
  }

  @Sendable static func cost(_ context: OperatorContext, _ outputs: [ValueType]) -> OperatorCost? {
    guard !context.has(4), let query = split(context.shape(0), heads: context.node.int("q_num_heads")),
      let key = split(context.shape(1), heads: context.node.int("kv_num_heads")),
      let value = split(context.shape(2), heads: context.node.int("kv_num_heads")),
      let scores = checkedCount(query[0].value, query[1].value, query[2].value, key[2].value),
      let first = checkedCount(scores, query[3].value), let second = checkedCount(scores, value[3].value),
      let softmax = checkedCount(scores, 5)
    else { return nil }
    return OperatorCost(macs: first + second, otherOperations: softmax)
  }
}
