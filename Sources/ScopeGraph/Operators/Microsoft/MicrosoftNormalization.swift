import ScopeBytes

/// Normalisation of ONNX Runtime's own domain, with the additions fused into it.
enum MicrosoftNormalization {
  private static let domain = "com.microsoft"

  static let definitions: [OperatorDefinition] =
    ["SkipLayerNormalization", "SkipSimplifiedLayerNormalization"].map {
      OperatorDefinition($0, domain: domain, infer: inferSkip, cost: costSkip)
    }
    + ["LayerNormalization", "SimplifiedLayerNormalization"].map {
      OperatorDefinition(
        $0, domain: domain, infer: NormalizationOperators.inferLayer,
        cost: OperatorDefinition.perOutputElement(8, .normalisation))
    }
    + ["GatedRMSNorm", "BranchwiseRMSNorm", "QOrderedLayerNormalization"].map {
      OperatorDefinition(
        $0, domain: domain, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement(8, .normalisation))
    }
    + [
      OperatorDefinition(
        "GroupNorm", domain: domain, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement(8, .normalisation)),
      OperatorDefinition(
        "SkipGroupNorm", domain: domain, infer: inferSkipGroup,
        cost: { context, outputs in
          let count = outputs.first?.shape?.symbolicCount
          return counted(count, 8).flatMap { SymbolicCost(.normalisation, $0).with(.elementwise, count) }
        }),
      OperatorDefinition(
        "EmbedLayerNormalization", domain: domain, infer: inferEmbedding, cost: costEmbedding),
      OperatorDefinition(
        "QEmbedLayerNormalization", domain: domain, infer: inferEmbedding, cost: costEmbedding),
    ]

  /// Further outputs: mean, inverse deviation, the sum of input and skip.
  @Sendable static func inferSkip(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let same = ValueType(context.dataType(0), context.shape(0))
    let statistics = context.shape(0).map { Shape($0.dimensions.dropLast() + [.known(1)]) }
    return [same, ValueType(.float32, statistics), ValueType(.float32, statistics), same]
  }

  /// The addition of the skip is elementwise work, the normalisation 8 per element (5 without a mean).
  @Sendable static func costSkip(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    let isSimplified = context.node.opType == "SkipSimplifiedLayerNormalization"
    guard let count = outputs.first?.shape?.symbolicCount, let work = counted(count, isSimplified ? 5 : 8)
    else {
      return nil
    }
    return SymbolicCost(macs: 0, bias: context.has(isSimplified ? 3 : 4) ? count : nil)
      .with(.normalisation, work)?.with(.elementwise, count)
  }

  @Sendable static func inferSkipGroup(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let same = ValueType(context.dataType(0), context.shape(0))
    return [same, same]
  }

  /// Embeddings of words, positions and segments, added and normalised; further outputs: the number of unmasked
  /// tokens and the sum.
  @Sendable static func inferEmbedding(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let isQuantized = context.node.opType == "QEmbedLayerNormalization"
    let type = isQuantized ? context.dataType(8) : context.dataType(2)
    guard let ids = context.shape(0), let width = context.shape(2)?.dimensions.last else {
      return [ValueType(type), ValueType(.int32), ValueType(type)]
    }
    guard ids.rank == 2 else { throw context.invalid("token ids must be [batch, sequence]", found: "\(ids)") }
    let all = ValueType(type, Shape(ids.dimensions + [width]))
    return [all, ValueType(.int32, Shape([ids.dimensions[0]])), all]
  }

  @Sendable static func costEmbedding(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    let count = outputs.first?.shape?.symbolicCount
    return counted(count, 8).flatMap {
      SymbolicCost(.normalisation, $0).with(.elementwise, counted(count, context.has(4) ? 2 : 1))
    }
  }
}
