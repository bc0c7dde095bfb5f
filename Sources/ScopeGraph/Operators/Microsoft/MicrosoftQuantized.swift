import ScopeBytes

/// Elementwise and structural operators on quantized tensors, and block formats.
enum MicrosoftQuantized {
  private static let domain = "com.microsoft"

  static let definitions: [OperatorDefinition] =
    ["QLinearSigmoid", "QLinearLeakyRelu"].map {
      OperatorDefinition(
        $0, domain: domain, memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement(1, .activation))
    }
    + [
      OperatorDefinition(
        "QLinearSoftmax", domain: domain, memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement(5, .softmax))
    ]
    + ["QLinearAdd", "QLinearMul"].map {
      OperatorDefinition(
        $0, domain: domain, infer: inferBinary, cost: OperatorDefinition.perOutputElement(1, .elementwise))
    }
    + [
      OperatorDefinition(
        "MulInteger", domain: domain, infer: inferProduct,
        cost: OperatorDefinition.perOutputElement(1, .elementwise)),
      OperatorDefinition(
        "QLinearWhere", domain: domain, infer: inferWhere,
        cost: OperatorDefinition.perOutputElement(1, .elementwise)),
      OperatorDefinition("QLinearConcat", domain: domain, infer: inferConcat),
      OperatorDefinition(
        "QLinearReduceMean", domain: domain, infer: inferReduced,
        cost: OperatorDefinition.perInputElement(1, .reduction)),
      OperatorDefinition(
        "ReduceSumInteger", domain: domain, infer: inferReduced,
        cost: OperatorDefinition.perInputElement(1, .reduction)),
      OperatorDefinition(
        "GatherBlockQuantized", domain: domain, infer: inferGather,
        cost: OperatorDefinition.perOutputElement(2, .quantization)),
      OperatorDefinition(
        "QuantizeWithOrder", domain: domain,
        infer: { (c) throws(ScopeError) in [ValueType(.int8, c.shape(0))] },
        cost: OperatorDefinition.perOutputElement(2, .quantization)),
      OperatorDefinition(
        "DequantizeWithOrder", domain: domain,
        infer: { (c) throws(ScopeError) in [ValueType(declared(c, "to") ?? c.dataType(1), c.shape(0))] },
        cost: OperatorDefinition.perOutputElement(2, .quantization)),
      OperatorDefinition(
        "QuantizeBFP", domain: domain, infer: inferBlockFloat,
        cost: OperatorDefinition.perInputElement(2, .quantization)),
      OperatorDefinition(
        "DequantizeBFP", domain: domain, infer: inferFromBlockFloat,
        cost: OperatorDefinition.perOutputElement(2, .quantization)),
    ]

  private static func declared(_ context: OperatorContext, _ attribute: String) -> DataType? {
    context.node.int(attribute).flatMap { Int32(exactly: $0) }.flatMap(DataType.init(rawValue:))
  }

  @Sendable static func inferBinary(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [
      ValueType(
        context.dataType(0), try Broadcasting.shape([context.shape(0), context.shape(3)], at: context))
    ]
  }

  @Sendable static func inferProduct(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(.int32, try Broadcasting.shape([context.shape(0), context.shape(2)], at: context))]
  }

  @Sendable static func inferWhere(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [
      ValueType(
        context.dataType(1),
        try Broadcasting.shape([context.shape(0), context.shape(1), context.shape(4)], at: context))
    ]
  }

  /// Inputs: output scale and zero point, then (tensor, scale, zero point) for each part.
  @Sendable static func inferConcat(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard context.inputs.count >= 5, (context.inputs.count - 2) % 3 == 0 else {
      throw context.invalid(
        "every part needs a tensor, a scale and a zero point",
        found: "\(max(context.inputs.count - 2, 0)) inputs")
    }
    let parts = stride(from: 2, to: context.inputs.count, by: 3).map { context.inputs[$0] }
    var node = context.node
    node.opType = "Concat"
    var outputs = try ConcatSplitOperators.inferConcat(
      OperatorContext(node: node, opset: context.opset, inputs: parts))
    outputs[0].dataType = context.dataType(1)
    outputs[0].partialElements = nil
    return outputs
  }

  @Sendable static func inferReduced(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let isQuantized = context.node.opType == "QLinearReduceMean"
    let own = OperatorContext(node: context.node, opset: 11, inputs: [context.input(0)])
    var outputs = try ReductionOperators.infer(own)
    outputs[0].dataType = isQuantized ? context.dataType(0) : .int32
    outputs[0].partialElements = nil
    return outputs
  }

  /// Rows of a table quantized in blocks; two 4-bit numbers (or four of 2 bits) lie in a byte of type uint8.
  @Sendable static func inferGather(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard var data = context.shape(0), let indices = context.shape(1) else {
      return [ValueType(context.dataType(2))]
    }
    let bits = context.node.int("bits") ?? 4
    guard [2, 4, 8].contains(bits) else { throw context.invalid("bits must be 2, 4 or 8", found: "\(bits)") }
    if context.dataType(0) == .uint8, let last = data.dimensions.last {
      data.dimensions[data.rank - 1] = .product([last, .known(8 / bits)])
    }
    let axis = try context.axis(context.node.int("gather_axis") ?? 0, rank: data.rank)
    return [
      ValueType(
        context.dataType(2),
        Shape(Array(data.dimensions[..<axis]) + indices.dimensions + Array(data.dimensions[(axis + 1)...])))
    ]
  }

  @Sendable static func inferBlockFloat(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let rank: Dimension = context.shape(0).map { .known($0.rank) } ?? .unknown
    return [
      ValueType(.uint8, Shape([.unknown])), ValueType(.int64, Shape([rank])),
      ValueType(.int64, Shape([rank])),
    ]
  }

  @Sendable static func inferFromBlockFloat(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(declared(context, "dtype") ?? .float32, context.elements(1).map { Shape($0) })]
  }
}
