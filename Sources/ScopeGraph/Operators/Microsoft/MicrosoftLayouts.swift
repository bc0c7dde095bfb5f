import ScopeBytes

/// Moving tensors to and from the blocked layout that ONNX Runtime convolves in on x86 (com.microsoft.nchwc). Shapes are
/// those of [N, C, H, W] with the channels filled up to a multiple of the block.
enum MicrosoftLayouts {
  private static let domain = "com.microsoft.nchwc"
  /// The smaller of the blocks in use (8 and 16 channels): a file does not say which machine it was made for, and the
  /// weights that follow carry the true number.
  private static let block = 8

  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("ReorderInput", domain: domain, infer: inferInput),
    OperatorDefinition("ReorderOutput", domain: domain, infer: inferOutput),
    OperatorDefinition("Upsample", domain: domain, infer: inferUpsample, cost: ResizeOperators.cost),
  ]

  /// [N, C, H, W], or [N, H, W, C] with `channels_last`.
  @Sendable static func inferInput(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [ValueType(context.dataType(0))] }
    guard input.rank >= 3 else { throw context.invalid("the input must be an image", found: "\(input)") }
    var output = input.dimensions
    if context.node.int("channels_last") == 1 { output.insert(output.removeLast(), at: 1) }
    output[1] = .product([.roundedUp(output[1], by: block), .known(block)])
    return [ValueType(context.dataType(0), Shape(output))]
  }

  @Sendable static func inferOutput(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let channels = context.node.int("channels"), channels > 0 else {
      throw context.invalid("channels must be positive", found: "\(context.node.int("channels") ?? 0)")
    }
    guard let input = context.shape(0) else { return [ValueType(context.dataType(0))] }
    guard input.rank >= 3 else { throw context.invalid("the input must be an image", found: "\(input)") }
    var output = input.dimensions
    output[1] = .known(channels)
    if context.node.int("channels_last") == 1 { output.append(output.remove(at: 1)) }
    return [ValueType(context.dataType(0), Shape(output))]
  }

  @Sendable static func inferUpsample(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [ValueType(context.dataType(0))] }
    let scales = context.node.ints("scales") ?? [Int](repeating: 1, count: input.rank)
    guard scales.count == input.rank, scales.allSatisfy({ $0 > 0 && $0 < 1 << 20 }) else {
      throw context.invalid("the scales do not fit the input", found: "\(scales)")
    }
    return [
      ValueType(context.dataType(0), Shape(zip(input.dimensions, scales).map { .product([$0, .known($1)]) }))
    ]
  }
}
