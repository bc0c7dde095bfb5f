import ScopeBytes

/// Finds the engine, the thread count and the session options that run a model fastest on this machine.
///
/// Every configuration meets the one it is to beat in turn, run by run in one process, so that a drift of the machine
/// meets both. It wins only where the 95% interval of their ratio lies above 1 and the gain is at least
/// ``worthwhile``. As many are tried, one may win by chance: the winner has to beat its engine's default again, in
/// fresh runs, or the default stays.
public enum SessionTuner {
  public struct Request: Sendable {
    /// A serialised ONNX model without external data.
    public var modelBytes: ByteSlice
    public var feeds: [String: HostArray]
    public var batch = 1
    public var engines: LoadedEngines
    /// Threads of the defaults; 0 takes every core.
    public var threads = 0
    /// Whether other thread counts are tried: 1, 2, 4 ... and every core.
    public var triesThreadCounts = true
    /// Time for everything, loading included; what does not fit is listed as not measured.
    public var budget = Duration.seconds(10)
    /// The largest difference of outputs that is rounding: of ``SessionTuning/Row/difference``. Nil takes 1e-3, and
    /// 0.1 for quantized models, in which one different rounding moves a value by a step.
    public var tolerance: Double?

    public init(modelBytes: ByteSlice, feeds: [String: HostArray], engines: LoadedEngines) {
      self.modelBytes = modelBytes
      self.feeds = feeds
      self.engines = engines
    }
  }

  /// A gain below this is not worth a setting that has to be deployed.
  public static let worthwhile = 1.02
  /// Fewer rounds say nothing: the interval of a median needs them.
  static let minimumRounds = 8

  /// - Throws: when ONNX Runtime cannot run the model as it is; failures of other configurations are in the result.
  public static func tune(_ request: Request) throws(ScopeError) -> SessionTuning {
    var run = try TuningRun(request)
    try run.tune(.onnxRuntime)
    if request.engines.openVINO != nil {
      // The candidate engine may fail on a model; that is a result.
      do throws(ScopeError) { try run.tune(.openVINO) } catch { run.fail(.openVINO, error) }
    }
    return try run.finish()
  }

  /// 1, 2, 4 ... and every core.
  package static func threadCounts(cores: Int) -> [Int] {
    var counts: [Int] = []
    var count = 1
    while count < cores {
      counts.append(count)
      count *= 2
    }
    return counts + [max(cores, 1)]
  }

  /// What a ratio says.
  package static func verdict(_ ratio: SpeedRatio) -> SessionTuning.Verdict {
    guard ratio.rounds >= minimumRounds else { return .noDifference }
    if ratio.interval.lowerBound > 1, ratio.ratio >= worthwhile { return .faster }
    return ratio.interval.upperBound < 1 ? .slower : .noDifference
  }

  /// Largest difference over the largest magnitude of the reference, per output, the largest of them; for outputs that
  /// are not float32, the share of elements that differ. Infinite when names or shapes differ, or a value is no number
  /// in one of them only.
  package static func difference(_ found: [String: HostArray], from reference: [String: HostArray]) -> Double
  {
    guard found.count == reference.count else { return .infinity }
    var largest = 0.0
    for (name, wanted) in reference {
      guard let array = found[name], array.dimensions == wanted.dimensions, array.dataType == wanted.dataType
      else { return .infinity }
      largest = max(largest, difference(array, wanted))
    }
    return largest
  }

  private static func difference(_ found: HostArray, _ wanted: HostArray) -> Double {
    func share<Element: Equatable>(_ a: [Element], _ b: [Element]) -> Double {
      a.isEmpty ? 0 : Double(zip(a, b).count { $0 != $1 }) / Double(a.count)
    }
    switch (found.values, wanted.values) {
    case (.float32(let a), .float32(let b)):
      var distance: Float = 0
      var magnitude: Float = 0
      for (x, y) in zip(a, b) where x != y && !(x.isNaN && y.isNaN) {
        let apart = abs(x - y)
        if apart.isNaN { return .infinity }
        distance = max(distance, apart)
      }
      for y in b where y.isFinite { magnitude = max(magnitude, abs(y)) }
      return distance == 0 ? 0 : Double(distance) / Double(magnitude)
    case (.float64(let a), .float64(let b)): return share(a, b)
    case (.int64(let a), .int64(let b)): return share(a, b)
    case (.int32(let a), .int32(let b)): return share(a, b)
    case (.uint8(let a), .uint8(let b)): return share(a, b)
    case (.int8(let a), .int8(let b)): return share(a, b)
    case (.bool(let a), .bool(let b)): return share(a, b)
    case (.other(_, let a), .other(_, let b)): return share(a, b)
    default: return .infinity
    }
  }
}
