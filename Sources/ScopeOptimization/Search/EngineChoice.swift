import ScopeBytes
import ScopeRuntime

/// Which engine and which of its options run the written model fastest here.
public struct EngineChoice: Sendable {
  public var tuning: SessionTuning

  /// Tunes the sessions of one model.
  static func measure(
    _ bytes: ByteSlice, _ bench: Workbench, budget: Duration
  ) throws(ScopeError) -> EngineChoice {
    let engines = LoadedEngines(onnxRuntime: bench.request.engine, openVINO: bench.request.openVINO)
    var request = SessionTuner.Request(modelBytes: bytes, feeds: bench.timingFeed.feed, engines: engines)
    request.batch = bench.timingFeed.batch
    request.threads = bench.request.threads
    // A thread count that the user chose is kept.
    request.triesThreadCounts = bench.request.threads == 0
    request.budget = budget
    return EngineChoice(tuning: try SessionTuner.tune(request))
  }
}
