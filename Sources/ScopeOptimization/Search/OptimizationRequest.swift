import ScopeGraph
import ScopeRuntime

/// What makes one variant better than another, among those within the accuracy budget.
public enum OptimizationObjective: String, Sendable, Hashable, Codable, CaseIterable {
  /// The shortest time of one run; it must also be smaller.
  case latency
  /// The smallest file; it must not be slower.
  case size
  /// The largest product of speedup and size ratio; it must not be slower.
  case balanced
}

/// Families of rewrites that the search may use.
public enum OptimizationTechnique: String, Sendable, Hashable, Codable, CaseIterable {
  /// Static INT8 of weights and activations, calibrated.
  case int8
  /// INT8 of matrix products whose activation ranges are found at run time.
  case dynamic
  /// Weights of 8 or 4 bits, activations in float.
  case weights
  /// Weights stored in 16 bits.
  case float16
  /// Channels, heads and neurons removed, the rest fitted by least squares.
  case pruning
  /// Large layers replaced by two thin ones.
  case lowRank = "low-rank"
  /// Single weights set to zero, for the size of the compressed file.
  case sparsity
}

/// What to optimize, on which data, within which limits.
public struct OptimizationRequest: Sendable {
  public var model: Model
  /// Size of the file the model came from.
  public var originalBytes: Int
  public var samples: SampleSet
  public var engine: Engine
  /// A second engine to measure the result in.
  public var openVINO: OpenVINOEngine?
  /// Try thread counts and session options with the result, and the second engine where there is one.
  public var tunesSessions = false
  /// Threads inside an operator; 0 takes every core.
  public var threads = 0
  /// Every how many samples one calibrates (5 holds out a fifth).
  public var calibrationStride = 5
  /// Most calibration samples.
  public var calibrationLimit = 200
  /// Accuracy that may be lost on the evaluation samples, as a fraction.
  public var maxAccuracyDrop = 0.01
  /// Judge by agreement with the original's predictions even where there are labels.
  public var judgesByAgreement = false
  public var objective = OptimizationObjective.latency
  /// Nil lets the search choose by the kind of model and the data there is.
  public var techniques: Set<OptimizationTechnique>?
  /// Recover accuracy of pruned and factorised models by distilling the original into them.
  public var finetune = false
  /// Measure how much each layer alone costs when it is quantized, even where the search does not need to know.
  public var measuresSensitivity = false
  /// Folder in which candidates are kept, so that an interrupted search goes on; nil keeps none.
  public var workDirectory: String?
  /// SHA-256 of the file the model came from, for the written model's metadata.
  public var sourceSha256: String?
  public var seed: UInt64 = 0
  /// Wall-clock aim for the whole search; effort adapts to it.
  public var timeBudget: Duration = .seconds(60)
  /// Called with a stage in words and the share of all work done.
  public var progress: @Sendable (_ stage: String, _ fraction: Double) -> Void = { _, _ in }

  public init(model: Model, originalBytes: Int, samples: SampleSet, engine: Engine) {
    self.model = model
    self.originalBytes = originalBytes
    self.samples = samples
    self.engine = engine
  }
}
