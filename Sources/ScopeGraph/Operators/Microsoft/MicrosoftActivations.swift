import ScopeBytes

/// Activations of ONNX Runtime's own domain, with what is fused into them.
enum MicrosoftActivations {
  private static let domain = "com.microsoft"

  static let definitions: [OperatorDefinition] =
    ["Gelu", "QuickGelu", "ScaledSiLU", "QOrderedGelu"].map {
      OperatorDefinition(
        $0, domain: domain, memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement(1, .activation))
    }
    + ["BiasGelu", "FastGelu"].map {
      OperatorDefinition(
        $0, domain: domain, memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput, cost: costBias)
    }
    + ["BiasSoftmax"].map {
      OperatorDefinition(
        $0, domain: domain, memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
        cost: { context, outputs in
          OperatorDefinition.perOutputElement(5, .softmax)(context, outputs)?
            .with(.bias, outputs.first?.shape?.symbolicCount)
        })
    }
    + ["BiasAdd", "GatedAdd"].map {
      OperatorDefinition(
        $0, domain: domain, memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement(2, .elementwise))
    }
    + [
      OperatorDefinition(
        "BiasSplitGelu", domain: domain, infer: inferSplit,
        cost: OperatorDefinition.perOutputElement(4, .activation)),
      OperatorDefinition("BiasDropout", domain: domain, infer: inferDropout, cost: costDropout),
      OperatorDefinition("BitmaskBiasDropout", domain: domain, infer: inferBitmask, cost: costDropout),
      OperatorDefinition("BitmaskDropout", domain: domain, memory: .view, infer: inferBitmask),
    ]

  @Sendable static func costBias(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let count = outputs.first?.shape?.symbolicCount else { return nil }
    return SymbolicCost(macs: 0, bias: context.has(1) ? count : nil).with(.activation, count)
  }

  /// Half of the width gates the other half.
  @Sendable static func inferSplit(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard var shape = context.shape(0), let last = shape.dimensions.last else {
      return [ValueType(context.dataType(0))]
    }
    shape.dimensions[shape.rank - 1] = .quotient(last, .known(2))
    return [ValueType(context.dataType(0), shape)]
  }

  @Sendable static func inferDropout(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(context.dataType(0), context.shape(0)), ValueType(.bool, context.shape(0))]
  }

  /// The mask has one bit per element, 32 to a word.
  @Sendable static func inferBitmask(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let words = context.shape(0).map { Shape([.roundedUp(.product($0.dimensions), by: 32)]) }
    return [ValueType(context.dataType(0), context.shape(0)), ValueType(.uint32, words)]
  }

  /// A bias, and the residual where there is one.
  @Sendable static func costDropout(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    counted(outputs.first?.shape?.symbolicCount, context.has(2) ? 2 : 1).map {
      SymbolicCost(.elementwise, $0)
    }
  }
}
