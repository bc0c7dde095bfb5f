import ScopeBytes

/// Matrix products of ONNX Runtime's own domain: fused, quantized, packed, and mixtures of experts.
enum MicrosoftMatrixProducts {
  private static let domain = "com.microsoft"

  static let definitions: [OperatorDefinition] =
    [
      "FusedMatMul", "TransposeMatMul", "FusedMatMulActivation", "DynamicQuantizeMatMul",
      "MatMulIntegerToFloat",
      "MatMulInteger16", "SparseToDenseMatMul", "GemmFastGelu",
    ].map {
      OperatorDefinition(
        $0, domain: domain, infer: MatrixProductOperators.inferMatMul, cost: MatrixProductOperators.costMatMul
      )
    }
    + ["FusedGemm", "QGemm", "GemmFloat8"].map {
      OperatorDefinition(
        $0, domain: domain, infer: MatrixProductOperators.inferGemm, cost: MatrixProductOperators.costGemm)
    }
    + ["MatMulNBits", "MatMulBnb4"].map {
      OperatorDefinition(
        $0, domain: domain, infer: MatrixProductOperators.inferPackedBits,
        cost: MatrixProductOperators.costPackedBits)
    }
    + [
      OperatorDefinition("MatMulFpQ4", domain: domain, infer: inferShapeInput, cost: costShapeInput),
      OperatorDefinition("MatMulNBitsMlp", domain: domain, infer: inferGatedPair, cost: costGatedPair),
      OperatorDefinition("MatMulNBitsQkv", domain: domain, infer: inferThree, cost: costThree),
      OperatorDefinition(
        "MoE", domain: domain, infer: OperatorDefinition.sameAsFirstInput, cost: costExperts),
      OperatorDefinition(
        "QMoE", domain: domain, infer: OperatorDefinition.sameAsFirstInput, cost: costExperts),
    ]
    + ["MatMulBlockQuantizedFp4Weight", "MatMulBlockQuantizedFp8Weight"].map {
      OperatorDefinition($0, domain: domain, infer: inferBlocks, cost: costBlocks)
    }
    + [OperatorDefinition("QOrderedMatMul", domain: domain, infer: inferOrdered, cost: costOrdered)]

  /// B's true shape [K, N] is the third input.
  @Sendable static func inferShapeInput(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let left = context.shape(0), left.rank >= 1, let sizes = context.elements(2), sizes.count == 2
    else {
      return [ValueType(context.dataType(0))]
    }
    return [ValueType(context.dataType(0), Shape(left.dimensions.dropLast() + [sizes[1]]))]
  }

  @Sendable static func costShapeInput(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    counted(outputs.first?.shape?.symbolicCount, context.shape(0)?.dimensions.last?.count).map {
      SymbolicCost(macs: $0)
    }
  }

  private static func widened(_ context: OperatorContext, _ attribute: String) throws(ScopeError) -> ValueType
  {
    guard let columns = context.node.int(attribute), columns > 0 else {
      throw context.invalid("\(attribute) must be positive", found: "\(context.node.int(attribute) ?? 0)")
    }
    return ValueType(
      context.dataType(0), context.shape(0).map { Shape($0.dimensions.dropLast() + [.known(columns)]) })
  }

  /// Gate and up projection [.., K] to [.., N], multiplied after the activation.
  @Sendable static func inferGatedPair(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [try widened(context, "N"), ValueType(context.dataType(0), context.shape(0))]
  }

  @Sendable static func costGatedPair(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    let output = outputs.first?.shape?.symbolicCount
    return counted(output, context.node.int("K").map { SymbolicCount($0) }, 2).flatMap {
      SymbolicCost(macs: $0).with(.activation, counted(output, 2))
    }
  }

  @Sendable static func inferThree(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let keys = try widened(context, "Nkv")
    return [try widened(context, "Nq"), keys, keys, ValueType(context.dataType(0), context.shape(0))]
  }

  @Sendable static func costThree(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard outputs.count >= 3 else { return nil }
    let columns = added(
      outputs[0].shape?.symbolicCount, outputs[1].shape?.symbolicCount, outputs[2].shape?.symbolicCount)
    return counted(columns, context.node.int("K").map { SymbolicCount($0) }).map { SymbolicCost(macs: $0) }
  }

  /// Weight [N, ...]: the output has its rows as columns.
  @Sendable static func inferBlocks(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let left = context.shape(0), left.rank >= 1, let columns = context.shape(1)?.dimensions.first else {
      return [ValueType(context.dataType(0))]
    }
    return [ValueType(context.dataType(0), Shape(left.dimensions.dropLast() + [columns]))]
  }

  @Sendable static func costBlocks(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    costShapeInput(context, outputs)
  }

  /// Inputs A, scale, B, scale, scale of the result.
  @Sendable static func inferOrdered(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let inputs: [ValueType?] = [context.input(0), context.input(2)]
    return try MatrixProductOperators.inferMatMul(
      OperatorContext(node: Node("MatMul", inputs: [], outputs: []), opset: 13, inputs: inputs))
  }

  @Sendable static func costOrdered(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    let output = outputs.first?.shape?.symbolicCount
    return counted(output, context.shape(0)?.dimensions.last?.count).map {
      SymbolicCost(macs: $0, bias: context.has(5) ? output : nil)
    }
  }

  /// Every token runs through `k` experts: the elements of one expert's weights, times tokens and `k`.
  @Sendable static func costExperts(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let input = context.shape(0), input.rank >= 1, let chosen = Optional(context.node.int("k") ?? 1),
      chosen > 0
    else { return nil }
    let isQuantized = context.node.opType == "QMoE"
    let weights = isQuantized ? [2, 5, 8] : [2, 4, 6]
    var perToken = SymbolicCount(0)
    for (position, index) in weights.enumerated() where context.has(index) {
      guard let weight = context.shape(index), weight.rank == 3,
        let elements = Shape(Array(weight.dimensions.dropFirst())).symbolicCount
      else { return nil }
      var packed = 1
      if isQuantized {
        let bits =
          context.node.int("fc\(position + 1)_expert_weight_bits") ?? context.node.int("expert_weight_bits")
          ?? 4
        guard [1, 2, 4, 8].contains(bits) else { return nil }
        packed = 8 / bits
      }
      guard let product = elements.times(SymbolicCount(packed)), let sum = perToken.adding(product) else {
        return nil
      }
      perToken = sum
    }
    let tokens = Shape(input.dimensions.dropLast()).symbolicCount
    return counted(tokens, SymbolicCount(chosen), perToken).map { SymbolicCost(macs: $0) }
  }
}
