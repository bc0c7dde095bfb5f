import ScopeBytes

/// Losses that exported training graphs hold.
enum LossOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition(
      "SoftmaxCrossEntropyLoss", infer: infer, cost: OperatorDefinition.perInputElement(6, .softmax)),
    OperatorDefinition("NegativeLogLikelihoodLoss", infer: infer, cost: costNLL),
  ]

  /// A scalar, or one loss per label with `reduction` none.
  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let isReduced = (context.node.string("reduction") ?? "mean") != "none"
    let type = context.dataType(0)
    return [ValueType(type, isReduced ? [] : context.shape(1)), ValueType(type, context.shape(0))]
  }

  @Sendable static func costNLL(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    counted(context.shape(1)?.symbolicCount, 2).map { SymbolicCost(.reduction, $0) }
  }
}
