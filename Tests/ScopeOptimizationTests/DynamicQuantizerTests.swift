import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct DynamicQuantizerTests {
  @Test(arguments: [QuantizedType.int8, .uint8])
  func agreesWithNumPy(type: QuantizedType) throws {
    let golden = try WeightsGolden.load().dynamic
    var model = Graphs.model(
      [Node("Gemm", name: "fc", inputs: ["x", "w", "b"], outputs: ["y"])], input: [3, 24],
      constants: ["w": .floats(golden.weight, [24, 5]), "b": .floats(golden.bias, [5])])
    try DynamicQuantizer.quantize(&model, recipe: DynamicRecipe(weights: type, smallestWeight: 1))
    for level in [SessionOptions.Optimization.none, .all] {
      let found =
        try Computed.run(model, ["x": HostArray(golden.x, [3, 24])], optimization: level)["y"]?.floats ?? []
      #expect(Computed.difference(golden.result, found) < 1e-5)
    }
  }

  @Test func productsOfOneInputShareItsRounding() throws {
    var numbers = Numbers()
    let model = Graphs.model(
      [
        Node("MatMul", name: "q", inputs: ["x", "wq"], outputs: ["q"]),
        Node("MatMul", name: "k", inputs: ["x", "wk"], outputs: ["k"]),
        Node("MatMul", name: "v", inputs: ["x", "wv"], outputs: ["v"]),
        Node("Sum", inputs: ["q", "k", "v"], outputs: ["y"]),
      ], input: [2, 5, 48],
      constants: [
        "wq": numbers.tensor([48, 32]), "wk": numbers.tensor([48, 32]), "wv": numbers.tensor([48, 32]),
      ])
    var dynamic = model
    let report = try DynamicQuantizer.quantize(&dynamic, recipe: DynamicRecipe())
    #expect(report.rewritten == ["q", "k", "v"])
    #expect(Computed.operators(dynamic)["DynamicQuantizeLinear"] == 1)
    #expect(Computed.operators(dynamic)["MatMulInteger"] == 3)
    let ratio = Computed.sqnr(
      try Computed.values(model, input: [2, 5, 48]), try Computed.values(dynamic, input: [2, 5, 48]))
    #expect(ratio > 33)
  }

  /// The engine finds the pattern it has one kernel for.
  @Test(arguments: [QuantizedType.int8, .uint8], [true, false])
  func engineFusesTheForm(type: QuantizedType, perChannel: Bool) throws {
    var model = Graphs.linear(inputs: 64, outputs: 32)
    try DynamicQuantizer.quantize(&model, recipe: DynamicRecipe(weights: type, perChannel: perChannel))
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/optimized.onnx"
    _ = try Session(
      engine: try Engine.load(path: OnnxRuntimeLibrary.path), model: model,
      options: SessionOptions(threads: 1, optimizedModelPath: path))
    let optimized = try ONNXReader.read(try ByteSlice(mappingFile: path), directory: folder.path)
    #expect(optimized.graph.nodes.map(\.opType) == ["DynamicQuantizeMatMul"])
  }

  @Test(arguments: [WeightRange.full, .reduced, .pairBounded])
  func rangesOfWeights(range: WeightRange) throws {
    let model = Graphs.linear(inputs: 64, outputs: 32)
    var dynamic = model
    try DynamicQuantizer.quantize(&dynamic, recipe: DynamicRecipe(weightRange: range))
    let codes = try #require(dynamic.graph.initializers.values.first { $0.dataType == .int8 })
    #expect(codes.dimensions == [64, 32])
    let numbers = try codes.ints()
    switch range {
    case .reduced: #expect(numbers.map(abs).max() == 64)
    case .pairBounded:
      // Neighbours along the inputs, which are the rows here.
      for column in 0..<32 {
        for row in stride(from: 0, to: 64, by: 2) {
          #expect(abs(numbers[row * 32 + column] + numbers[(row + 1) * 32 + column]) <= 128)
        }
      }
    default: #expect(numbers.map(abs).max() == 127)
    }
    let ratio = Computed.sqnr(
      try Computed.values(model, input: [2, 5, 64]), try Computed.values(dynamic, input: [2, 5, 64]))
    #expect(ratio > 28)
  }

  @Test func convolutions() throws {
    var numbers = Numbers()
    let model = Graphs.model(
      [
        Node(
          "Conv", name: "plain", inputs: ["x", "w", "b"], outputs: ["c"],
          attributes: ["pads": .ints([1, 1, 1, 1]), "strides": .ints([2, 2])]),
        Node("Conv", name: "grouped", inputs: ["c", "g"], outputs: ["d"], attributes: ["group": .int(2)]),
        Node("Conv", name: "depthwise", inputs: ["d", "s"], outputs: ["y"], attributes: ["group": .int(16)]),
      ],
      constants: [
        "w": numbers.tensor([16, 3, 3, 3], offset: 0.2), "b": numbers.tensor([16]),
        "g": numbers.tensor([16, 8, 3, 3]), "s": numbers.tensor([16, 1, 1, 1]),
      ])
    var dynamic = model
    let report = try DynamicQuantizer.quantize(
      &dynamic, recipe: DynamicRecipe(convolutions: true, smallestWeight: 1))
    #expect(report.rewritten == ["plain", "grouped"])
    #expect(report.declined.map(\.layer) == ["depthwise"])
    #expect(Computed.operators(dynamic)["ConvInteger"] == 2)
    for level in [SessionOptions.Optimization.none, .all] {
      let ratio = Computed.sqnr(
        try Computed.values(model, input: [2, 3, 8, 8]),
        try Computed.values(dynamic, input: [2, 3, 8, 8], optimization: level))
      #expect(ratio > 33)
    }
    var without = model
    #expect(throws: ScopeError.self) { try DynamicQuantizer.quantize(&without, recipe: DynamicRecipe()) }
  }

  /// Operator set 9 has no DynamicQuantizeLinear.
  @Test func olderOperatorSetsAreRaised() throws {
    let model = Graphs.linear(inputs: 64, outputs: 32, opset: 9)
    var dynamic = model
    try DynamicQuantizer.quantize(&dynamic, recipe: DynamicRecipe())
    #expect(dynamic.opset == 13)
    let ratio = Computed.sqnr(
      try Computed.values(model, input: [2, 5, 64]), try Computed.values(dynamic, input: [2, 5, 64]))
    #expect(ratio > 33)
  }

  /// Codes in a file beside the model, as exporters write large ones.
  @Test func weightsInAnotherFileThatWasOpened() throws {
    let folder = try TemporaryFolder()
    let model = Graphs.linear(inputs: 64, outputs: 32)
    let weight = try #require(model.graph.initializers["w"]).packedBytes()
    var outside = model
    outside.graph.initializers["w"] = try Tensor(
      dataType: .float32, dimensions: [64, 32], storage: .external(ExternalData(location: "weights.bin")))
    try AtomicFile.write([weight], to: "\(folder.path)/weights.bin")
    try AtomicFile.write(try ONNXWriter.serialize(outside), to: "\(folder.path)/model.onnx")
    guard case .graph(var read) = try ModelReader.read(path: "\(folder.path)/model.onnx").content else {
      throw ScopeError(.invalidData, "no graph")
    }
    let reference = try Computed.values(model, input: [2, 5, 64])
    var packed = read
    try WeightOnlyQuantizer.quantize(&packed, recipe: WeightOnlyRecipe(bits: 8, accuracyLevel: 0))
    #expect(Computed.sqnr(reference, try Computed.values(packed, input: [2, 5, 64])) > 40)
    try DynamicQuantizer.quantize(&read, recipe: DynamicRecipe())
    #expect(Computed.sqnr(reference, try Computed.values(read, input: [2, 5, 64])) > 33)
  }
}
