import ScopeBytes
import ScopeFormats
import ScopeGradients
import ScopeGraph
import ScopeRuntime
import Testing

@Suite(.serialized) struct BackwardGraphTests {
  @Test(.enabled(if: engine != nil, engineReason), arguments: ["residual_opset9", "residual_fixed_batch"])
  func crossEntropyAgreesWithAutograd(_ name: String) throws {
    let engine = try #require(engine)
    let numbers = try GradientFixtures.numbers("residual.crossentropy")
    let count = 2 * 3 * 16 * 16
    let model = try DynamicBatch.rewrite(try GradientFixtures.model(name)).model
    let gradient = try BackwardGraph.inputGradient(of: model)
    #expect(gradient.classCount == 5)
    #expect(gradient.model.opset == 17)
    let session = try Session(engine: engine, model: gradient.model, options: .init(threads: 1))
    let results = try session.run([
      gradient.imageInput: HostArray(Array(numbers.prefix(count)), [2, 3, 16, 16]),
      gradient.labelsInput: HostArray([Int64(1), 3], [2]),
    ])
    let loss = try #require(gradient.lossOutput.flatMap { results[$0] }).floats
    let found = try #require(results[gradient.gradientOutput]).floats
    #expect(relativeError(loss, Array(numbers[count..<(count + 2)])) < 1e-5)
    #expect(relativeError(found, Array(numbers.suffix(count))) < 2e-5)
  }

  @Test func refusesAnUnknownOperatorByName() throws {
    var model = try GradientFixtures.model("relu")
    model.graph.nodes[0] = Node("NotAnOperator", name: "mystery", inputs: ["x"], outputs: ["y"])
    let error = #expect(throws: ScopeError.self) {
      try BackwardGraph.inputGradient(of: model, loss: .weightedSum)
    }
    #expect(error?.code == .unsupported)
    #expect(error?.place?.contains("mystery") == true)
    #expect(error?.remedy != nil)
  }

  @Test func refusesAnOutputThatDoesNotDependOnTheImage() throws {
    var model = try GradientFixtures.model("relu")
    model.graph.nodes[0] = Node("Shape", inputs: ["x"], outputs: ["y"])
    #expect(throws: ScopeError.self) { try BackwardGraph.inputGradient(of: model) }
  }

  @Test func refusesAnythingButClassScores() throws {
    let error = #expect(throws: ScopeError.self) {
      try BackwardGraph.inputGradient(of: try GradientFixtures.model("conv_unit"))
    }
    #expect(error?.code == .unsupported)
  }

  @Test func readsTheLossBeforeTheFinalSoftmax() throws {
    var model = try GradientFixtures.model("residual_opset9")
    model.graph.nodes.append(Node("Softmax", inputs: ["y"], outputs: ["probabilities"]))
    model.graph.outputs = [ValueInfo(name: "probabilities", dataType: .float32, shape: nil)]
    let gradient = try BackwardGraph.inputGradient(of: model)
    #expect(!gradient.model.graph.nodes.contains { $0.opType == "Softmax" })
  }

  @Test func estimatesActivationsPerImage() throws {
    // x [N, 3, 4] through Relu: 12 floats.
    let gradient = try BackwardGraph.inputGradient(of: try GradientFixtures.model("relu"), loss: .weightedSum)
    #expect(gradient.activationBytesPerImage == 48)
  }
}
