import ScopeBytes

/// What ``SessionTuner`` found.
public struct SessionTuning: Sendable {
  public enum Verdict: Sendable, Hashable {
    /// What its engine's other configurations are compared with.
    case baseline
    /// The 95% interval of the ratio lies above 1 and the gain is worth having.
    case faster
    /// The 95% interval of the ratio lies below 1.
    case slower
    /// The interval holds 1, or there were too few rounds to say.
    case noDifference
    /// Its outputs are further from the baseline's than ``SessionTuner/Request/tolerance``.
    case outputsDiffer
    /// The engine refused it.
    case failed(String)
    /// The time was over.
    case notMeasured
  }

  public struct Row: Sendable {
    public var configuration: EngineConfiguration
    /// Nil when it was not timed.
    public var medianMilliseconds: Double?
    /// 95% confidence interval of the median.
    public var medianInterval: ClosedRange<Double>?
    /// How many times faster than ``comparedWith``, measured side by side; nil for a baseline.
    public var ratio: SpeedRatio?
    public var comparedWith: EngineConfiguration?
    /// Largest difference of an output from ONNX Runtime's by default, over the largest magnitude there.
    public var difference: Double?
    public var verdict: Verdict
  }

  /// In the order measured.
  public var rows: [Row]
  /// By engine: its default, unless another was faster twice, in the comparison and in a fresh confirmation.
  public var bestByEngine: [EngineKind: EngineConfiguration]
  /// What to deploy: ONNX Runtime's best, unless OpenVINO's is faster with an interval above 1.
  public var best: EngineConfiguration
  /// How many times faster OpenVINO's best is than ONNX Runtime's best; nil when only one engine ran the model.
  public var openVINOOverONNXRuntime: SpeedRatio?
  /// By engine: how many times faster its best is than its default, from the confirmation's samples alone; none where
  /// the default is the best.
  public var confirmedGain: [EngineKind: SpeedRatio]
  public var elapsed: Duration
}
