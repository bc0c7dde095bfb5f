import ScopeBytes
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

/// Rewrites that must not change what the engine computes.
@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.path != nil, "needs ONNX Runtime (scripts/bootstrap)"))
struct EqualizationTests {
  private static let padded: AttributeValue = .ints([1, 1, 1, 1])

  /// Weights whose output channels differ by up to four orders of magnitude.
  private static func spread(_ dimensions: [Int], _ numbers: inout Numbers) -> Tensor {
    let row = dimensions.dropFirst().reduce(1, *)
    let values = numbers.take(dimensions.reduce(1, *)).enumerated().map { position, value in
      value * [0.01, 0.1, 1, 10, 30][position / row % 5]
    }
    return .floats(values, dimensions)
  }

  @Test func chainsWithDepthwiseAndGroupedConvolutionsStayEqual() throws {
    var numbers = Numbers()
    var model = Graphs.model(
      [
        Node("Conv", inputs: ["x", "w1", "b1"], outputs: ["a"], attributes: ["pads": Self.padded]),
        Node("Relu", inputs: ["a"], outputs: ["ar"]),
        Node(
          "Conv", inputs: ["ar", "w2", "b2"], outputs: ["b"],
          attributes: ["group": .int(10), "pads": Self.padded]),
        Node("PRelu", inputs: ["b", "slope"], outputs: ["br"]),
        Node("MaxPool", inputs: ["br"], outputs: ["bp"], attributes: ["kernel_shape": .ints([2, 2])]),
        Node(
          "Conv", inputs: ["bp", "w3"], outputs: ["c"], attributes: ["group": .int(2), "pads": Self.padded]),
        Node("Conv", inputs: ["c", "w4", "b4"], outputs: ["y"]),
      ],
      constants: [
        "w1": Self.spread([10, 3, 3, 3], &numbers), "b1": numbers.tensor([10]),
        "w2": Self.spread([10, 1, 3, 3], &numbers), "b2": numbers.tensor([10]),
        "slope": numbers.tensor([10, 1, 1]), "w3": Self.spread([6, 5, 3, 3], &numbers),
        "w4": numbers.tensor([4, 6, 1, 1]), "b4": numbers.tensor([4]),
      ])
    let before = try Computed.output(model)
    #expect(try CrossLayerEqualization.run(&model) == 3)
    let after = try Computed.output(model)
    #expect(Computed.difference(before, after) < 1e-5)
    // Both sides of a channel have one range now.
    let convolutions = model.graph.nodes.filter { $0.opType == "Conv" }
    let third = try #require(model.graph.initializers[convolutions[2].inputs[1]]).floats()
    let fourth = try #require(model.graph.initializers[convolutions[3].inputs[1]]).floats()
    for channel in 0..<6 {
      let written = third[channel * 45..<(channel + 1) * 45].map(abs).max() ?? 0
      let read = (0..<4).map { abs(fourth[$0 * 6 + channel]) }.max() ?? 0
      #expect(abs(written / read - 1) < 1e-3)
    }
    #expect(try CrossLayerEqualization.run(&model) == 0)
  }

  @Test func clipsResidualsAndOutputsAreDeclined() throws {
    var numbers = Numbers()
    func model(_ middle: [Node], last: String) -> Model {
      Graphs.model(
        [Node("Conv", inputs: ["x", "w1"], outputs: ["a"])] + middle
          + [Node("Conv", inputs: [last, "w2"], outputs: ["y"])],
        constants: [
          "w1": Self.spread([5, 3, 1, 1], &numbers), "w2": numbers.tensor([5, 5, 1, 1]),
          "low": .floats([0], []), "high": .floats([6], []), "slope": numbers.tensor([1, 5, 1, 1]),
        ])
    }
    var clipped = model([Node("Clip", inputs: ["a", "low", "high"], outputs: ["c"])], last: "c")
    #expect(try CrossLayerEqualization.run(&clipped) == 0)
    var residual = model([Node("Add", inputs: ["a", "a"], outputs: ["c"])], last: "c")
    #expect(try CrossLayerEqualization.run(&residual) == 0)
    var sigmoid = model([Node("Sigmoid", inputs: ["a"], outputs: ["c"])], last: "c")
    #expect(try CrossLayerEqualization.run(&sigmoid) == 0)
    var shown = model([Node("Relu", inputs: ["a"], outputs: ["c"])], last: "c")
    shown.graph.outputs.append(ValueInfo(name: "a", dataType: .float32, shape: nil))
    #expect(try CrossLayerEqualization.run(&shown) == 0)
    var relu = model([Node("Relu", inputs: ["a"], outputs: ["c"])], last: "c")
    #expect(try CrossLayerEqualization.run(&relu) == 1)
  }

  @Test func deadChannelsAndInvalidWeightsAreLeftAlone() throws {
    var numbers = Numbers()
    var weight = numbers.take(5 * 3)
    for position in 3..<6 { weight[position] = 0 }
    func model(_ weight: [Float]) -> Model {
      Graphs.model(
        [
          Node("Conv", inputs: ["x", "w1"], outputs: ["a"]), Node("Relu", inputs: ["a"], outputs: ["c"]),
          Node("Conv", inputs: ["c", "w2"], outputs: ["y"]),
        ],
        constants: ["w1": .floats(weight, [5, 3, 1, 1]), "w2": Self.spread([5, 5, 1, 1], &numbers)])
    }
    var dead = model(weight)
    let before = try Computed.output(dead)
    #expect(try CrossLayerEqualization.run(&dead) == 1)
    #expect(Computed.difference(before, try Computed.output(dead)) < 1e-5)
    weight[0] = .nan
    var broken = model(weight)
    #expect(try CrossLayerEqualization.run(&broken) == 0)
  }

  // MARK: SmoothQuant

  private static let shape = [2, 6, 8]

  private static func context(_ input: [Int]) throws -> OptimizationContext {
    var numbers = Numbers()
    let x = HostArray(numbers.take(input.reduce(1, *)), input)
    return OptimizationContext(
      samples: try SampleSet(arrays: ["x": x]), calibration: [0, 1],
      engine: try Engine.load(path: OnnxRuntimeLibrary.path), threads: 1)
  }

  /// A scale with two outlier channels.
  private static func gamma(_ numbers: inout Numbers) -> Tensor {
    var values = numbers.take(8).map { $0 + 2 }
    values[2] = 60
    values[5] = -45
    return .floats(values, [8])
  }

  /// Largest over median magnitude of the channels of a value.
  private static func outlier(_ model: Model, _ value: String) throws -> Float {
    var exposed = model
    exposed.graph.outputs = [ValueInfo(name: value, dataType: .float32, shape: nil)]
    var numbers = Numbers()
    let x = HostArray(numbers.take(shape.reduce(1, *)), shape)
    let found = try #require(
      try Session(engine: try Engine.load(path: OnnxRuntimeLibrary.path), model: exposed).run(["x": x])[value]
    )
    let maxima = (0..<8).map { channel in
      stride(from: channel, to: found.floats.count, by: 8).map { abs(found.floats[$0]) }.max() ?? 0
    }.sorted()
    return maxima[7] / maxima[4]
  }

  /// Query, key and value share the factors; the residual reads the restored activation.
  @Test func normalisationWithSharedReadersAndResidualStaysEqual() throws {
    var numbers = Numbers()
    var model = Graphs.model(
      [
        Node("LayerNormalization", inputs: ["x", "g", "b"], outputs: ["n"], attributes: ["axis": .int(-1)]),
        Node("MatMul", inputs: ["n", "wq"], outputs: ["q"]),
        Node("MatMul", inputs: ["n", "wk"], outputs: ["k"]),
        Node("Transpose", inputs: ["n"], outputs: ["t"], attributes: ["perm": .ints([1, 0, 2])]),
        Node("MatMul", inputs: ["t", "wv"], outputs: ["v"]),
        Node("Transpose", inputs: ["v"], outputs: ["u"], attributes: ["perm": .ints([1, 0, 2])]),
        Node("Add", inputs: ["q", "k"], outputs: ["s"]), Node("Add", inputs: ["s", "u"], outputs: ["r"]),
        Node("Add", inputs: ["r", "n"], outputs: ["y"]),
      ],
      input: Self.shape,
      constants: [
        "g": Self.gamma(&numbers), "b": numbers.tensor([8]), "wq": numbers.tensor([8, 8]),
        "wk": numbers.tensor([8, 8]), "wv": numbers.tensor([8, 8]),
      ])
    let before = try Computed.output(model, input: Self.shape)
    let wide = try Self.outlier(model, "n")
    var only = model
    let context = try Self.context(Self.shape)
    #expect(try SmoothQuant.run(&only, context: context, restoring: false) == 0)
    #expect(try SmoothQuant.run(&model, context: context) == 1)
    #expect(Computed.difference(before, try Computed.output(model, input: Self.shape)) < 1e-5)
    #expect(model.graph.nodes.filter { $0.opType == "Mul" }.count == 1)
    #expect(try Self.outlier(model, "n") < wide / 3)
  }

  @Test func writtenOutNormalisationStaysEqual() throws {
    var numbers = Numbers()
    var model = Graphs.model(
      [
        Node("ReduceMean", inputs: ["x"], outputs: ["m"], attributes: ["axes": .ints([-1])]),
        Node("Sub", inputs: ["x", "m"], outputs: ["c"]),
        Node("Mul", inputs: ["c", "c"], outputs: ["cc"]),
        Node("ReduceMean", inputs: ["cc"], outputs: ["v"], attributes: ["axes": .ints([-1])]),
        Node("Add", inputs: ["v", "eps"], outputs: ["ve"]), Node("Sqrt", inputs: ["ve"], outputs: ["sd"]),
        Node("Div", inputs: ["c", "sd"], outputs: ["h"]), Node("Mul", inputs: ["h", "g"], outputs: ["hg"]),
        Node("Add", inputs: ["b", "hg"], outputs: ["n"]),
        Node("Reshape", inputs: ["n", "flat"], outputs: ["f"]),
        Node("Gemm", inputs: ["f", "w", "wb"], outputs: ["y"], attributes: ["transB": .int(1)]),
      ],
      input: Self.shape,
      constants: [
        "eps": .floats([1e-5], []), "g": Self.gamma(&numbers), "b": numbers.tensor([8]),
        "flat": .int64s([12, 8]), "w": numbers.tensor([5, 8]), "wb": numbers.tensor([5]),
      ])
    let before = try Computed.output(model, input: Self.shape)
    let context = try Self.context(Self.shape)
    var other = model
    #expect(try SmoothQuant.run(&other, context: context, alpha: 0.9) == 1)
    #expect(Computed.difference(before, try Computed.output(other, input: Self.shape)) < 1e-5)
    #expect(try SmoothQuant.run(&model, context: context) == 1)
    #expect(Computed.difference(before, try Computed.output(model, input: Self.shape)) < 1e-5)
    #expect(model.graph.nodes.count == 11)
  }

  @Test func invalidWeightsAndArgumentsAreRefused() throws {
    var numbers = Numbers()
    var weights = numbers.take(64)
    weights[3] = .nan
    var model = Graphs.model(
      [
        Node("LayerNormalization", inputs: ["x", "g"], outputs: ["n"]),
        Node("MatMul", inputs: ["n", "w"], outputs: ["y"]),
      ],
      input: Self.shape, constants: ["g": Self.gamma(&numbers), "w": .floats(weights, [8, 8])])
    var context = try Self.context(Self.shape)
    #expect(try SmoothQuant.run(&model, context: context) == 0)
    #expect(throws: ScopeError.self) { try SmoothQuant.run(&model, context: context, alpha: 1.5) }
    context.calibration = []
    #expect(throws: ScopeError.self) { try SmoothQuant.run(&model, context: context) }
  }
}
