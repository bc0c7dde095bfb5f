/// One way to store weights in fewer bits while the kernels stay those of float32.
public struct StorageRecipe: Sendable, Hashable, Codable {
  /// The type in the file.
  public enum Format: String, Sendable, Hashable, Codable, CaseIterable {
    case float16
    case bfloat16
    /// OFP8 with 3 fraction bits and one scale per tensor; operator set 19.
    case float8e4m3
    /// OFP8 with 2 fraction bits and one scale per tensor; operator set 19.
    case float8e5m2
    case int8
    /// Operator set 21.
    case int4
  }

  /// How the graph turns the stored numbers into float32.
  public enum Form: String, Sendable, Hashable, Codable {
    /// `Cast (-> Mul by the scales (-> Reshape))` of a constant. ONNX Runtime computes it once when it loads the model:
    /// the file is small, memory and speed are those of float32.
    case folded
    /// `DequantizeLinear` of a constant, the standard form of integers and float8 that other tools recognise. ONNX
    /// Runtime keeps it and computes it in every run, which costs time.
    case dequantizeLinear
  }

  public var format: Format
  public var form: Form
  /// For integers: neighbouring weights of one channel that share a scale; nil for one scale per channel. Where it does
  /// not divide a tensor, that tensor gets one scale per channel.
  public var blockSize: Int?
  /// Tensors that stay in float, by their name or by the ``ScopeGraph/Node/layerName`` of a node that reads them.
  public var floatLayers: [String]
  /// Tensors with fewer elements stay in float.
  public var smallestWeight: Int

  public init(
    format: Format, form: Form = .folded, blockSize: Int? = nil, floatLayers: [String] = [],
    smallestWeight: Int = 1024
  ) {
    self.format = format
    self.form = form
    self.blockSize = blockSize
    self.floatLayers = floatLayers
    self.smallestWeight = smallestWeight
  }

  /// Short name in reports, such as `stored as int8 per-channel`.
  public var name: String {
    var parts = ["stored as", format.rawValue]
    if format == .int8 || format == .int4 { parts.append(blockSize.map { "block \($0)" } ?? "per-channel") }
    if usesDequantizeLinear { parts.append("(DequantizeLinear)") }
    if !floatLayers.isEmpty { parts.append("\(floatLayers.count) float") }
    return parts.joined(separator: " ")
  }

  /// The 16-bit types have no DequantizeLinear.
  var usesDequantizeLinear: Bool { form == .dequantizeLinear && format != .float16 && format != .bfloat16 }

  /// The recipe in words, for the list of techniques applied.
  public var techniques: [String] {
    let scales =
      switch format {
      case .float16, .bfloat16: ""
      case .float8e4m3, .float8e5m2: ", one scale per tensor"
      case .int8, .int4: blockSize.map { ", one scale per \($0) weights" } ?? ", one scale per channel"
      }
    var list = [
      "Weights stored as \(format.rawValue)\(scales); "
        + (usesDequantizeLinear
          ? "dequantized in every run" : "the engine widens them to float32 when it loads the model")
    ]
    if !floatLayers.isEmpty { list.append("\(floatLayers.count) sensitive tensors kept in float") }
    return list
  }
}
