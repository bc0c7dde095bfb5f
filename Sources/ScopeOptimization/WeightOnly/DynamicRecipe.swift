/// One way to run matrix products in 8-bit integers whose activation ranges are taken anew in every run, so that no
/// data is needed to prepare the model.
///
/// Because one range covers the whole tensor, samples of one batch share it.
public struct DynamicRecipe: Sendable, Hashable, Codable {
  /// Storage type of the weights. ONNX Runtime's u8 x s8 kernels are the fast ones where the processor adds such
  /// products in 32 bits (VNNI, Arm dot products); u8 x u8 cannot saturate anywhere.
  public var weights: QuantizedType
  /// One scale per output rather than one per matrix.
  public var perChannel: Bool
  /// How far the codes of the weights reach; below `full` no x86 processor can saturate.
  public var weightRange: WeightRange
  /// Whether tables of embeddings are stored as 8-bit rows with a scale each.
  public var embeddings: Bool
  /// Whether convolutions other than depthwise ones become ConvInteger (always with u8 weights: ONNX Runtime's kernel
  /// for s8 ones is several times slower than float).
  public var convolutions: Bool
  /// Layers that stay in float, by ``ScopeGraph/Node/layerName`` or by the name of the weight.
  public var floatLayers: [String]
  /// Weights with fewer elements stay in float.
  public var smallestWeight: Int

  public init(
    weights: QuantizedType = .int8, perChannel: Bool = true, weightRange: WeightRange = .full,
    embeddings: Bool = true, convolutions: Bool = false, floatLayers: [String] = [],
    smallestWeight: Int = 1024
  ) {
    self.weights = weights
    self.perChannel = perChannel
    self.weightRange = weightRange
    self.embeddings = embeddings
    self.convolutions = convolutions
    self.floatLayers = floatLayers
    self.smallestWeight = smallestWeight
  }

  /// Short name in reports, such as `dynamic u8s8 per-channel`.
  public var name: String {
    var parts = [
      "dynamic", "u8" + (weights == .int8 ? "s8" : "u8"), perChannel ? "per-channel" : "per-tensor",
    ]
    switch weightRange {
    case .full: break
    case .reduced, .reducedExceptDepthwise: parts.append("7-bit")
    case .pairBounded: parts.append("pair-bounded")
    }
    if !embeddings { parts.append("float embeddings") }
    if convolutions { parts.append("with convolutions") }
    if !floatLayers.isEmpty { parts.append("\(floatLayers.count) float") }
    return parts.joined(separator: " ")
  }

  /// Whether x86 processors without VNNI, which add pairs of u8 x s8 products in 16 bits, may saturate.
  public var canSaturate: Bool { weights == .int8 && weightRange == .full }

  /// The recipe in words, for the list of techniques applied.
  public var techniques: [String] {
    var list = [
      "INT8 dynamic quantization of matrix products (uint8 activations ranged at run time, \(weights.rawValue) "
        + "weights, \(perChannel ? "one scale per output" : "one scale per matrix"))"
    ]
    switch weightRange {
    case .full: break
    case .reduced, .reducedExceptDepthwise: list.append("7-bit weight range")
    case .pairBounded: list.append("Weight steps bounded per output against 16-bit saturation")
    }
    if embeddings { list.append(DynamicQuantizer.embeddingStep) }
    if convolutions { list.append("INT8 dynamic quantization of convolutions (ConvInteger, uint8 weights)") }
    if !floatLayers.isEmpty { list.append("\(floatLayers.count) sensitive layers kept in float") }
    return list
  }

  /// The static recipe whose weights are rounded alike.
  var weightRecipe: QuantizationRecipe {
    QuantizationRecipe(weights: weights, perChannel: perChannel, weightRange: weightRange)
  }
}
