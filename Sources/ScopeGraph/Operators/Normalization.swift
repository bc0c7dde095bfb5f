import ScopeBytes

/// Normalisation layers. Cost per element: 2 with stored statistics (scale and shift), 8 when mean and variance are
/// computed (two sums, difference, square, root and division, scale and shift).
enum NormalizationOperators {
  static let definitions: [OperatorDefinition] =
    [
      OperatorDefinition(
        "BatchNormalization", memory: .inPlace, infer: inferBatch,
        cost: OperatorDefinition.perOutputElement(2, .normalisation)),
      OperatorDefinition(
        "LayerNormalization", memory: .inPlace, infer: inferLayer,
        cost: OperatorDefinition.perOutputElement(8, .normalisation)),
      OperatorDefinition(
        "SimplifiedLayerNormalization", memory: .inPlace, infer: inferLayer,
        cost: OperatorDefinition.perOutputElement(5, .normalisation)),
      OperatorDefinition(
        "RMSNormalization", memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement(5, .normalisation)),
      OperatorDefinition("LRN", infer: OperatorDefinition.sameAsFirstInput, cost: costLRN),
    ]
    + ["InstanceNormalization", "GroupNormalization", "MeanVarianceNormalization"].map {
      OperatorDefinition(
        $0, memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement(8, .normalisation))
    }
    + ["LpNormalization"].map {
      OperatorDefinition(
        $0, memory: .inPlace, infer: OperatorDefinition.sameAlongAxis,
        cost: OperatorDefinition.perOutputElement(3, .normalisation))
    }

  @Sendable static func inferBatch(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    if let channels = context.shape(0), channels.rank >= 2, let size = channels.dimensions[1].value,
      let scale = context.shape(1)?.elementCount, scale != size
    {
      throw context.invalid("the scale does not fit the channels", expected: "\(size)", found: "\(scale)")
    }
    var outputs = [ValueType(context.dataType(0), context.shape(0))]
    for _ in context.node.outputs.dropFirst() {
      outputs.append(ValueType(context.dataType(3), context.shape(3)))
    }
    return outputs
  }

  /// Further outputs: mean and inverse standard deviation over the normalised axes.
  @Sendable static func inferLayer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    var statistics: Shape?
    if let shape = context.shape(0) {
      let axis = try context.axis(context.node.int("axis") ?? -1, rank: shape.rank)
      statistics = Shape(shape.dimensions.enumerated().map { $0.offset < axis ? $0.element : .known(1) })
    }
    return [
      ValueType(context.dataType(0), context.shape(0)), ValueType(.float32, statistics),
      ValueType(.float32, statistics),
    ]
  }

  @Sendable static func costLRN(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    let window = context.node.int("size") ?? 1
    guard window > 0, window < 1 << 20 else { return nil }
    return counted(outputs.first?.shape?.symbolicCount, SymbolicCount(2 * window + 3)).map {
      SymbolicCost(.normalisation, $0)
    }
  }
}
