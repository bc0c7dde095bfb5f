import ScopeBytes

/// Fused and quantized operators of ONNX Runtime's own domain that exporters and optimizers write.
enum MicrosoftOperators {
  private static let domain = "com.microsoft"

  static let definitions: [OperatorDefinition] =
    ["Gelu", "FastGelu", "QuickGelu", "BiasGelu", "QLinearSigmoid", "QLinearLeakyRelu"].map {
      OperatorDefinition(
        $0, domain: domain, memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement($0 == "BiasGelu" ? 2 : 1))
    }
    + ["QLinearSoftmax", "BiasSoftmax"].map {
      OperatorDefinition(
        $0, domain: domain, memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement(5))
    }
    + ["QLinearAdd", "QLinearMul"].map {
      OperatorDefinition(
        $0, domain: domain, infer: inferQuantizedBinary, cost: OperatorDefinition.perOutputElement(1))
    }
    + ["SkipLayerNormalization", "SkipSimplifiedLayerNormalization"].map {
      OperatorDefinition($0, domain: domain, infer: inferSkip, cost: OperatorDefinition.perOutputElement(9))
    }
    + ["GroupNorm", "RotaryEmbedding", "SimplifiedLayerNormalization", "LayerNormalization"].map {
      OperatorDefinition(
        $0, domain: domain, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement($0 == "RotaryEmbedding" ? 3 : 8))
    }
    + [
      OperatorDefinition("QLinearConcat", domain: domain, infer: inferQuantizedConcat),
      OperatorDefinition(
        "EmbedLayerNormalization", domain: domain, infer: inferEmbedding,
        cost: OperatorDefinition.perOutputElement(10)),
      OperatorDefinition("Attention", domain: domain, infer: inferAttention, cost: costAttention),
      OperatorDefinition("MultiHeadAttention", domain: domain, infer: inferMultiHead, cost: costMultiHead),
    ]

  @Sendable static func inferQuantizedBinary(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [
      ValueType(
        context.dataType(0), try Broadcasting.shape([context.shape(0), context.shape(3)], at: context))
    ]
  }

  /// Further outputs: mean, inverse deviation, the sum of input and skip.
  @Sendable static func inferSkip(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let same = ValueType(context.dataType(0), context.shape(0))
    return [same, ValueType(.float32), ValueType(.float32), same]
  }

  /// Inputs: output scale and zero point, then (tensor, scale, zero point) for each part.
  @Sendable static func inferQuantizedConcat(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let parts = stride(from: 2, to: context.inputs.count, by: 3).map { context.inputs[$0] }
    var node = context.node
    node.opType = "Concat"
    var outputs = try ConcatSplitOperators.inferConcat(
      OperatorContext(node: node, opset: context.opset, inputs: parts))
    outputs[0].dataType = context.dataType(1)
    return outputs
  }

  @Sendable static func inferEmbedding(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let ids = context.shape(0), ids.rank == 2, let width = context.shape(2)?.dimensions.last else {
      return [ValueType(context.dataType(2)), ValueType(.int32)]
    }
    return [
      ValueType(context.dataType(2), Shape(ids.dimensions + [width])),
      ValueType(.int32, Shape([ids.dimensions[0]])),
      ValueType(context.dataType(2), Shape(ids.dimensions + [width])),
    ]
  }

  /// Width of the value projection; `qkv_hidden_sizes` or a third of the packed projection.
  private static func widths(_ context: OperatorContext) -> [Dimension]? {
    if let sizes = context.node.ints("qkv_hidden_sizes"), sizes.count == 3 {
      return sizes.map(Dimension.known)
    }
    guard let packed = context.shape(1)?.dimensions.last ?? context.shape(2)?.dimensions.last else {
      return nil
    }
    return [Dimension](repeating: .quotient(packed, .known(3)), count: 3)
  }

  @Sendable static func inferAttention(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0), input.rank == 3, let width = widths(context)?[2] else {
      return [ValueType(context.dataType(0))]
    }
    return [
      ValueType(context.dataType(0), Shape([input.dimensions[0], input.dimensions[1], width])),
      ValueType(context.dataType(0)),
    ]
  }

  /// Projection, scores and weighted sum.
  @Sendable static func costAttention(_ context: OperatorContext, _ outputs: [ValueType]) -> OperatorCost? {
    guard !context.has(4), let input = context.shape(0), input.rank == 3, let widths = widths(context),
      let query = widths[0].value, let value = widths[2].value, let heads = context.node.int("num_heads"),
      heads > 0,
      let tokens = checkedCount(input.dimensions[0].value, input.dimensions[1].value),
      let length = input.dimensions[1].value,
      let projection = checkedCount(tokens, input.dimensions[2].value),
      let packed = checkedCount(projection, query + query + value),
      let products = checkedCount(tokens, length, query + value),
      let softmax = checkedCount(tokens, length, heads, 5)
    else { return nil }
    let (macs, overflow) = packed.addingReportingOverflow(products)
    guard !overflow, let bias = checkedCount(tokens, query + query + value) else { return nil }
    return OperatorCost(macs: macs, biasAdditions: context.has(2) ? bias : 0, otherOperations: softmax)
  }

  /// Separate query [batch, length, hidden], key and value of rank 3.
  @Sendable static func inferMultiHead(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let query = context.shape(0), query.rank == 3, let value = context.shape(2), value.rank == 3 else {
      return [ValueType(context.dataType(0))]
    }
    return [
      ValueType(context.dataType(0), Shape([query.dimensions[0], query.dimensions[1], value.dimensions[2]])),
      ValueType(context.dataType(0)), ValueType(context.dataType(0)),
    ]
  }

  @Sendable static func costMultiHead(_ context: OperatorContext, _ outputs: [ValueType]) -> OperatorCost? {
    guard !context.has(6), let query = context.shape(0)?.sizes, query.count == 3,
      let key = context.shape(1)?.sizes,
      key.count == 3, let value = context.shape(2)?.sizes, value.count == 3,
      let heads = context.node.int("num_heads"),
      heads > 0, let pairs = checkedCount(query[0], query[1], key[1]),
      let macs = checkedCount(pairs, query[2] + value[2]), let softmax = checkedCount(pairs, heads, 5)
    else { return nil }
    return OperatorCost(macs: macs, otherOperations: softmax)
  }
}
