/// All operators whose facts are known, by domain and name.
public enum OperatorRegistry {
  /// One entry per file of this folder and of `Microsoft/`.
  static let families: [[OperatorDefinition]] = [
    ElementwiseUnaryOperators.definitions, ElementwiseBinaryOperators.definitions, LogicOperators.definitions,
    ConvolutionOperators.definitions, MatrixProductOperators.definitions, PoolingOperators.definitions,
    NormalizationOperators.definitions, ReductionOperators.definitions, SoftmaxOperators.definitions,
    ReshapeOperators.definitions, TransposeOperators.definitions, ExpandOperators.definitions,
    ConcatSplitOperators.definitions, SliceOperators.definitions, GatherOperators.definitions,
    ScatterOperators.definitions, PadOperators.definitions, SpaceDepthOperators.definitions,
    ConstantOperators.definitions, ResizeOperators.definitions, CastOperators.definitions,
    QuantizationOperators.definitions, SelectionOperators.definitions, EinsumOperators.definitions,
    RecurrentOperators.definitions, AttentionOperators.definitions, SequenceOperators.definitions,
    SpectralOperators.definitions, TextOperators.definitions, LossOperators.definitions,
    ImageOperators.definitions, StateSpaceOperators.definitions, MachineLearningOperators.definitions,
    MicrosoftActivations.definitions, MicrosoftNormalization.definitions, MicrosoftAttention.definitions,
    MicrosoftMatrixProducts.definitions, MicrosoftQuantized.definitions, MicrosoftLayouts.definitions,
    MicrosoftGeneration.definitions, MicrosoftTensors.definitions,
  ]

  /// Operators that hold graphs; ``ShapeInference`` follows them itself.
  package static let controlFlow: Set<String> = ["If", "Loop", "Scan", "SequenceMap"]

  static func isControlFlow(_ node: Node) -> Bool {
    (node.domain.isEmpty || node.domain == "ai.onnx") && controlFlow.contains(node.opType)
  }

  /// Every definition, in registry order.
  public static let all: [OperatorDefinition] = families.flatMap { $0 }

  private static let byName: [String: OperatorDefinition] = {
    var result: [String: OperatorDefinition] = [:]
    for definition in all { result[key(definition.name, definition.domain)] = definition }
    return result
  }()

  private static func key(_ name: String, _ domain: String) -> String {
    domain.isEmpty || domain == "ai.onnx" ? name : "\(domain)::\(name)"
  }

  /// The facts about the operator of a node, or nil when it is not known.
  public static func definition(of node: Node) -> OperatorDefinition? {
    byName[key(node.opType, node.domain)]
  }

  /// The facts about an operator by name.
  public static func definition(_ name: String, domain: String = "") -> OperatorDefinition? {
    byName[key(name, domain)]
  }
}
