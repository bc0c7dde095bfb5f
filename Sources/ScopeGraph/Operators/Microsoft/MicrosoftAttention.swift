import ScopeBytes

/// Attention of ONNX Runtime's own domain. Cost: the projections where they are part of the operator, the two matrix
/// products over the remembered and new positions, softmax at 5 per score. Sparse, paged and packed forms do work that
/// depends on the data and are not counted.
enum MicrosoftAttention {
  private static let domain = "com.microsoft"
  typealias Sizes = AttentionOperators.Sizes

  static let definitions: [OperatorDefinition] =
    ["Attention", "QAttention", "DecoderMaskedSelfAttention"].map {
      OperatorDefinition($0, domain: domain, infer: inferProjected, cost: costProjected)
    }
    + ["MultiHeadAttention", "DecoderMaskedMultiHeadAttention"].map {
      OperatorDefinition($0, domain: domain, infer: inferMultiHead, cost: costMultiHead)
    }
    + [OperatorDefinition("GroupQueryAttention", domain: domain, infer: inferGrouped, cost: costGrouped)]
    + ["RotaryEmbedding", "MRotaryEmbedding"].map {
      OperatorDefinition(
        $0, domain: domain, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement(3, .elementwise))
    }
    + [
      OperatorDefinition("GemmaRotaryEmbedding", domain: domain, infer: inferGemma, cost: costGemma),
      OperatorDefinition("RelativePositionBias", domain: domain, infer: inferRelative),
      OperatorDefinition(
        "GatedRelativePositionBias", domain: domain, infer: inferGatedBias,
        cost: OperatorDefinition.notCounted),
      OperatorDefinition(
        "PackedAttention", domain: domain, infer: inferPacked, cost: OperatorDefinition.notCounted),
      OperatorDefinition("RemovePadding", domain: domain, infer: inferRemoved),
      OperatorDefinition("RestorePadding", domain: domain, infer: inferRestored),
    ]
    + ["LongformerAttention", "QOrderedLongformerAttention", "QOrderedAttention"].map {
      OperatorDefinition(
        $0, domain: domain, infer: OperatorDefinition.sameAsFirstInput, cost: OperatorDefinition.notCounted)
    }
    + [
      ("SparseAttention", 3), ("DynamicSparseAttention", 3), ("PagedAttention", 3),
      ("SparsePagedAttention", 3),
      ("DecoderAttention", 6), ("PackedMultiHeadAttention", 6),
    ].map { name, past in
      OperatorDefinition(
        name, domain: domain, infer: { (context) throws(ScopeError) in try inferLikeQuery(context, past) },
        cost: OperatorDefinition.notCounted)
    }

  /// `num_heads`, which divides `width`.
  private static func heads(_ context: OperatorContext, width: Dimension?) throws(ScopeError) -> Dimension {
    guard let heads = context.node.int("num_heads"), heads > 0, heads < 1 << 20 else {
      throw context.invalid("num_heads must be positive", found: "\(context.node.int("num_heads") ?? 0)")
    }
    if let width = width?.value, width % heads != 0 {
      throw context.invalid(
        "the width does not divide into the heads", expected: "a multiple of \(heads)", found: "\(width)")
    }
    return .known(heads)
  }

  // MARK: With the projection

  private struct Projected {
    var sizes: Sizes
    /// Widths of query, key and value together.
    var width: Dimension
    var input: Shape
  }

  /// input [batch, sequence, hidden], weight [hidden, query + key + value], past [2, batch, heads, past, width].
  private static func projected(_ context: OperatorContext) throws(ScopeError) -> Projected? {
    guard let input = context.shape(0) else { return nil }
    guard input.rank == 3 else {
      throw context.invalid("the input must be [batch, sequence, hidden]", found: "\(input)")
    }
    guard let packed = context.shape(1)?.dimensions.last ?? context.shape(2)?.dimensions.last else {
      return nil
    }
    var widths = [Dimension](repeating: .quotient(packed, .known(3)), count: 3)
    if let declared = context.node.ints("qkv_hidden_sizes"), !declared.isEmpty {
      guard declared.count == 3, declared.allSatisfy({ $0 > 0 && $0 < 1 << 32 }) else {
        throw context.invalid("qkv_hidden_sizes are three positive widths", found: "\(declared)")
      }
      widths = declared.map { .known($0) }
    }
    let heads = try heads(context, width: widths[0])
    func split(_ width: Dimension, _ length: Dimension) -> [Dimension] {
      [input.dimensions[0], heads, length, .quotient(width, heads)]
    }
    let pastIndex = context.node.opType == "QAttention" ? 8 : 4
    var total = input.dimensions[1]
    if context.has(pastIndex) {
      guard let past = context.shape(pastIndex), past.rank == 5 else { return nil }
      let shares = context.node.int("past_present_share_buffer") == 1
      total = shares ? past.dimensions[3] : .sum(past.dimensions[3], total)
    }
    return Projected(
      sizes: Sizes(
        query: split(widths[0], input.dimensions[1]), key: split(widths[1], total),
        value: split(widths[2], total)),
      width: .sum(.sum(widths[0], widths[1]), widths[2]), input: input)
  }

  @Sendable static func inferProjected(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.node.opType == "QAttention" ? context.dataType(3) : context.dataType(0)
    guard let projected = try projected(context) else { return [ValueType(type), ValueType(type)] }
    let sizes = projected.sizes
    let output = Shape([sizes.query[0], sizes.query[2], .product([sizes.value[1], sizes.value[3]])])
    return [ValueType(type, output), ValueType(type, Shape([.known(2)] + sizes.key))]
  }

  @Sendable static func costProjected(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let projected = try? projected(context),
      let tokens = Shape(Array(projected.input.dimensions[..<2])).symbolicCount,
      let projection = counted(tokens, projected.input.dimensions[2].count, projected.width.count),
      let cost = projected.sizes.cost
    else { return nil }
    let bias = context.has(2) ? counted(tokens, projected.width.count) : nil
    return cost.adding(SymbolicCost(macs: projection, bias: bias))
  }

  // MARK: Without

  /// query [batch, sequence, width] or packed [batch, sequence, heads, 3, width]; key the same or packed with the
  /// value [batch, length, heads, 2, width]; key and value of a cross-attention [batch, heads, length, width].
  private static func multiHead(_ context: OperatorContext) throws(ScopeError) -> Sizes? {
    guard let query = context.shape(0) else { return nil }
    let heads = try heads(context, width: query.rank == 3 ? query.dimensions[2] : nil)
    func split(_ shape: Shape) -> [Dimension]? {
      switch shape.rank {
      case 3: [shape.dimensions[0], heads, shape.dimensions[1], .quotient(shape.dimensions[2], heads)]
      case 4: shape.dimensions
      case 5: [shape.dimensions[0], shape.dimensions[2], shape.dimensions[1], shape.dimensions[4]]
      default: nil
      }
    }
    guard let own = split(query) else {
      throw context.invalid("the query has three or five dimensions", found: "\(query)")
    }
    let isDecoder = context.node.opType == "DecoderMaskedMultiHeadAttention"
    guard var key = context.has(1) ? context.shape(1).flatMap(split) : own,
      var value = context.has(2) ? context.shape(2).flatMap(split) : key
    else { return nil }
    let past = isDecoder ? 5 : 6
    if context.has(past), context.shape(1)?.rank != 4 {
      guard let shape = context.shape(past), shape.rank == 4 else { return nil }
      let shares = context.node.int("past_present_share_buffer") == 1
      key[2] = shares ? shape.dimensions[2] : .sum(shape.dimensions[2], key[2])
      value[2] = key[2]
    }
    return Sizes(query: own, key: key, value: value)
  }

  @Sendable static func inferMultiHead(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    guard let sizes = try multiHead(context) else { return [ValueType](repeating: ValueType(type), count: 4) }
    let output = Shape([sizes.query[0], sizes.query[2], .product([sizes.value[1], sizes.value[3]])])
    return [
      ValueType(type, output), ValueType(type, Shape(sizes.key)), ValueType(type, Shape(sizes.value)),
      ValueType(type, Shape([sizes.query[0], sizes.query[1], sizes.query[2], sizes.key[2]])),
    ]
  }

  @Sendable static func costMultiHead(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let sizes = try? multiHead(context), let cost = sizes.cost else { return nil }
    let biasIndex = context.node.opType == "MultiHeadAttention" ? 3 : 10
    guard context.has(biasIndex), let tokens = context.shape(0) else { return cost }
    let bias = counted(
      Shape(Array(tokens.dimensions.prefix(2))).symbolicCount, context.shape(biasIndex)?.symbolicCount)
    return cost.with(.bias, bias)
  }

  /// query [batch, sequence, heads x width], key and value with `kv_num_heads`, or all three packed in the query; past
  /// and present keys [batch, kv heads, length, width], whose buffer grows to the total length.
  private static func grouped(_ context: OperatorContext) throws(ScopeError) -> Sizes? {
    guard let query = context.shape(0) else { return nil }
    guard query.rank == 3 else {
      throw context.invalid("the query must be [batch, sequence, width]", found: "\(query)")
    }
    let heads = try heads(context, width: nil)
    guard let shared = context.node.int("kv_num_heads"), shared > 0, shared < 1 << 20 else {
      throw context.invalid(
        "kv_num_heads must be positive", found: "\(context.node.int("kv_num_heads") ?? 0)")
    }
    let isPacked = !context.has(1)
    let width = Dimension.quotient(
      query.dimensions[2], isPacked ? .sum(heads, .known(2 * shared)) : heads)
    var length = query.dimensions[1]
    if context.has(3) {
      guard let past = context.shape(3), past.rank == 4 else { return nil }
      if let total = context.elements(6)?.first, total != .unknown {
        length = SizeExpression.extreme(past.dimensions[2], total, isMaximum: true)
      } else {
        length = .sum(past.dimensions[2], length)
      }
    } else if let total = context.elements(6)?.first, total != .unknown {
      length = total
    }
    let memory = [query.dimensions[0], .known(shared), length, width]
    return Sizes(
      query: [query.dimensions[0], heads, query.dimensions[1], width], key: memory, value: memory)
  }

  @Sendable static func inferGrouped(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    let cache = context.dataType(3) ?? type
    guard let sizes = try grouped(context) else {
      return [ValueType(type), ValueType(cache), ValueType(cache), ValueType(type)]
    }
    let output = Shape([sizes.query[0], sizes.query[2], .product([sizes.query[1], sizes.query[3]])])
    return [
      ValueType(type, output), ValueType(cache, Shape(sizes.key)), ValueType(cache, Shape(sizes.value)),
      ValueType(type, Shape([sizes.query[0], sizes.query[1], sizes.query[2], sizes.key[2]])),
    ]
  }

  @Sendable static func costGrouped(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let sizes = try? grouped(context), let cost = sizes.cost else { return nil }
    guard context.node.int("do_rotary") == 1 else { return cost }
    return cost.with(.elementwise, counted(Shape(sizes.query).symbolicCount, 3))
  }

  // MARK: Other forms

  /// input [tokens, hidden], weight [hidden, query + key + value].
  @Sendable static func inferPacked(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let tokens = context.shape(0)?.dimensions.first, let packed = context.shape(1)?.dimensions.last
    else {
      return [ValueType(context.dataType(0))]
    }
    let width =
      context.node.ints("qkv_hidden_sizes")?.last.map { Dimension.known($0) } ?? .quotient(packed, .known(3))
    return [ValueType(context.dataType(0), Shape([tokens, width]))]
  }

  /// The output is like the query; what is remembered keeps the shape of its buffers.
  private static func inferLikeQuery(_ context: OperatorContext, _ past: Int) throws(ScopeError)
    -> [ValueType]
  {
    let query = context.shape(0)
    return [
      ValueType(
        context.dataType(0),
        context.has(1) || past == 6 ? query : query.map { Shape($0.dimensions.map { _ in .unknown }) }),
      ValueType(context.dataType(past), context.shape(past)),
      ValueType(context.dataType(past + 1), context.shape(past + 1)),
    ]
  }

  @Sendable static func inferGemma(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(context.dataType(1), context.shape(1)), ValueType(context.dataType(3), context.shape(3))]
  }

  @Sendable static func costGemma(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    added(counted(context.shape(1)?.symbolicCount, 3), counted(context.shape(3)?.symbolicCount, 3)).map {
      SymbolicCost(.elementwise, $0)
    }
  }

  /// Table [buckets, heads] to [1, heads, query length, key length].
  @Sendable static func inferRelative(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let lengths = [1, 2].map { context.elements($0)?.first ?? .unknown }
    return [
      ValueType(
        context.dataType(0), Shape([.known(1), context.shape(0)?.dimensions.last ?? .unknown] + lengths))
    ]
  }

  /// rel_pos [1, heads, length, length] for every element of the batch.
  @Sendable static func inferGatedBias(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let query = context.shape(0), let bias = context.shape(2), query.rank == 3, bias.rank == 4 else {
      return [ValueType(context.dataType(0))]
    }
    return [ValueType(context.dataType(0), Shape([query.dimensions[0]] + bias.dimensions[1...]))]
  }

  @Sendable static func inferRemoved(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0), input.rank == 3 else { return [ValueType(context.dataType(0))] }
    return [
      ValueType(context.dataType(0), Shape([.unknown, input.dimensions[2]])),
      ValueType(.int32, Shape(Array(input.dimensions[..<2]))),
      ValueType(.int32, Shape([.sum(input.dimensions[0], .known(1))])), ValueType(.int32, [1]),
    ]
  }

  @Sendable static func inferRestored(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let tokens = context.shape(0), let places = context.shape(1), tokens.rank == 2, places.rank == 2
    else {
      return [ValueType(context.dataType(0))]
    }
    return [ValueType(context.dataType(0), Shape(places.dimensions + [tokens.dimensions[1]]))]
  }
}
