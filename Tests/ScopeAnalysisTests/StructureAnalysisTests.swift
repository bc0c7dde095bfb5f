import ScopeAnalysis
import ScopeBytes
import ScopeGraph
import Testing

private func value(_ name: String, _ sizes: [Int]) -> ValueInfo {
  ValueInfo(name: name, dataType: .float32, shape: Shape(sizes))
}

struct StructureAnalysisTests {
  /// x[?,4] -> MatMul w[4,8] -> Add b -> Relu -> QDQ linear.
  private func model() -> Model {
    var graph = Graph(
      name: "g",
      inputs: [ValueInfo(name: "x", dataType: .float32, shape: Shape([.symbolic("batch"), .known(4)]))],
      outputs: [ValueInfo(name: "y", dataType: .float32, shape: nil)])
    graph.initializers = [
      "w": .floats([Float](repeating: 1, count: 32), [4, 8]),
      "b": .floats([Float](repeating: 1, count: 8), [8]),
      "q": .int8s([Int8](repeating: 1, count: 24), [8, 3]), "scale": .floats([0.1], []),
      "zero": .int8s([0], []),
      "shape": .int64s([-1, 8]), "dead": .floats([1, 2, 3], [3]),
    ]
    graph.nodes = [
      Node("MatMul", name: "fc1", inputs: ["x", "w"], outputs: ["h"]),
      Node("Identity", inputs: ["b"], outputs: ["b2"]),
      Node("Add", inputs: ["h", "b2"], outputs: ["a"]),
      Node("Relu", name: "act", inputs: ["a"], outputs: ["r"]),
      Node("Reshape", inputs: ["r", "shape"], outputs: ["r2"]),
      Node("DequantizeLinear", inputs: ["q", "scale", "zero"], outputs: ["wq"]),
      Node("MatMul", name: "fc2", inputs: ["r2", "wq"], outputs: ["y"]),
    ]
    return Model(graph: graph)
  }

  @Test func countsWhatIsAParameterAndWhatIsNot() throws {
    let analysis = try StructureAnalysis.analyze(model: model())
    #expect(analysis.parameters.storedCount == 32 + 8 + 24)
    // The alias b2 names the eight biases a second time.
    #expect(analysis.parameters.logicalCount == 32 + 8 + 24 + 8)
    #expect(analysis.parameters.byType[.int8] == 24)
    #expect(analysis.parameters.byType[.float32] == 40)
    #expect(analysis.parameters.bytes == 40 * 4 + 24)
    #expect(analysis.parameters.constantCount == 1 + 1 + 2)
    #expect(analysis.parameters.unusedNames == ["dead"])
    #expect(analysis.weightLayers.map(\.nodeName) == ["fc1", "fc2"])
    #expect(analysis.architecture?.family == .perceptron)
  }

  @Test func countsArithmeticOnceAndApart() throws {
    let analysis = try StructureAnalysis.analyze(model: model())
    #expect(analysis.operations.macs == 32 + 24)
    #expect(analysis.operations.otherOperations == 8 + 8)
    #expect(analysis.operations.isComplete)
    #expect(analysis.operations.nodesNotCounted == 0)
    #expect(analysis.assumptions.count == 1)
    let batch = try StructureAnalysis.analyze(model: model(), bindings: ["x": [16, 4]])
    #expect(batch.operations.macs == 16 * 56)
    #expect(batch.assumptions.isEmpty)
    #expect(batch.outputs.first?.shape == [16, 3])
  }

  @Test func workIsToldApartByKindAndAsAFunctionOfTheBatch() throws {
    let analysis = try StructureAnalysis.analyze(model: model())
    #expect(analysis.macsFormula?.count.description == "56*batch")
    #expect(analysis.macsFormula?.text == "56 x N")
    #expect(analysis.macsFormula?.explained == "56 x N, N = batch of x")
    #expect(analysis.operations.work[.elementwise]?.operations == 8)
    #expect(analysis.operations.work[.activation]?.operations == 8)
    #expect(analysis.operations.work[.activation]?.nodes == 1)
    #expect(analysis.openSizes.isEmpty)
  }

  /// Scores of every position with every other, under open batch and length.
  @Test func aLengthIsNotAssumed() throws {
    var graph = Graph(
      name: "g",
      inputs: [
        ValueInfo(
          name: "x", dataType: .float32,
          shape: Shape([.symbolic("batch"), .symbolic("sequence_length"), .known(8)]))
      ], outputs: [ValueInfo(name: "y", dataType: .float32, shape: nil)])
    graph.initializers["w"] = .floats([Float](repeating: 0, count: 64), [8, 8])
    graph.nodes = [
      Node("MatMul", name: "project", inputs: ["x", "w"], outputs: ["q"]),
      Node("Transpose", inputs: ["x"], outputs: ["t"], attributes: ["perm": .ints([0, 2, 1])]),
      Node("MatMul", name: "scores", inputs: ["q", "t"], outputs: ["y"]),
    ]
    let model = Model(graph: graph)
    let open = try StructureAnalysis.analyze(model: model)
    #expect(open.macsFormula?.text == "8 x N x L^2 + 64 x N x L")
    #expect(open.openSizes.map(\.name) == ["sequence_length"])
    #expect(open.openSizesExample == "--shape x=1x128x8")
    #expect(!open.operations.isComplete)
    #expect(open.nodesNotCounted.map(\.name) == ["project", "scores"])
    #expect(open.nodesNotCounted.first?.reason == "its work depends on sequence_length")
    let given = try StructureAnalysis.analyze(model: model, bindings: ["x": [1, 10, 8]])
    #expect(given.operations.macs == 8 * 100 + 64 * 10)
    #expect(given.operations.isComplete)
    #expect(given.macsFormula == nil)
  }

  @Test func activationsLiveUntilTheirLastUse() throws {
    let analysis = try StructureAnalysis.analyze(model: model())
    // h and a, or a and r: two times eight floats; the reshape is a view.
    #expect(analysis.activations.naive.bytes == 64)
    // In place only x and h, or r and y are there together.
    #expect(analysis.activations.inPlace.bytes == 48)
    #expect(analysis.activations.inPlace.nodeName == "fc1")
  }

  @Test func aValueNeededLaterIsNotOverwritten() throws {
    var graph = Graph(name: "g", inputs: [value("x", [1, 100])], outputs: [value("y", [1, 100])])
    graph.nodes = [
      Node("Exp", inputs: ["x"], outputs: ["a"]), Node("Relu", inputs: ["a"], outputs: ["b"]),
      Node("Add", inputs: ["a", "b"], outputs: ["y"]),
    ]
    let memory = ActivationMemory(graph, types: ShapeInference.infer(Model(graph: graph)))
    #expect(memory.naive.bytes == 1200)
    #expect(memory.inPlace.bytes == 800)
  }

  @Test func unknownNodesMakeTheTotalALowerBound() throws {
    var model = model()
    model.graph.nodes[3] = Node("Mystery", domain: "custom", inputs: ["a"], outputs: ["r"])
    let analysis = try StructureAnalysis.analyze(model: model)
    #expect(!analysis.operations.isComplete)
    #expect(analysis.operations.macs >= 32)
    #expect(analysis.operations.nodesNotCounted >= 1)
    #expect(analysis.unknownOperators["custom::Mystery"] == 1)
  }

  @Test func brokenGraphsAreRefused() {
    var model = model()
    model.graph.nodes[0].inputs[0] = "nowhere"
    #expect(throws: ScopeError.self) { try StructureAnalysis.analyze(model: model) }
  }
}
