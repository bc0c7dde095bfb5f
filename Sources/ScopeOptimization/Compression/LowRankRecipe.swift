/// How layers are factorised.
public struct LowRankRecipe: Sendable, Hashable {
  /// How a kernel larger than 1x1 is taken apart.
  public enum KernelScheme: String, Sendable, Hashable, Codable {
    /// k x k to r channels, then 1x1 (Zhang et al. 2016, "Accelerating very deep convolutional networks").
    case channels
    /// k x 1 to r channels, then 1 x k (Jaderberg et al. 2014); judged by the weights alone.
    case spatial
  }

  /// Share of the variance of each layer's output to keep, in (0, 1]; of the squared weights without data.
  public var energy: Double
  /// Ranks are multiples of this: kernels of engines work in blocks of 8 or 16 channels.
  public var rankMultiple: Int
  /// A layer is only factorised when it saves at least this share of its multiplications (and of its weights).
  public var minimumSaving: Double
  public var kernelScheme: KernelScheme
  /// Node names (or names of first outputs) to consider; nil considers all.
  public var layers: Set<String>?

  public init(
    energy: Double = 0.95, rankMultiple: Int = 8, minimumSaving: Double = 0.1,
    kernelScheme: KernelScheme = .channels, layers: Set<String>? = nil
  ) {
    self.energy = energy
    self.rankMultiple = rankMultiple
    self.minimumSaving = minimumSaving
    self.kernelScheme = kernelScheme
    self.layers = layers
  }
}

/// What factorising did.
public struct LowRankResult: Sendable {
  public struct Layer: Sendable, Hashable {
    /// Operator and node name.
    public var name: String
    public var fullRank: Int
    public var rank: Int
    /// Share of the output's variance (of the squared weights without data) that is kept.
    public var energy: Double
    public var weightsBefore: Int
    public var weightsAfter: Int
    /// Multiplications after over those before.
    public var macShare: Double
  }

  public var layers: [Layer] = []
  /// Layers that stay as they are, with the reason.
  public var declined: [String] = []
}
