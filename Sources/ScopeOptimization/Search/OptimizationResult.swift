import ScopeGraph
import ScopeRuntime
import ScopeStatistics

/// One variant that was built and measured.
public struct OptimizationCandidate: Sendable {
  public enum Verdict: String, Sendable, Hashable, Codable {
    case chosen
    /// Within every limit, but another was better.
    case admissible
    case rejected
  }

  /// Such as `u8s8 per-channel pair-bounded bias-corrected`, or `FP32 folded`.
  public var name: String
  /// Nil for the folded float model.
  public var recipe: QuantizationRecipe?
  /// Serialised size.
  public var bytes: Int
  /// Signal-to-quantization-noise ratio of the scores on calibration images, decibel; nil for float.
  public var calibrationSQNR: Double?
  /// Share of calibration images with the float model's prediction.
  public var calibrationAgreement: Proportion?
  /// On the evaluation images; nil when an earlier filter rejected the candidate.
  public var comparison: PairedComparison?
  /// Measured in turn with the original in one process; nil when not timed.
  public var latency: LatencySummary?
  /// Against the original model, above 1 is faster; from the same interleaved rounds.
  public var speedup: SpeedRatio?
  public var verdict: Verdict
  /// Why it was chosen or rejected.
  public var reason: String

  public var accuracy: Double? { comparison.map { Double($0.candidateCorrect) / Double($0.images) } }
  public var agreement: Proportion? { comparison?.agreement }
}

/// Outcome of ``Optimizer/run(_:)``; every figure is measured in this run.
public struct OptimizationResult: Sendable {
  /// The model to write: the best INT8 model, or the folded FP32 model when none helps.
  public var model: Model
  /// The original with the exact passes applied.
  public var foldedModel: Model
  /// Whether ``model`` is quantized.
  public var isQuantized: Bool
  public var originalBytes: Int
  /// Serialised size of ``model``.
  public var optimizedBytes: Int
  /// Original time over optimized time with its 95% interval, batch as in ``originalLatency``.
  public var speedup: SpeedRatio
  public var originalLatency: LatencySummary
  public var optimizedLatency: LatencySummary
  /// Original against optimized on the evaluation images.
  public var comparison: PairedComparison
  public var evaluationImages: Int
  public var calibrationImages: Int
  /// In words, in the order applied.
  public var techniques: [String]
  public var passes: [PassRecord]
  /// Largest difference between the scores of the folded and the original model, relative to the largest score.
  public var foldingDifference: Double
  public var candidates: [OptimizationCandidate]
  /// What a reader must know to judge the figures.
  public var notes: [String]
  public var elapsed: Duration

  /// Share of the original bytes that is gone.
  public var sizeReduction: Double { 1 - Double(optimizedBytes) / Double(max(originalBytes, 1)) }
  public var originalAccuracy: Double { Double(comparison.originalCorrect) / Double(comparison.images) }
  public var optimizedAccuracy: Double { Double(comparison.candidateCorrect) / Double(comparison.images) }
  public var agreement: Proportion { comparison.agreement }
}
