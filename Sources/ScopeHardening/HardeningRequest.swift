import ScopeData
import ScopeGraph
import ScopeRobustness
import ScopeRuntime

/// What the model is taught to answer for an adversarial image.
public enum HardeningMethod: String, Sendable, Hashable, Codable, CaseIterable {
  /// What the original says of the clean image: adversarially robust distillation (Goldblum et al. 2020,
  /// arXiv:1905.09747), the trade-off of TRADES (Zhang et al. 2019, arXiv:1901.08573) with the original in place of the
  /// model under training. Keeps more clean accuracy and needs no labels.
  case distillation
  /// The label: adversarial training (Madry et al. 2018, arXiv:1706.06083).
  case labels
}

/// Which weights learn.
public enum HardenedLayers: String, Sendable, Hashable, Codable, CaseIterable {
  case all
  /// Those of the last layer alone: quick, and seldom enough.
  case last
}

/// Adversarial fine-tuning: what, on what, how long.
public struct HardeningRequest: Sendable {
  public var model: Model
  public var normalization: Normalization
  /// To learn from; a part of them chooses among the rounds.
  public var images: LabeledImages
  public var engine: Engine
  public var threads = 0
  public var seed: UInt64 = 0
  /// Linf budget of the images it is trained on.
  public var epsilon: Epsilon
  public var method = HardeningMethod.distillation
  public var layers = HardenedLayers.all
  /// Rounds of: adversarial images for the model as it is, then passes over them.
  public var rounds = 12
  public var epochsPerRound = 2
  public var learningRate: Float = 5e-4
  /// PGD steps that make the images.
  public var attackSteps = 7
  /// Clean accuracy that may be lost on the images that choose, as a fraction.
  public var maxAccuracyDrop = 0.05
  public var timeBudget: Duration?
  public var progress: @Sendable (_ stage: String, _ fraction: Double) -> Void = { _, _ in }
  public var isCancelled: @Sendable () -> Bool = { false }

  public init(
    model: Model, normalization: Normalization, images: LabeledImages, engine: Engine, epsilon: Epsilon
  ) {
    self.model = model
    self.normalization = normalization
    self.images = images
    self.engine = engine
    self.epsilon = epsilon
  }
}

/// What came of it.
public struct HardeningResult: Sendable {
  /// The round with the most robust model that keeps the clean accuracy; the original when none is better.
  public var model: Model
  /// Number of that round; 0 is the original.
  public var keptRound: Int
  /// On the images that choose, the original first.
  public var rounds: [Round]
  public var trainingImages: Int
  public var choosingImages: Int
  /// Numbers that were trained.
  public var parameters: Int
  public var limitedByTime: Bool
  public var seconds: Double

  public struct Round: Sendable, Hashable {
    /// Correct without attack, and after PGD from a random start with the budget trained on.
    public var clean: MeasuredAccuracy
    public var robust: MeasuredAccuracy
  }
}
