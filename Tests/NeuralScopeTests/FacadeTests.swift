import NeuralScope
import ScopeBytes
import ScopeGraph
import ScopeReport
import ScopeRuntime
import TestSupport
import Testing

@Suite struct FacadeTests {
  @Test func structureNeedsNeitherEngineNorData() throws {
    let report = try NeuralScope.analyze(model: Fixture.path("onnx/opset17.onnx"), run: false)
    #expect(report.analysis?.macs?.value == 6912)
    #expect(report.analysis?.latency == nil)
    #expect(report.notMeasured.contains { $0.path == "analysis.latency" })
    #expect(report.model.sha256 == nil, "hashing would read the whole file")
  }

  @Test func aMissingEngineLeavesTheRestOfTheReport() throws {
    var options = ScopeOptions()
    options.enginePath = "/nonexistent/libonnxruntime.so"
    let report = try NeuralScope.report(model: Fixture.path("onnx/opset17.onnx"), options: options)
    #expect(report.analysis?.parameters.value == 108)
    #expect(report.security?.verdict == .safe)
    #expect(report.optimization == nil)
    #expect(report.robustness == nil)
    for path in ["analysis.latency", "optimization", "robustness"] {
      #expect(report.notMeasured.contains { $0.path == path && !$0.remedy.isEmpty }, "\(path)")
    }
    #expect(report.conclusion?.decision == .doNotShipYet)
  }

  /// IR version 14 is newer than ONNX Runtime 1.31 loads.
  @Test(.enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
  func aModelTheEngineRefusesIsStillDescribed() throws {
    var options = ScopeOptions()
    options.enginePath = OnnxRuntimeLibrary.path
    for report in [
      try NeuralScope.analyze(model: Fixture.path("onnx/functions.onnx"), options: options),
      try NeuralScope.report(model: Fixture.path("onnx/functions.onnx"), options: options),
    ] {
      #expect(report.analysis?.graphNodes != nil)
      let missing = report.notMeasured.first { $0.path == "analysis.latency" }
      #expect(report.analysis?.latency != nil || missing?.reason.contains("ONNX Runtime") == true)
    }
  }

  @Test func wrongAttacksAreRefusedBeforeAnythingRuns() {
    var options = ScopeOptions()
    options.attack.epsilons = "1/0"
    let error = #expect(throws: ScopeError.self) {
      try NeuralScope.report(model: "/nonexistent.onnx", options: options)
    }
    #expect(error?.code == .invalidArgument)
  }

  @Test func weightsWithoutAGraphSayHowToBecomeExecutable() throws {
    let report = try NeuralScope.report(
      model: Fixture.path("formats/state.safetensors"), options: ScopeOptions())
    #expect(report.robustness == nil)
    let remedy = try #require(report.notMeasured.first { $0.path == "robustness" }?.remedy)
    #expect(remedy.contains("torch.onnx.export"))
    let error = #expect(throws: ScopeError.self) {
      try NeuralScope.optimize(model: Fixture.path("formats/state.safetensors"), options: ScopeOptions())
    }
    #expect(error?.code == .unsupported)
    #expect(error?.remedy?.contains("torch.onnx.export") == true)
  }
}

@Suite struct SampleInputsTests {
  func model(_ shape: Shape, _ dataType: DataType = .float32) -> Model {
    Model(graph: Graph(name: "g", inputs: [ValueInfo(name: "x", dataType: dataType, shape: shape)]))
  }

  @Test func anOpenBatchIsOne() throws {
    let feeds = try SampleInputs.make(model(Shape([.symbolic("batch"), .known(2), .known(3)])))
    let array = try #require(feeds["x"])
    #expect(array.dimensions == [1, 2, 3])
    #expect(array.floats.allSatisfy { (0..<1).contains($0) })
    #expect(Set(array.floats).count == 6, "values differ")
  }

  @Test func otherOpenSizesAreAssumedAndStated() throws {
    let text = try SampleInputs.prepare(
      model(Shape([.symbolic("batch"), .symbolic("length")]), .int64), shapes: [:])
    #expect(text.feeds["x"]?.dimensions == [1, SampleInputs.sequenceLength])
    #expect(text.assumptions == ["length of x = 128"])
    let image = try SampleInputs.prepare(
      model(Shape([.unknown, .unknown, .unknown, .known(32)])), shapes: [:])
    #expect(image.feeds["x"]?.dimensions == [1, 3, SampleInputs.imageSize, 32])
    #expect(image.assumptions == ["size 1 of x = 3", "size 2 of x = 224"])
    #expect(throws: ScopeError.self) { try SampleInputs.make(model(Shape([1 << 40]))) }
  }

  @Test func givenShapesComeFirstAndNamesAreShared() throws {
    let open = Shape([.symbolic("batch"), .symbolic("length")])
    var graph = Graph(
      name: "g",
      inputs: [
        ValueInfo(name: "ids", dataType: .int64, shape: open),
        ValueInfo(name: "attention_mask", dataType: .int64, shape: open),
      ])
    graph.initializers = ["table": .floats([Float](repeating: 0, count: 20), [10, 2])]
    graph.nodes = [Node("Gather", inputs: ["table", "ids"], outputs: ["e"])]
    let made = try SampleInputs.prepare(Model(graph: graph), shapes: ["ids": [2, 16]])
    #expect(made.feeds["attention_mask"]?.dimensions == [2, 16])
    #expect(made.assumptions.isEmpty)
    guard case .int64(let ids)? = made.feeds["ids"]?.values,
      case .int64(let mask)? = made.feeds["attention_mask"]?.values
    else { throw ScopeError(.invalidData, "no integers") }
    #expect(ids.allSatisfy { (0..<10).contains($0) })
    #expect(Set(ids).count > 5, "different rows are looked up")
    #expect(mask.allSatisfy { $0 == 1 })
    for wrong in [["other": Shape([1])], ["ids": Shape([1, 2, 3])]] {
      let error = #expect(throws: ScopeError.self) {
        try SampleInputs.prepare(Model(graph: graph), shapes: wrong)
      }
      #expect(error?.code == .invalidArgument)
    }
  }
}
