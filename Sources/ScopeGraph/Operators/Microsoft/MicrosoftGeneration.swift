import ScopeBytes

/// Whole generation loops and what belongs to them. How much they compute depends on the data: not counted.
enum MicrosoftGeneration {
  private static let domain = "com.microsoft"

  static let definitions: [OperatorDefinition] =
    ["GreedySearch", "Sampling"].map {
      OperatorDefinition(
        $0, domain: domain,
        infer: { (context) throws(ScopeError) in
          let batch = context.shape(0)?.dimensions.first ?? .unknown
          return [
            ValueType(.int32, Shape([batch, context.elements(1)?.first ?? .unknown])),
            ValueType(.float32, context.node.int("vocab_size").map { Shape([batch, .known($0)]) }),
          ]
        },
        cost: OperatorDefinition.notCounted)
    }
    + ["BeamSearch", "WhisperBeamSearch"].map {
      OperatorDefinition($0, domain: domain, infer: inferBeam, cost: OperatorDefinition.notCounted)
    }
    + [
      OperatorDefinition(
        "NGramRepeatBlock", domain: domain,
        infer: { (context) throws(ScopeError) in [ValueType(context.dataType(1), context.shape(1))] }),
      OperatorDefinition(
        "BifurcationDetector", domain: domain,
        infer: { (_) throws(ScopeError) in [ValueType(.int64, Shape([.unknown])), ValueType(.int64, [])] }),
      OperatorDefinition(
        "DynamicTimeWarping", domain: domain,
        infer: { (_) throws(ScopeError) in [ValueType(.int32, Shape([.known(2), .unknown]))] },
        cost: OperatorDefinition.perInputElement(3, .other)),
      OperatorDefinition("SampleOp", domain: domain, infer: OperatorDefinition.sameAsFirstInput),
      OperatorDefinition(
        "HyperConnectionPostMix", domain: domain, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.notCounted),
      OperatorDefinition(
        "LinearAttentionGate", domain: domain, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.notCounted),
      OperatorDefinition(
        "EngramGate", domain: domain, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.notCounted),
      OperatorDefinition(
        "VarlenCausalConvWithState", domain: domain, infer: StateSpaceOperators.inferCausal,
        cost: StateSpaceOperators.costCausal),
    ]
    // Experimental operators whose outputs are only known by type.
    + [
      "GatedDeltaNet", "HyperConnectionPreMix", "NGramHashMapping", "VarlenNGramHashMapping",
      "SparseAttentionIndexer", "PackedSparseAttentionIndexer",
    ].map { name in
      OperatorDefinition(
        name, domain: domain,
        infer: { (context) throws(ScopeError) in
          let type = name.hasSuffix("Indexer") ? DataType.int32 : context.dataType(0)
          return [ValueType(type)] + context.node.outputs.dropFirst().map { _ in ValueType() }
        },
        cost: OperatorDefinition.notCounted)
    }

  /// [batch, returned sequences, maximum length] and a score per sequence.
  @Sendable static func inferBeam(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let batch = context.shape(0)?.dimensions.first ?? .unknown
    let returned = context.elements(4)?.first ?? .unknown
    return [
      ValueType(.int32, Shape([batch, returned, context.elements(1)?.first ?? .unknown])),
      ValueType(.float32, Shape([batch, returned])), ValueType(.float32), ValueType(.float32),
      ValueType(.float32),
    ]
  }
}
