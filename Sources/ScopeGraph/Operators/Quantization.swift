import ScopeBytes

/// Quantize and dequantize. Cost: 2 operations per element (scale, shift), 4 when the range is measured first.
enum QuantizationOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition(
      "QuantizeLinear", infer: inferQuantize, cost: OperatorDefinition.perOutputElement(2, .quantization),
      fold: foldQuantize
    ),
    OperatorDefinition(
      "DequantizeLinear", infer: inferDequantize, cost: OperatorDefinition.perOutputElement(2, .quantization),
      fold: foldDequantize),
    OperatorDefinition(
      "DynamicQuantizeLinear", infer: inferDynamic,
      cost: OperatorDefinition.perOutputElement(4, .quantization)),
    OperatorDefinition(
      "QuantizeLinear", domain: "com.microsoft", infer: inferQuantize,
      cost: OperatorDefinition.perOutputElement(2, .quantization)),
    OperatorDefinition(
      "DequantizeLinear", domain: "com.microsoft", infer: inferDequantize,
      cost: OperatorDefinition.perOutputElement(2, .quantization)),
  ]

  private static func declared(_ context: OperatorContext, _ attribute: String) -> DataType? {
    context.node.int(attribute).flatMap { $0 == 0 ? nil : Int32(exactly: $0) }.flatMap(
      DataType.init(rawValue:))
  }

  @Sendable static func inferQuantize(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.has(2) ? context.dataType(2) : declared(context, "output_dtype") ?? .uint8
    return [ValueType(type, context.shape(0))]
  }

  @Sendable static func inferDequantize(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(declared(context, "output_dtype") ?? context.dataType(1) ?? .float32, context.shape(0))]
  }

  @Sendable static func inferDynamic(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(.uint8, context.shape(0)), ValueType(.float32, []), ValueType(.uint8, [])]
  }

  /// Position in the scale of every element: one scale, one per index of `axis`, or one per block along `axis`.
  private static func scalePositions(_ context: OperatorContext, _ input: Tensor, _ scale: Tensor)
    throws(ScopeError) -> [Int]
  {
    if scale.elementCount == 1 { return [Int](repeating: 0, count: input.elementCount) }
    let axis = try context.axis(context.node.int("axis") ?? 1, rank: input.dimensions.count)
    let block = context.node.int("block_size") ?? 0
    if block > 0 {
      guard scale.dimensions.count == input.dimensions.count else {
        throw context.invalid("the blocked scale does not fit the input")
      }
      let own = TensorLayout.strides(scale.dimensions)
      var positions = [0]
      for index in input.dimensions.indices {
        let divisor = index == axis ? block : 1
        guard (input.dimensions[index] + divisor - 1) / divisor <= scale.dimensions[index] else {
          throw context.invalid("the blocked scale does not fit the input")
        }
        positions = positions.flatMap { base in
          (0..<input.dimensions[index]).map { base + $0 / divisor * own[index] }
        }
      }
      return positions
    }
    guard scale.dimensions == [input.dimensions[axis]] else {
      throw context.invalid(
        "the scale does not fit axis \(axis)", expected: "\(input.dimensions[axis])",
        found: "\(scale.dimensions)")
    }
    var strides = [Int](repeating: 0, count: input.dimensions.count)
    strides[axis] = 1
    return TensorLayout.positions(input.dimensions, strides: strides)
  }

  @Sendable static func foldDequantize(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let input = try context.constant(0)
    let scale = try context.constant(1)
    let scales = try NumericArray(scale).asFloats
    let zeros = context.has(2) ? try context.constant(2).int64s() : [Int64](repeating: 0, count: scales.count)
    guard !scales.isEmpty, zeros.count == scales.count, !input.dataType.isFloatingPoint else {
      throw ScopeError(
        .unsupported, "this form is not evaluated at compile time", place: OperatorContext.place(context.node)
      )
    }
    let positions = try scalePositions(context, input, scale)
    let values = try input.int64s()
    let result = zip(values, positions).map { Double($0 &- zeros[$1]) * scales[$1] }
    return [try NumericArray(scale.dataType, input.dimensions, .floats(result)).tensor()]
  }

  @Sendable static func foldQuantize(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let input = try context.constant(0)
    let scale = try context.constant(1)
    let scales = try NumericArray(scale).asFloats
    let zeros = context.has(2) ? try context.constant(2).int64s() : [Int64](repeating: 0, count: scales.count)
    let limits: (Double, Double)
    let type = try inferQuantize(context)[0].dataType ?? .uint8
    switch type {
    case .uint8: limits = (0, 255)
    case .int8: limits = (-128, 127)
    case .uint16: limits = (0, 65535)
    case .int16: limits = (-32768, 32767)
    default: throw ScopeError(.unsupported, "quantization to \(type.name) is not evaluated at compile time")
    }
    guard !scales.isEmpty, zeros.count == scales.count, input.dataType == .float32, scale.dataType == .float32
    else {
      throw ScopeError(
        .unsupported, "this form is not evaluated at compile time", place: OperatorContext.place(context.node)
      )
    }
    let positions = try scalePositions(context, input, scale)
    let values = try input.floats()
    var result: [Int64] = []
    result.reserveCapacity(values.count)
    for (value, position) in zip(values, positions) {
      let quotient =
        Double((value / Float(scales[position])).rounded(.toNearestOrEven)) + Double(zeros[position])
      guard !quotient.isNaN else {
        throw ScopeError(
          .unsupported, "a number to be quantized is not a number", place: OperatorContext.place(context.node)
        )
      }
      result.append(Int64(min(max(quotient, limits.0), limits.1)))
    }
    return [try NumericArray(type, input.dimensions, .integers(result)).tensor()]
  }
}
