/// One way to compute a whole graph in float16, its inputs and outputs staying float32.
///
/// Meant for processors with float16 arithmetic. ONNX Runtime has few float16 kernels for CPUs: it puts casts to float32
/// around the others, so that the result is usually no faster there.
public struct HalfGraphRecipe: Sendable, Hashable, Codable {
  /// Operators that keep computing in float32: their results overflow or lose their meaning in float16, or ONNX does not
  /// define them for it.
  public var floatOperators: [String]
  /// Nodes that stay in float32, by ``ScopeGraph/Node/layerName``.
  public var floatLayers: [String]

  /// Powers, exponentials and sums of squares overflow beyond 65504; sizes and indices must be exact; the rest has no
  /// float16 form in the standard.
  public static let fragileOperators = [
    "ArrayFeatureExtractor", "Bernoulli", "Cast", "CastLike", "CumSum", "DeformConv", "DequantizeLinear",
    "Dropout",
    "DynamicQuantizeLinear", "Exp", "EyeLike", "GridSample", "Log", "Multinomial", "NonMaxSuppression", "Pow",
    "QuantizeLinear", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Range",
    "ReduceL2",
    "ReduceLogSum", "ReduceLogSumExp", "ReduceProd", "ReduceSumSquare", "Resize", "RoiAlign", "Softplus",
    "TopK",
    "Upsample",
  ]

  public init(floatOperators: [String] = fragileOperators, floatLayers: [String] = []) {
    self.floatOperators = floatOperators
    self.floatLayers = floatLayers
  }

  /// Short name in reports.
  public var name: String {
    floatLayers.isEmpty ? "float16 graph" : "float16 graph \(floatLayers.count) float"
  }

  /// The recipe in words, for the list of techniques applied.
  public var techniques: [String] {
    ["Computation in float16 with float32 inputs and outputs (fragile operators kept in float32)"]
      + (floatLayers.isEmpty ? [] : ["\(floatLayers.count) sensitive layers kept in float"])
  }
}
