import ScopeBytes
import ScopeRuntime

/// What approximate rewrites may look at: calibration samples, never the evaluation ones, and an engine to run.
public struct OptimizationContext: Sendable {
  public var samples: SampleSet
  /// Indices of the calibration samples.
  public var calibration: [Int]
  public var engine: Engine
  /// Threads inside an operator; 0 takes every core.
  public var threads = 0
  public var seed: UInt64 = 0
  /// When long work should end with what it has; nil has no limit.
  public var deadline: ContinuousClock.Instant?
  /// Called with a stage in words and the share of that stage done.
  public var progress: @Sendable (_ stage: String, _ fraction: Double) -> Void = { _, _ in }

  public init(samples: SampleSet, calibration: [Int], engine: Engine, threads: Int = 0, seed: UInt64 = 0) {
    self.samples = samples
    self.calibration = calibration
    self.engine = engine
    self.threads = threads
    self.seed = seed
  }

  var sessionOptions: SessionOptions { SessionOptions(threads: threads) }
  var isOverdue: Bool { deadline.map { ContinuousClock.now >= $0 } ?? false }
}
