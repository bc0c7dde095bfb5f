import ScopeGraph

/// What a model that is quantized already looks like.
public struct ExistingQuantization: Sendable, Hashable {
  public enum Form: String, Sendable, Hashable, Codable {
    /// QuantizeLinear and DequantizeLinear around float operators.
    case qdq
    /// Integer operators (QLinearConv, ConvInteger ...).
    case integerOperators
    /// Inputs are quantized as the model runs (DynamicQuantizeLinear).
    case dynamic
    /// Only weights are stored as integers (DequantizeLinear of constants, MatMulNBits ...).
    case weightsOnly
  }

  public var form: Form
  /// Operators of the quantized form, nested graphs included, with their number.
  public var operators: [String: Int]
  /// Convolutions and matrix products with constant float32 weights that are left.
  public var floatLayers: Int
  public var isPartial: Bool { floatLayers > 0 }

  /// One sentence.
  public var description: String {
    let kind =
      switch form {
      case .qdq: "QuantizeLinear/DequantizeLinear form"
      case .integerOperators: "integer operators"
      case .dynamic: "activations quantized at run time"
      case .weightsOnly: "weights only"
      }
    let list = operators.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(4)
      .map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    return "the model is \(isPartial ? "partly " : "")quantized already (\(kind): \(list)"
      + (isPartial ? "; \(floatLayers) layers in float)" : ")")
  }
}

extension QuantizationPlan {
  private static let integerOperators: Set<String> = [
    "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", "QLinearAdd", "QLinearMul",
    "QLinearConcat",
    "QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax", "QLinearGlobalAveragePool", "QLinearAveragePool",
    "QLinearWhere", "QLinearReduceMean", "QLinearConvTranspose", "QGemm", "MatMulIntegerToFloat",
    "QAttention",
    "QEmbedLayerNormalization", "QOrderedMatMul", "QOrderedAttention", "QOrderedGelu",
    "QOrderedLayerNormalization",
  ]
  private static let dynamicOperators: Set<String> = [
    "DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM",
  ]
  private static let weightOperators: Set<String> = [
    "MatMulNBits", "MatMulBnb4", "GatherBlockQuantized", "QMoE", "MatMulFpQ4",
  ]

  /// Recognises a model that is quantized, wholly or in part; nil for a float model.
  package static func existingQuantization(_ graph: Graph) -> ExistingQuantization? {
    var counts: [String: Int] = [:]
    var onConstants = 0
    var layers = 0
    count(graph, &counts, &onConstants, &layers, depth: 0)
    guard !counts.isEmpty else { return nil }
    func has(_ set: Set<String>) -> Bool { counts.keys.contains(where: set.contains) }
    let form: ExistingQuantization.Form =
      if has(dynamicOperators) {
        .dynamic
      } else if has(integerOperators) {
        .integerOperators
      } else if counts["QuantizeLinear"] != nil || (counts["DequantizeLinear"] ?? 0) > onConstants {
        .qdq
      } else {
        .weightsOnly
      }
    return ExistingQuantization(form: form, operators: counts, floatLayers: layers)
  }

  private static func count(
    _ graph: Graph, _ counts: inout [String: Int], _ onConstants: inout Int, _ layers: inout Int, depth: Int
  ) {
    guard depth < 16 else { return }
    let editor = GraphEditor(graph)
    for (index, node) in graph.nodes.enumerated() {
      let name = node.opType
      if name == "QuantizeLinear" || name == "DequantizeLinear" || integerOperators.contains(name)
        || dynamicOperators.contains(name) || weightOperators.contains(name)
      {
        counts[name, default: 0] += 1
        if name == "DequantizeLinear", editor.constant(node.input(0)) != nil { onConstants += 1 }
      } else if case .layer = QuantizedLayer.recognize(node, index: index, editor) {
        layers += 1
      }
      for nested in node.subgraphs { count(nested, &counts, &onConstants, &layers, depth: depth + 1) }
    }
  }
}
