import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime
import ScopeStatistics
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: OpenVINOLibrary.isPresent, "\(OpenVINOLibrary.reason)"))
struct OpenVINOSessionTests {
  let engine: OpenVINOEngine
  init() throws { engine = try #require(OpenVINOLibrary.engine) }

  func session(_ name: String, _ options: OpenVINOOptions = .init(threads: 1)) throws -> OpenVINOSession {
    try OpenVINOSession(engine: engine, modelBytes: try EngineFixture.bytes(name), options: options)
  }

  @Test func libraryReportsItsVersion() {
    #expect(engine.version.hasPrefix("20"))
    #expect(engine.version.allSatisfy { $0.isNumber || $0 == "." })
  }

  /// Expected values are those of the onnx package's reference evaluator.
  @Test(arguments: ["opset7.onnx", "opset11.onnx", "opset13.onnx", "opset17.onnx"])
  func floatResultsAgreeWithTheReferenceEvaluator(name: String) throws {
    let expected = try JSONDecoder().decode(
      [Float].self, from: Data(contentsOf: URL(filePath: Fixture.path("onnx/opset.json"))))
    let session = try session("onnx/\(name)")
    #expect(session.inputs.map(\.name) == ["x"])
    #expect(session.outputs[0].shape == [1, 4])
    #expect(session.threads == 1)
    let found = try #require(try session.run(["x": SessionTests.input])["y"]).floats
    #expect(found.count == expected.count)
    for (found, wanted) in zip(found, expected) { #expect(abs(found - wanted) < 1e-5) }
  }

  /// Of any batch, with weights that no processor's 8-bit products saturate on.
  @Test func quantizedResultsAgreeWithTheReferenceEvaluator() throws {
    let golden = try EngineFixture.golden().quantized
    let session = try session("engines/quantized.onnx")
    #expect(session.inputs[0].shape == Shape([.symbolic("N"), .known(3), .known(12), .known(12)]))
    let feeds = try EngineFixture.images(3)
    let found = try #require(try session.run(feeds)["scores"])
    #expect(found.dimensions == [3, 10])
    let largest = golden.scores.map(abs).max() ?? 0
    // One rounding the other way moves a score by less than a step of the last activation times a weight.
    for (a, b) in zip(found.floats, golden.scores) { #expect(abs(a - b) < 0.02 * largest) }
    // The same sessions at other batches, in any order.
    for batch in [1, 5, 2] {
      let array = try #require(try session.run(try EngineFixture.images(batch))["scores"])
      #expect(array.dimensions == [batch, 10])
      for (a, b) in zip(array.floats, found.floats) { #expect(abs(a - b) < 1e-4 * largest) }
    }
  }

  @Test func everyElementTypeArrives() throws {
    let golden = try EngineFixture.golden().types
    let session = try session("engines/types.onnx")
    let types: [String: DataType] = [
      "gathered": .float32, "positive": .bool, "largest": .int64, "total": .float32, "codes": .uint8,
      "half": .float16, "widened": .int32, "inverted": .bool,
    ]
    for output in session.outputs { #expect(output.dataType == types[output.name], "\(output.name)") }
    let found = try session.run(EngineFixture.typeFeeds)
    #expect(Set(found.keys) == Set(golden.keys))
    for (name, wanted) in golden {
      let array = try #require(found[name])
      #expect(array.dimensions == wanted.dimensions, "\(name)")
      #expect(array.numbers == wanted.values, "\(name)")
    }
    #expect(try session.run(EngineFixture.typeFeeds, fetch: ["largest"]).keys.sorted() == ["largest"])
  }

  @Test func shapesCanBeFixed() throws {
    let feeds = try EngineFixture.images(2)
    let fixed = try session(
      "engines/quantized.onnx", .init(threads: 1, shapes: ["x": try #require(feeds["x"]).dimensions]))
    #expect(fixed.inputs[0].shape == [2, 3, 12, 12])
    #expect(fixed.outputs[0].shape == [2, 10])
    let free = try session("engines/quantized.onnx")
    let a = try #require(try fixed.run(feeds)["scores"]).floats
    let b = try #require(try free.run(feeds)["scores"]).floats
    for (a, b) in zip(a, b) { #expect(abs(a - b) < 1e-4) }
    #expect(throws: ScopeError.self) { try fixed.run(try EngineFixture.images(3)) }
    // A run that failed does not spoil the next.
    #expect(try fixed.run(feeds)["scores"]?.floats == a)
    #expect(throws: ScopeError.self) { try session("engines/quantized.onnx", .init(shapes: ["y": [1]])) }
    #expect(throws: ScopeError.self) { try session("engines/quantized.onnx", .init(shapes: ["x": [-1]])) }
    #expect(throws: ScopeError.self) { try session("engines/quantized.onnx", .init(shapes: ["x": [1, 2]])) }
  }

  @Test func mistakesAreNamed() throws {
    let session = try session("onnx/opset17.onnx")
    #expect(throws: ScopeError.self) { try session.run(["nope": SessionTests.input]) }
    #expect(throws: ScopeError.self) { try session.run(["x": SessionTests.input], fetch: ["nope"]) }
    #expect(throws: ScopeError.self) { try session.run([:]) }
    #expect(throws: ScopeError.self) { try session.run(["x": HostArray([1, 2] as [Float], [1, 3, 8, 8])]) }
    #expect(throws: ScopeError.self) { try session.run(["x": HostArray([1, 2] as [Float], [-1, -2])]) }
    let error = #expect(throws: ScopeError.self) {
      try session.run(["x": HostArray([1, 2] as [Float], [2])])
    }
    #expect(error?.code == .engineFailure)
    #expect(error?.place == "input 'x'")
    #expect(error?.message.hasPrefix("OpenVINO: ") == true)
    #expect(error?.message.contains("src/") == false, "\(error?.message ?? "")")
    let wrongType = HostArray(.int32([Int32](repeating: 0, count: 192)), [1, 3, 8, 8])
    #expect(throws: ScopeError.self) { try session.run(["x": wrongType]) }
    let property = #expect(throws: ScopeError.self) {
      try self.session("onnx/opset17.onnx", .init(configuration: ["NO_SUCH_PROPERTY": "1"]))
    }
    #expect(property?.message.contains("NO_SUCH_PROPERTY") == true)
    let many = Dictionary(uniqueKeysWithValues: (0..<20).map { ("P\($0)", "1") })
    #expect(throws: ScopeError.self) { try self.session("onnx/opset17.onnx", .init(configuration: many)) }
  }

  /// Truncated at many bytes, garbage, other formats, data outside, operators that OpenVINO has not.
  @Test func badModelsAreErrors() throws {
    let whole = try EngineFixture.bytes("engines/quantized.onnx").array
    for count in stride(from: 0, to: whole.count, by: 211) {
      #expect(throws: ScopeError.self) {
        try OpenVINOSession(engine: engine, modelBytes: ByteSlice(Array(whole[..<count])))
      }
    }
    // Any byte may be wrong: an error or a model, no crash.
    for index in stride(from: 3, to: whole.count, by: 401) {
      var broken = whole
      broken[index] ^= 0x55
      _ = try? OpenVINOSession(engine: engine, modelBytes: ByteSlice(broken))
    }
    let other = "<?xml version=\"1.0\"?><net name=\"x\" version=\"11\"><layers></layers></net>"
    #expect(throws: ScopeError.self) {
      try OpenVINOSession(engine: engine, modelBytes: ByteSlice(Array(other.utf8)))
    }
    let outside = #expect(throws: ScopeError.self) { try session("onnx/external.onnx") }
    #expect(outside?.code == .unsupported)
    let custom = #expect(throws: ScopeError.self) { try session("onnx/subgraphs.onnx") }
    #expect(custom?.code == .engineFailure)
    #expect(custom?.message.contains("Custom") == true)
  }

  @Test func wrongLibrariesAreNamed() throws {
    #expect(throws: ScopeError.self) { try OpenVINOEngine.load(path: "/nowhere/libopenvino_c.so") }
    // A library, but not this one.
    let beside = (engine.path as NSString).deletingLastPathComponent
    let names = try FileManager.default.contentsOfDirectory(atPath: beside)
    let tbb = try #require(names.first { $0.hasPrefix("libtbb.so") })
    let error = #expect(throws: ScopeError.self) { try OpenVINOEngine.load(path: "\(beside)/\(tbb)") }
    #expect(error?.code == .engineUnavailable)
    #expect(error?.message.contains("ov_") == true)
    #expect(error?.remedy?.contains("--openvino PATH") == true)
  }

  @Test func runsMayOverlap() async throws {
    let session = try session("engines/quantized.onnx", .init(threads: 2))
    let alone = try (1...4).map {
      try #require(try session.run(try EngineFixture.images($0))["scores"]).floats
    }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<64 {
        group.addTask {
          let scores = try session.run(try EngineFixture.images(index % 4 + 1))["scores"]
          return scores?.floats == alone[index % 4]
        }
      }
      for try await isSame in group { #expect(isSame) }
    }
  }

  /// Sessions and runs that are over leave nothing behind. What is measured is the whole process, so other tests must not
  /// run beside it.
  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["NEURAL_SCOPE_MEMORY_TESTS"] != nil,
      "measures the whole process; run it alone with NEURAL_SCOPE_MEMORY_TESTS=1"))
  func memoryIsReturned() throws {
    let bytes = try EngineFixture.bytes("engines/quantized.onnx")
    let feeds = try EngineFixture.images(1)
    func sessions(_ count: Int) throws {
      for _ in 0..<count {
        let session = try OpenVINOSession(engine: engine, modelBytes: bytes, options: .init(threads: 1))
        _ = try session.run(feeds)
      }
    }
    try sessions(30)
    let before = try #require(ProcessMemory.resident)
    try sessions(60)
    let grown = try #require(ProcessMemory.resident) - before
    #expect(grown < 6 << 20, "60 sessions left \(grown) bytes")

    let session = try OpenVINOSession(engine: engine, modelBytes: bytes, options: .init(threads: 1))
    func runs(_ count: Int) throws { for _ in 0..<count { _ = try session.run(feeds) } }
    try runs(1000)
    let beforeRuns = try #require(ProcessMemory.resident)
    try runs(20_000)
    let grownByRuns = try #require(ProcessMemory.resident) - beforeRuns
    #expect(grownByRuns < 1 << 20, "20,000 runs left \(grownByRuns) bytes")
  }

  /// The processor affinity of the caller's thread stays: what is timed beside a session is not confined by it.
  @Test func threadsOfTheCallerAreNotPinned() throws {
    func allowed() -> Substring? {
      (try? String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8))?
        .split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list") }
    }
    let before = try #require(allowed())
    let session = try session("engines/quantized.onnx", .init(threads: 2))
    _ = try session.run(try EngineFixture.images(1))
    #expect(allowed() == before)
  }
}

@Suite struct OpenVINOMessageTests {
  @Test func placesInTheSourceAreLeftOut() {
    let message = """
      Exception from src/inference/src/cpp/core.cpp:105:
      Exception from src/inference/src/model_reader.cpp:188:
      Unable to read the model. Please check it.

      """
    #expect(OpenVINOEngine.readable(message) == "Unable to read the model. Please check it.")
    let check = "Check 'a.b(c)' failed at src/x.cpp:385:"
    #expect(OpenVINOEngine.readable(check + " No: this one.") == "No: this one.")
    #expect(OpenVINOEngine.readable(check + "\n") == "Check 'a.b(c)' failed")
    #expect(OpenVINOEngine.readable("") == "")
    #expect(OpenVINOEngine.readable(String(repeating: "x", count: 5000)).count < 510)
  }

  @Test func floatModelsComputeInFloat32() {
    let properties = Dictionary(uniqueKeysWithValues: OpenVINOOptions(threads: 3).properties.map { ($0, $1) })
    #expect(properties["INFERENCE_PRECISION_HINT"] == "f32")
    #expect(properties["INFERENCE_NUM_THREADS"] == "3")
    #expect(properties["NUM_STREAMS"] == "1")
    let own = OpenVINOOptions(configuration: ["NUM_STREAMS": "2"]).properties
    #expect(own.first { $0.key == "NUM_STREAMS" }?.value == "2")
  }
}
