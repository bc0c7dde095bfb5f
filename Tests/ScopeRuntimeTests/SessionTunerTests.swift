import ScopeBytes
import ScopeGraph
import ScopeRuntime
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct SessionTunerTests {
  let engine: Engine
  init() throws { engine = try Engine.load(path: OnnxRuntimeLibrary.path) }

  func request(_ budget: Duration, openVINO: OpenVINOEngine? = nil) throws -> SessionTuner.Request {
    var request = SessionTuner.Request(
      modelBytes: try EngineFixture.bytes("engines/quantized.onnx"), feeds: try EngineFixture.images(1),
      engines: LoadedEngines(onnxRuntime: engine, openVINO: openVINO))
    request.budget = budget
    return request
  }

  @Test func everyConfigurationHasARowWithEvidence() throws {
    let tuning = try SessionTuner.tune(try request(.seconds(2)))
    #expect(tuning.rows.first?.verdict == .baseline)
    #expect(
      tuning.rows.first?.configuration == EngineConfiguration(.onnxRuntime, threads: Machine.current.cores))
    let entries = Set(tuning.rows.flatMap(\.configuration.entries.keys))
    #expect(entries.isSuperset(of: ["session.set_denormal_as_zero", "session.qdqisint8allowed"]))
    #expect(!entries.contains { $0.contains("fastmath") })
    for row in tuning.rows {
      switch row.verdict {
      case .baseline: #expect(row.ratio == nil)
      case .faster: #expect(try #require(row.ratio).interval.lowerBound > 1)
      case .slower: #expect(try #require(row.ratio).interval.upperBound < 1)
      case .noDifference: #expect(row.ratio != nil)
      case .notMeasured: #expect(row.medianMilliseconds == nil)
      case .outputsDiffer, .failed: Issue.record("\(row.configuration.label): \(row.verdict)")
      }
      if let median = row.medianMilliseconds, let interval = row.medianInterval {
        #expect(interval.contains(median))
      }
    }
    // What is recommended was measured, and is the default unless it won twice.
    #expect(tuning.rows.contains { $0.configuration == tuning.best })
    #expect((tuning.best == tuning.rows[0].configuration) == (tuning.confirmedGain[.onnxRuntime] == nil))
    #expect(tuning.openVINOOverONNXRuntime == nil)
    #expect(tuning.elapsed < .seconds(8))
  }

  @Test func withoutTimeOnlyTheDefaultIsMeasured() throws {
    let tuning = try SessionTuner.tune(try request(.zero))
    #expect(tuning.best == tuning.rows[0].configuration)
    #expect(tuning.rows.dropFirst().allSatisfy { $0.verdict == .notMeasured })
  }

  @Test func aGivenThreadCountIsKept() throws {
    var request = try request(.milliseconds(300))
    request.threads = 1
    request.triesThreadCounts = false
    let tuning = try SessionTuner.tune(request)
    #expect(tuning.rows.allSatisfy { $0.configuration.threads == 1 && !$0.configuration.spinning })
  }

  @Test(.enabled(if: OpenVINOLibrary.isPresent, "\(OpenVINOLibrary.reason)"))
  func enginesAreComparedSideBySide() throws {
    let tuning = try SessionTuner.tune(try request(.seconds(2), openVINO: OpenVINOLibrary.engine))
    let ratio = try #require(tuning.openVINOOverONNXRuntime)
    #expect(ratio.interval.contains(ratio.ratio))
    let isFaster = SessionTuner.verdict(ratio) == .faster
    #expect(tuning.best.engine == (isFaster ? .openVINO : .onnxRuntime))
    #expect(tuning.best == tuning.bestByEngine[tuning.best.engine])
    #expect(tuning.rows.contains { $0.configuration.engine == .openVINO && !$0.configuration.shapes.isEmpty })
  }

  @Test(.enabled(if: OpenVINOLibrary.isPresent, "\(OpenVINOLibrary.reason)"))
  func anEngineThatCannotRunTheModelIsAResult() throws {
    var request = try request(.milliseconds(200), openVINO: OpenVINOLibrary.engine)
    // An operator of ONNX Runtime's own domain.
    request.modelBytes = try EngineFixture.bytes("engines/foreign.onnx")
    request.feeds = ["x": HostArray([1, 2, 3, 4, 5, 6] as [Float], [3, 2])]
    let tuning = try SessionTuner.tune(request)
    let row = try #require(tuning.rows.first { $0.configuration.engine == .openVINO })
    guard case .failed(let message) = row.verdict else {
      Issue.record("\(row.verdict)")
      return
    }
    #expect(message.hasPrefix("OpenVINO: "))
    #expect(tuning.best.engine == .onnxRuntime)
    #expect(tuning.openVINOOverONNXRuntime == nil)
  }

  @Test func blocksOfSessionsThatDisturbEachOther() throws {
    let bytes = try EngineFixture.bytes("engines/quantized.onnx")
    let feeds = try EngineFixture.images(1)
    let sessions = try [false, true].map {
      try Session(engine: engine, modelBytes: bytes, options: .init(threads: 2, allowSpinning: $0))
    }
    let summaries = try LatencyBenchmark.alternating(
      sessions, feeds: [feeds, feeds], batch: 1, budget: .zero, rest: .zero)
    #expect(summaries.map(\.samples.count) == [1, 1])
    #expect(summaries.allSatisfy { $0.medianMilliseconds > 0 })
  }
}

@Suite struct TuningEvidenceTests {
  func ratio(_ value: Double, _ interval: ClosedRange<Double>, rounds: Int = 50) -> SpeedRatio {
    SpeedRatio(ratio: value, interval: interval, rounds: rounds)
  }

  @Test func onlyACertainGainWins() {
    #expect(SessionTuner.verdict(ratio(1.2, 1.1...1.3)) == .faster)
    #expect(SessionTuner.verdict(ratio(1.2, 0.99...1.3)) == .noDifference)
    #expect(SessionTuner.verdict(ratio(1.01, 1.005...1.02)) == .noDifference, "not worth a setting")
    #expect(SessionTuner.verdict(ratio(0.8, 0.7...0.9)) == .slower)
    #expect(SessionTuner.verdict(ratio(2, 1.9...2.1, rounds: 5)) == .noDifference, "too few rounds")
  }

  @Test func threadCountsDoubleUpToEveryCore() {
    #expect(SessionTuner.threadCounts(cores: 1) == [1])
    #expect(SessionTuner.threadCounts(cores: 2) == [1, 2])
    #expect(SessionTuner.threadCounts(cores: 6) == [1, 2, 4, 6])
    #expect(SessionTuner.threadCounts(cores: 8) == [1, 2, 4, 8])
  }

  @Test func differencesAreRelativeToTheLargestMagnitude() {
    let reference = ["y": HostArray([0, -10, 5] as [Float], [3]), "n": HostArray([1, 2] as [Int64], [2])]
    func with(_ name: String, _ array: HostArray) -> [String: HostArray] {
      reference.merging([name: array]) { $1 }
    }
    #expect(SessionTuner.difference(reference, from: reference) == 0)
    #expect(
      abs(SessionTuner.difference(with("y", HostArray([0.5, -10, 5], [3])), from: reference) - 0.05) < 1e-9)
    #expect(SessionTuner.difference(with("n", HostArray([1, 3] as [Int64], [2])), from: reference) == 0.5)
    #expect(SessionTuner.difference(with("y", HostArray([.nan, -10, 5], [3])), from: reference) == .infinity)
    #expect(
      SessionTuner.difference(with("y", HostArray([0, -10] as [Float], [2])), from: reference) == .infinity)
    #expect(SessionTuner.difference([:], from: reference) == .infinity)
  }

  @Test func labelsSayWhatToSet() {
    var configuration = EngineConfiguration(.onnxRuntime, threads: 1)
    #expect(configuration.label == "ONNX Runtime, 1 thread")
    configuration.threads = 4
    configuration.spinning = true
    configuration.entries = ["session.dynamic_block_base": "4"]
    #expect(configuration.label == "ONNX Runtime, 4 threads, spinning, session.dynamic_block_base=4")
  }
}
