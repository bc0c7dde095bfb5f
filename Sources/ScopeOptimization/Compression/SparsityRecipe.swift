/// Which weights become zero.
public struct SparsityRecipe: Sendable, Hashable {
  public enum Pattern: Sendable, Hashable {
    /// This share of each layer's weights, in [0, 1).
    case unstructured(Double)
    /// Two of every four neighbours along the input channels, as some GPUs run faster.
    case twoOfFour
  }

  /// How the importance of a weight is judged.
  public enum Importance: String, Sendable, Hashable, Codable {
    /// |W|, compared over the whole layer.
    case magnitude
    /// |W| times the root mean square of its input, compared within each output (Sun et al. 2024, "Wanda").
    case activation
  }

  public var pattern: Pattern
  public var importance: Importance
  /// Node names (or names of first outputs) to consider; nil considers all.
  public var layers: Set<String>?

  public init(
    pattern: Pattern = .unstructured(0.5), importance: Importance = .magnitude, layers: Set<String>? = nil
  ) {
    self.pattern = pattern
    self.importance = importance
    self.layers = layers
  }
}

/// What making weights zero did.
public struct SparsityResult: Sendable {
  public struct Layer: Sendable, Hashable {
    /// Operator and node name.
    public var name: String
    public var weights: Int
    public var zeros: Int
  }

  public var layers: [Layer] = []
  /// Layers that stay as they are, with the reason.
  public var declined: [String] = []
  /// Of the model as it is written; zeros take as much room as other numbers.
  public var writtenBytes = 0
  /// Of the same file through zlib at level 9.
  public var deflatedBytes = 0
  /// Of the file before, through zlib at level 9.
  public var deflatedBytesBefore = 0

  /// Share of the weights of the layers that are zero.
  public var sparsity: Double {
    let weights = layers.reduce(0) { $0 + $1.weights }
    return weights > 0 ? Double(layers.reduce(0) { $0 + $1.zeros }) / Double(weights) : 0
  }

  /// What to expect of it.
  public static let note =
    "Zeros make the file smaller only when it is compressed (here: zlib, level 9). ONNX Runtime's CPU kernels multiply "
    + "with zeros like with other numbers, so no change of speed is to be expected."
}
