/// How an evaluation runs.
public struct RobustnessOptions: Sendable {
  /// Threads inside ONNX Runtime; 0 takes every core.
  public var threads = 0
  /// Images per run; nil chooses from `memoryBudgetBytes` and the activations' sizes, at most `maximumBatch`.
  public var batchSize: Int?
  public var maximumBatch = 64
  /// Bytes that activations and gradients of one run may take, roughly.
  public var memoryBudgetBytes = 1 << 30
  /// Clean and perturbed images to keep for the report.
  public var sampleCount = 4
  /// Attack only images that are right when clean, and leave each once it is fooled. Faster, and gives the strict
  /// figure; ``AttackResult/robustAccuracy`` then equals ``AttackResult/strictRobustAccuracy``. Off by default: the
  /// reference convention attacks every image for all steps.
  public var stopsWhenFooled = false
  /// Epsilon of the score; nil applies ``HeadlineRule``.
  public var headlineEpsilon: Epsilon?

  /// Whether a few images are attacked again in ways that reveal masked gradients; see ``RobustnessResult/checks``.
  public var checksSanity = false

  /// Whether each image's smallest budget is looked for; see ``RobustnessResult/minimalEpsilon``.
  public var findsMinimalEpsilon = false
  /// Changes that every image shares, to be learnt and measured too.
  public var sharedChanges: [SharedChange] = []
  /// Changes whose effect on the predictions is measured too.
  public var changes: [ImageChange] = []
  /// Whether the confidence on images of nothing is measured too.
  public var asksUnknowns = false
  /// Certify the smoothed model too.
  public var smoothing: SmoothingSettings?
  /// Seed of those searches.
  public var seed: UInt64 = 0

  public init() {}
}
