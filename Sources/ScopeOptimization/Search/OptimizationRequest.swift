import ScopeGraph
import ScopeRuntime

/// What to optimize, on which data, within which limits.
public struct OptimizationRequest: Sendable {
  public var model: Model
  /// Size of the file the model came from.
  public var originalBytes: Int
  public var samples: SampleSet
  public var engine: Engine
  /// Threads inside an operator; 0 takes every core.
  public var threads = 0
  /// Every how many images one calibrates (5 holds out a fifth).
  public var calibrationStride = 5
  /// Most calibration images.
  public var calibrationLimit = 200
  /// Accuracy that may be lost on the evaluation images, as a fraction.
  public var maxAccuracyDrop = 0.01
  public var seed: UInt64 = 0
  /// Wall-clock aim for the whole search; effort adapts to it.
  public var timeBudget: Duration = .seconds(60)
  /// Called with a stage in words and the share of all work done.
  public var progress: @Sendable (_ stage: String, _ fraction: Double) -> Void = { _, _ in }

  public init(
    model: Model, originalBytes: Int, samples: SampleSet, engine: Engine
  ) {
    self.model = model
    self.originalBytes = originalBytes
    self.samples = samples
    self.engine = engine
  }
}
