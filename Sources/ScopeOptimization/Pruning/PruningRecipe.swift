import ScopeGraph

/// How channels are chosen and what is done for those that stay.
public struct PruningRecipe: Sendable, Hashable {
  /// What makes a channel worth keeping.
  public enum Importance: String, Sendable, Hashable, Codable, CaseIterable {
    /// Sum of the magnitudes of the weights that make the channel (Li et al. 2017, arXiv:1608.08710).
    case magnitudeL1
    /// Root of the sum of their squares.
    case magnitudeL2
    /// Distance to the other channels' weights: the most replaceable go first (He et al. 2019, FPGM, arXiv:1811.00250).
    case geometricMedian
    /// Variance over the calibration samples of what the following layer reads.
    case activation
    /// |gradient x activation| of the loss of the model's own predictions (Molchanov et al. 2017, arXiv:1611.06440).
    case taylor
    /// Error that remains in the following layers after their other weights have made up for the channel as well as they
    /// can (optimal brain surgeon on groups of weights; Hassibi & Stork 1993).
    case reconstruction
  }

  /// How the remaining weights make up for the removed ones.
  public enum Reconstruction: String, Sendable, Hashable, Codable, CaseIterable {
    case none
    /// Ridge least squares of every layer that reads pruned channels (He et al. 2017, arXiv:1707.06168).
    case leastSquares
    /// The same, and also of all other layers behind the first pruned one.
    case everyLayer
  }

  /// Which channels may go.
  public enum Scope: String, Sendable, Hashable, Codable, CaseIterable {
    /// Channels between two layers: inside a residual block, an expansion, an attention, a perceptron.
    case inner
    /// Also the channels of residual streams.
    case all
  }

  /// What a removed channel is taken to save when budgets are spread over the layers.
  public enum Cost: String, Sendable, Hashable, Codable, CaseIterable {
    /// Multiply-accumulate operations.
    case macs
    /// Time of the whole model, measured for each kind of layer and count.
    case latency
    /// Bytes of the weights.
    case size
  }

  public var importance = Importance.reconstruction
  public var reconstruction = Reconstruction.everyLayer
  public var scope = Scope.inner
  public var cost = Cost.latency
  /// Channel counts are multiples of this: engines lay channels out in blocks of 8 or 16 and fall to slow kernels for
  /// other counts. Channels that stand for several rows (attention heads) need fewer of them.
  public var alignment = 8
  /// Whether consecutive residual blocks may become one.
  public var mergesBlocks = true
  /// Candidate counts per group of channels.
  public var candidates = 7

  public init() {}

  /// Such as `pruned-reconstruction-8`.
  public var name: String { "pruned-\(importance.rawValue)-\(reconstruction.rawValue)-\(alignment)" }
}

/// Which channels stay.
public struct PruningPlan: Sendable, Hashable {
  public var recipe: PruningRecipe
  /// Channel numbers (positions in ``ChannelGroup/channels``) that stay, ascending, by group id; other groups stay whole.
  public var kept: [Int: [Int]]
  /// Residual blocks that become one.
  public var merges: [BlockMerge]
  /// Expected share of the cost that is saved, 0 to 1.
  public var expectedSaving: Double
  /// Expected noise in the scores relative to their variance.
  public var expectedNoise: Double

  public var isEmpty: Bool { kept.isEmpty && merges.isEmpty }

  public init(
    recipe: PruningRecipe, kept: [Int: [Int]], merges: [BlockMerge] = [], expectedSaving: Double = 0,
    expectedNoise: Double = 0
  ) {
    self.recipe = recipe
    self.kept = kept
    self.merges = merges
    self.expectedSaving = expectedSaving
    self.expectedNoise = expectedNoise
  }
}

/// A model with fewer channels.
public struct PrunedModel: Sendable {
  /// Channels of one group.
  public struct Group: Sendable, Hashable {
    public var name: String
    public var before: Int
    public var after: Int
  }

  public var model: Model
  public var plan: PruningPlan
  /// Only groups that lost channels.
  public var groups: [Group]
  /// Nil when a size is open.
  public var macsBefore: Int?
  public var macsAfter: Int?
  /// Squared error of the reconstructed layers relative to the variance of their outputs, mean over the layers; nil
  /// without reconstruction.
  public var reconstructionError: Double?
  /// Layers that could not be reconstructed and keep plain weights, with the reason.
  public var declined: [String]
}
