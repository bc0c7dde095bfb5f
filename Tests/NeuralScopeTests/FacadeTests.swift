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

@Suite struct NodeNamesTests {
  static let graph = Graph(
    name: "net",
    nodes: [
      Node("Conv", name: "conv", inputs: ["x", "w"], outputs: ["c"]),
      Node("BatchNormalization", name: "bn", inputs: ["c", "s", "b", "m", "v"], outputs: ["n"]),
      Node("Relu", name: "relu", inputs: ["n"], outputs: ["r"]),
      Node("GlobalAveragePool", inputs: ["r"], outputs: ["g"]),
    ])

  @Test(arguments: [("conv", 0), ("r_nchwc", 0), ("c", 0), ("g", 3)])
  func engineNamesLeadToTheirSource(name: String, index: Int) {
    #expect(NodeNames(Self.graph).source(of: name) == index)
  }

  @Test func unknownNamesHaveNoSource() { #expect(NodeNames(Self.graph).source(of: "reorder_7") == nil) }
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

  @Test func otherOpenSizesAreNamed() {
    let error = #expect(throws: ScopeError.self) {
      try SampleInputs.make(model(Shape([.known(1), .symbolic("length")])))
    }
    #expect(error?.message.contains("length") == true)
    #expect(throws: ScopeError.self) { try SampleInputs.make(model(Shape([1 << 40]))) }
  }
}
