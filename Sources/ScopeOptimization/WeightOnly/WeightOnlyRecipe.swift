/// How the codes of a weight are chosen on their grid.
public enum BlockRounding: String, Sendable, Hashable, Codable {
  /// Each block's grid spans its extreme values, each weight goes to the nearest code.
  case nearest
  /// Each block's grid is the one of several narrower ones that leaves the least squared error of the weights.
  case leastSquares
  /// As `leastSquares`, then rounded by the curvature of the layer's output error (GPTQ); needs calibration samples.
  case hessian
}

/// How tables of embeddings are stored.
public enum EmbeddingStorage: String, Sendable, Hashable, Codable {
  case float
  /// 8-bit rows with a scale each, standard operators.
  case int8
  /// Blocks as the matrices are, in ONNX Runtime's GatherBlockQuantized.
  case blocks
}

/// Matrix products on weights of 4 or 8 bits in blocks (ONNX Runtime's MatMulNBits); activations stay in float.
public struct WeightOnlyRecipe: Sendable, Hashable, Codable {
  /// 4 or 8.
  public var bits: Int
  /// Inputs that share a scale: a power of two from 16 to 256. Layers with fewer inputs get the smallest block that
  /// holds them all.
  public var blockSize: Int
  /// Whether zero is in the middle of the codes; otherwise each block has a zero point.
  public var isSymmetric: Bool
  /// What the kernel may compute in: 0 leaves it to the engine, 1 float32, 2 float16, 3 bfloat16, 4 int8 (activations
  /// are rounded to 8 bits block by block inside the kernel, which is what makes it fast on CPUs).
  public var accuracyLevel: Int
  public var rounding: BlockRounding
  public var embeddings: EmbeddingStorage
  /// Layers that stay in float, by ``ScopeGraph/Node/layerName`` or by the name of the weight.
  public var floatLayers: [String]
  /// Weights with fewer elements stay in float.
  public var smallestWeight: Int

  public init(
    bits: Int = 4, blockSize: Int = 32, isSymmetric: Bool = false, accuracyLevel: Int = 4,
    rounding: BlockRounding = .leastSquares, embeddings: EmbeddingStorage = .int8,
    floatLayers: [String] = [], smallestWeight: Int = 1024
  ) {
    self.bits = bits
    self.blockSize = blockSize
    self.isSymmetric = isSymmetric
    self.accuracyLevel = accuracyLevel
    self.rounding = rounding
    self.embeddings = embeddings
    self.floatLayers = floatLayers
    self.smallestWeight = smallestWeight
  }

  /// Short name in reports, such as `weight-only INT4 block 32 asymmetric`.
  public var name: String {
    var parts = ["weight-only INT\(bits)", "block \(blockSize)", isSymmetric ? "symmetric" : "asymmetric"]
    if accuracyLevel > 0 { parts.append("level \(accuracyLevel)") }
    switch rounding {
    case .nearest: break
    case .leastSquares: parts.append("least-squares scales")
    case .hessian: parts.append("GPTQ")
    }
    switch embeddings {
    case .float: parts.append("float embeddings")
    case .int8: break
    case .blocks: parts.append("block embeddings")
    }
    if !floatLayers.isEmpty { parts.append("\(floatLayers.count) float") }
    return parts.joined(separator: " ")
  }

  /// The recipe in words, for the list of techniques applied.
  public var techniques: [String] {
    var list = [
      "INT\(bits) weight-only quantization of matrix products (MatMulNBits, "
        + "\(isSymmetric ? "symmetric" : "asymmetric") blocks of \(blockSize) inputs)"
    ]
    if accuracyLevel == 4 {
      list.append("Activations rounded to 8 bits inside the kernel (accuracy level 4)")
    }
    switch rounding {
    case .nearest: break
    case .leastSquares: list.append("Block scales of least squared weight error")
    case .hessian: list.append("GPTQ rounding by the calibration samples' second moments")
    }
    switch embeddings {
    case .float: break
    case .int8: list.append(DynamicQuantizer.embeddingStep)
    case .blocks: list.append("Embedding tables stored as INT\(bits) blocks (GatherBlockQuantized)")
    }
    if !floatLayers.isEmpty { list.append("\(floatLayers.count) sensitive layers kept in float") }
    return list
  }
}
