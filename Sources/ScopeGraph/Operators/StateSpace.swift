import ScopeBytes

/// Linear attention, causal convolution with a state, and gated units of newer operator sets and of ONNX Runtime.
enum StateSpaceOperators {
  static let definitions: [OperatorDefinition] =
    ["", "com.microsoft"].flatMap { domain in
      [
        OperatorDefinition("CausalConvWithState", domain: domain, infer: inferCausal, cost: costCausal),
        OperatorDefinition(
          "LinearAttention", domain: domain, infer: inferLinear, cost: OperatorDefinition.notCounted),
      ]
    }
    + [
      OperatorDefinition(
        "SwiGLU", infer: inferGated, cost: OperatorDefinition.perOutputElement(3, .activation))
    ]

  /// input [N, C, L...], weight [C, 1, k...]; the state holds the last k - 1 inputs.
  @Sendable static func inferCausal(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    var state = context.shape(3)
    if state == nil, let input = context.shape(0), let weight = context.shape(1), input.rank == 3,
      weight.rank == 3,
      context.node.int("channels_last") != 1
    {
      state = Shape([input.dimensions[0], input.dimensions[1], .difference(weight.dimensions[2], .known(1))])
    }
    return [ValueType(type, context.shape(0)), ValueType(context.dataType(3) ?? type, state)]
  }

  @Sendable static func costCausal(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let weight = context.shape(1), weight.rank >= 2,
      let macs = counted(
        outputs.first?.shape?.symbolicCount, Shape(Array(weight.dimensions.dropFirst())).symbolicCount)
    else { return nil }
    return SymbolicCost(macs: macs, bias: context.has(2) ? outputs.first?.shape?.symbolicCount : nil)
  }

  @Sendable static func inferLinear(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(context.dataType(0)), ValueType(context.dataType(3) ?? context.dataType(0), context.shape(3))]
  }

  @Sendable static func inferGated(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [
      ValueType(
        context.dataType(0), try Broadcasting.shape([context.shape(0), context.shape(1)], at: context))
    ]
  }
}
