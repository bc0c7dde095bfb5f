/// All operators whose facts are known, by domain and name.
public enum OperatorRegistry {
  /// One entry per file of this folder.
  static let families: [[OperatorDefinition]] = [
    ElementwiseUnaryOperators.definitions, ElementwiseBinaryOperators.definitions, LogicOperators.definitions,
    ConvolutionOperators.definitions, MatrixProductOperators.definitions, PoolingOperators.definitions,
    NormalizationOperators.definitions, ReductionOperators.definitions, SoftmaxOperators.definitions,
    ReshapeOperators.definitions, TransposeOperators.definitions, ExpandOperators.definitions,
    ConcatSplitOperators.definitions, SliceOperators.definitions, GatherOperators.definitions,
    ScatterOperators.definitions, PadOperators.definitions, SpaceDepthOperators.definitions,
    ConstantOperators.definitions, ResizeOperators.definitions, CastOperators.definitions,
    QuantizationOperators.definitions, SelectionOperators.definitions, EinsumOperators.definitions,
    RecurrentOperators.definitions, AttentionOperators.definitions, MicrosoftOperators.definitions,
  ]

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
