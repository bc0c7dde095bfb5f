import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime
import ScopeStatistics
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct SessionTests {
  let engine: Engine
  init() throws { engine = try Engine.load(path: OnnxRuntimeLibrary.path) }

  static let input = HostArray((0..<192).map { Float($0) / 192 }, [1, 3, 8, 8])

  func model(_ name: String) throws -> Model {
    try ONNXReader.read(try ByteSlice(mappingFile: Fixture.path("onnx/\(name)")))
  }

  @Test func libraryReportsItsVersion() { #expect(engine.version.hasPrefix("1.")) }

  /// Expected values are those of the onnx package's reference evaluator.
  @Test(arguments: ["opset7.onnx", "opset11.onnx", "opset13.onnx", "opset17.onnx"])
  func resultsAgreeWithTheReferenceEvaluator(name: String) throws {
    let expected = try JSONDecoder().decode(
      [Float].self, from: Data(contentsOf: URL(filePath: Fixture.path("onnx/opset.json"))))
    let session = try Session(engine: engine, model: try model(name), options: .init(threads: 1))
    #expect(session.inputs.map(\.name) == ["x"])
    #expect(session.outputs[0].shape == [1, 4])
    let result = try session.run(["x": Self.input])
    for (found, wanted) in zip(try #require(result["y"]).floats, expected) {
      #expect(abs(found - wanted) < 1e-5)
    }
  }

  @Test func pixelInputNormalises() throws {
    let plain = try Session(engine: engine, model: try model("opset17.onnx"))
    let pixels = try Session(
      engine: engine,
      model: try model("opset17.onnx").takingPixels(mean: [0.1, 0.2, 0.3], standardDeviation: [0.5, 1, 2]))
    var normalized = Self.input.floats
    for index in normalized.indices {
      let channel = index / 64
      normalized[index] = (normalized[index] - [0.1, 0.2, 0.3][channel]) / [0.5, 1, 2][channel]
    }
    let wanted = try #require(try plain.run(["x": HostArray(normalized, [1, 3, 8, 8])])["y"]).floats
    let found = try #require(try pixels.run(["x": Self.input])["y"]).floats
    for (a, b) in zip(found, wanted) { #expect(abs(a - b) < 1e-5) }
  }

  @Test func mistakesAreNamed() throws {
    let session = try Session(engine: engine, model: try model("opset17.onnx"))
    #expect(throws: ScopeError.self) { try session.run(["nope": Self.input]) }
    #expect(throws: ScopeError.self) { try session.run(["x": Self.input], fetch: ["nope"]) }
    #expect(throws: ScopeError.self) { try session.run(["x": HostArray([1, 2] as [Float], [1, 3, 8, 8])]) }
    let error = #expect(throws: ScopeError.self) {
      try session.run(["x": HostArray([1, 2] as [Float], [2])])
    }
    #expect(error?.code == .engineFailure)
    #expect(throws: ScopeError.self) { try Session(engine: engine, modelBytes: ByteSlice([1, 2, 3])) }
  }

  @Test func profileNamesTheOperators() throws {
    let prefix = FileManager.default.temporaryDirectory.appending(path: "neural-scope-test-\(UUID())").path()
    let session = try Session(
      engine: engine, model: try model("opset17.onnx"),
      options: .init(optimization: .none, profilePrefix: prefix))
    _ = try session.run(["x": Self.input])
    let events = try session.endProfiling()
    #expect(Set(events.map(\.opType)).isSuperset(of: ["Conv", "Relu", "GlobalAveragePool", "Flatten"]))
    #expect(events.contains { $0.nodeName == "conv" })
    #expect(events.allSatisfy { $0.microseconds >= 0 })
  }

  @Test func latencyStatesItsConditions() throws {
    let session = try Session(engine: engine, model: try model("opset17.onnx"), options: .init(threads: 1))
    let plan = LatencyBenchmark.Plan(budget: .milliseconds(50), minimumSamples: 5, maximumSamples: 30)
    let summary = try LatencyBenchmark.measure(session, feeds: ["x": Self.input], batch: 1, plan: plan)
    #expect(summary.threads == 1)
    #expect((5...30).contains(summary.samples.count))
    #expect(summary.p90Milliseconds == nil, "90th percentile needs 64 samples")
    let pair = try LatencyBenchmark.interleaved(
      [session, session], feeds: [["x": Self.input], ["x": Self.input]], batch: 1, plan: plan)
    #expect(pair[0].samples.count == pair[1].samples.count)
  }
}

@Suite struct SpeedRatioTests {
  @Test func ratioIsTakenRoundByRound() {
    let slow = LatencySummary(samples: [2, 4, 6, 8], warmUpRuns: 1, threads: 1, batch: 1)
    let fast = LatencySummary(samples: [1, 2, 3, 4], warmUpRuns: 1, threads: 1, batch: 1)
    #expect(LatencyBenchmark.ratio(slow, over: fast).ratio == 2)
  }
}
