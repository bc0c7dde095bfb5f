import ScopeBytes
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
  public var technique: OptimizationTechnique?
  /// What was done to the model, in order, in words.
  public var steps: [String] = []
  /// Serialised size; nil when it could not be built.
  public var bytes: Int?
  /// Signal-to-quantization-noise ratio of the scores on calibration samples, decibel; nil for float.
  public var calibrationSQNR: Double?
  /// Share of calibration samples with the float model's prediction.
  public var calibrationAgreement: Proportion?
  /// On the evaluation samples; nil when an earlier filter rejected the candidate.
  public var comparison: PairedComparison?
  /// Measured in turn with the original in one process; nil when not timed.
  public var latency: LatencySummary?
  /// Against the original model, above 1 is faster; from the same interleaved rounds.
  public var speedup: SpeedRatio?
  /// The same of the candidate in OpenVINO, against the original in ONNX Runtime; nil when not asked for.
  public var openVINOSpeedup: SpeedRatio?
  public var verdict: Verdict
  /// Why it was chosen or rejected.
  public var reason: String
  /// Whether no other candidate is at least as good in size, time and accuracy and better in one.
  public var isOnFront = false
  /// Where the model lies, for candidates on the front of a search with a work folder.
  public var path: String?

  public var accuracy: Double? { comparison.map { Double($0.candidateCorrect) / Double($0.images) } }
  public var agreement: Proportion? { comparison?.agreement }
}

/// What quantizing one layer alone costs.
public struct LayerSensitivity: Sendable, Hashable {
  /// The layer's output value.
  public var layer: String
  public var opType: String
  /// Share of the parameters of all layers that can be quantized.
  public var parameterShare: Double
  /// Of the model's scores on calibration samples with only this layer in INT8, decibel; lower hurts more.
  public var sqnr: Double
}

/// Outcome of ``Optimizer/run(_:)``; every figure is measured in this run.
public struct OptimizationResult: Sendable {
  /// The model to write: the best variant, or the folded FP32 model when none helps.
  public var model: Model
  /// The original with the exact passes applied.
  public var foldedModel: Model
  /// Whether ``model`` computes something else than the original (quantized, pruned ...).
  public var isApproximate: Bool
  public var originalBytes: Int
  /// Serialised size of ``model``.
  public var optimizedBytes: Int
  /// Original time over optimized time with its 95% interval, batch as in ``originalLatency``.
  public var speedup: SpeedRatio
  public var originalLatency: LatencySummary
  public var optimizedLatency: LatencySummary
  /// Original against optimized on the evaluation samples.
  public var comparison: PairedComparison
  /// Whether the labels of the data judged; otherwise "correct" means the original's own prediction.
  public var isLabelled: Bool
  /// False when there was no data: nothing is known of the accuracy.
  public var isJudged: Bool
  public var evaluationImages: Int
  public var calibrationImages: Int
  /// In words, in the order applied.
  public var techniques: [String]
  public var passes: [PassRecord]
  /// Largest difference between the scores of the folded and the original model, relative to the largest score.
  public var foldingDifference: Double
  public var candidates: [OptimizationCandidate]
  /// Empty when not measured; most sensitive first.
  public var sensitivity: [LayerSensitivity]
  /// Why variants that should be faster are not, from the engine's profile.
  public var explanations: [String]
  /// Engines and session options tried with ``model``; nil when not asked for.
  public var engineChoice: EngineChoice?
  /// What a reader must know to judge the figures.
  public var notes: [String]
  public var elapsed: Duration

  /// Share of the original bytes that is gone.
  public var sizeReduction: Double { 1 - Double(optimizedBytes) / Double(max(originalBytes, 1)) }
  public var originalAccuracy: Double { Double(comparison.originalCorrect) / Double(comparison.images) }
  public var optimizedAccuracy: Double { Double(comparison.candidateCorrect) / Double(comparison.images) }
  public var agreement: Proportion { comparison.agreement }
}
