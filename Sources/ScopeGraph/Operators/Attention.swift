import ScopeBytes

/// Attention of the default domain (opset 23 on) and rotary embedding. Cost: the two matrix products; softmax at 5 per
/// score.
enum AttentionOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("Attention", infer: infer, cost: cost),
    OperatorDefinition(
      "RotaryEmbedding", memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
      cost: OperatorDefinition.perOutputElement(3, .elementwise)),
  ]

  /// Sizes of one attention, each [batch, heads, length, width]; key and value with what is remembered before them.
  struct Sizes {
    var query: [Dimension]
    var key: [Dimension]
    var value: [Dimension]

    /// Scores: batch x heads x query length x key length.
    var scores: SymbolicCount? { counted(query[0].count, query[1].count, query[2].count, key[2].count) }

    /// Scores and weighted sum.
    var macs: SymbolicCount? { counted(scores, added(query[3].count, value[3].count)) }

    var cost: SymbolicCost? {
      guard let macs, let softmax = counted(scores, 5) else { return nil }
      return SymbolicCost(macs: macs).adding(SymbolicCost(.softmax, softmax))
    }
  }

  /// [batch, heads, length, width] of input `index`, from a 4-D tensor or a 3-D one with `heads` heads.
  private static func split(
    _ context: OperatorContext, _ index: Int, heads attribute: String
  ) throws(ScopeError) -> [Dimension]? {
    guard let shape = context.shape(index) else { return nil }
    if shape.rank == 4 { return shape.dimensions }
    guard shape.rank == 3 else {
      throw context.invalid("an operand of attention has three or four dimensions", found: "\(shape)")
    }
    guard let heads = context.node.int(attribute), heads > 0 else {
      throw context.invalid("\(attribute) must be positive", found: "\(context.node.int(attribute) ?? 0)")
    }
    if let width = shape.dimensions[2].value, width % heads != 0 {
      throw context.invalid(
        "the width does not divide into the heads", expected: "a multiple of \(heads)", found: "\(width)")
    }
    return [
      shape.dimensions[0], .known(heads), shape.dimensions[1], .quotient(shape.dimensions[2], .known(heads)),
    ]
  }

  private static func sizes(_ context: OperatorContext) throws(ScopeError) -> Sizes? {
    guard let query = try split(context, 0, heads: "q_num_heads"),
      var key = try split(context, 1, heads: "kv_num_heads"),
      var value = try split(context, 2, heads: "kv_num_heads")
    else { return nil }
    if context.has(4) || context.has(5) {
      guard let past = context.shape(4) ?? context.shape(5), past.rank == 4 else { return nil }
      key[2] = .sum(key[2], past.dimensions[2])
      value[2] = .sum(value[2], past.dimensions[2])
    }
    return Sizes(query: query, key: key, value: value)
  }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    guard let sizes = try sizes(context) else {
      return [
        ValueType(type), ValueType(context.dataType(1)), ValueType(context.dataType(2)), ValueType(type),
      ]
    }
    let (query, key, value) = (sizes.query, sizes.key, sizes.value)
    let output =
      context.shape(0)?.rank == 3
      ? Shape([query[0], query[2], .product([query[1], value[3]])])
      : Shape([query[0], query[1], query[2], value[3]])
    return [
      ValueType(type, output), ValueType(context.dataType(1), Shape(key)),
      ValueType(context.dataType(2), Shape(value)),
      ValueType(type, Shape([query[0], query[1], query[2], key[2]])),
    ]
  }

  @Sendable static func cost(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    (try? sizes(context))?.cost
  }
}
