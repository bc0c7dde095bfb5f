import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

/// Against ONNX Runtime's own quantizer and kernels; see `make_weights.py`.
@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct WeightOnlyQuantizerTests {
  private static func recipe(
    _ golden: WeightsGolden.Packed, level: Int = 0, rounding: BlockRounding = .nearest
  ) -> WeightOnlyRecipe {
    WeightOnlyRecipe(
      bits: golden.bits, blockSize: golden.blockSize, isSymmetric: golden.isSymmetric, accuracyLevel: level,
      rounding: rounding, smallestWeight: 1)
  }

  @Test func packsAsONNXRuntimeDoes() throws {
    for golden in try WeightsGolden.load().packed {
      var model = Graphs.linear(
        inputs: golden.inputs, outputs: golden.outputs, weight: golden.weight, bias: false)
      try WeightOnlyQuantizer.quantize(&model, recipe: Self.recipe(golden))
      let node = try #require(model.graph.nodes.first)
      #expect(node.opType == "MatMulNBits" && node.domain == "com.microsoft")
      #expect(node.int("K") == golden.inputs && node.int("N") == golden.outputs)
      let codes = try #require(model.graph.initializers[node.inputs[1]])
      #expect(codes.dataType == .uint8)
      #expect(
        codes.dimensions == [
          golden.outputs, (golden.inputs + golden.blockSize - 1) / golden.blockSize,
          golden.blockSize * golden.bits / 8,
        ])
      #expect(try codes.packedBytes().array == golden.codes, "\(golden.bits) \(golden.isSymmetric)")
      let scales = try #require(model.graph.initializers[node.inputs[2]]).floats()
      for (found, wanted) in zip(scales, golden.scales) { #expect(abs(found / wanted - 1) < 1e-6) }
      let zeros = try node.input(3).flatMap { model.graph.initializers[$0] }?.packedBytes().array ?? []
      #expect(zeros == golden.zeroPoints)
    }
  }

  /// The product with the identity is what the kernel takes the weights for.
  @Test func kernelReadsTheWeightsBack() throws {
    for golden in try WeightsGolden.load().packed {
      var model = Graphs.linear(
        inputs: golden.inputs, outputs: golden.outputs, weight: golden.weight, bias: false)
      model.graph.inputs[0].shape = Shape([golden.inputs, golden.inputs])
      try WeightOnlyQuantizer.quantize(&model, recipe: Self.recipe(golden))
      var identity = [Float](repeating: 0, count: golden.inputs * golden.inputs)
      for index in 0..<golden.inputs { identity[index * golden.inputs + index] = 1 }
      let found =
        try Computed.run(model, ["x": HostArray(identity, [golden.inputs, golden.inputs])])["y"]?.floats ?? []
      #expect(Computed.difference(golden.real, found) < 1e-6)
    }
  }

  /// Rounding errors of half a step per weight: far below what a wrong layout or zero point would leave.
  @Test(arguments: [4, 8], [16, 32, 64, 128])
  func productsStayWithinRounding(bits: Int, blockSize: Int) throws {
    for isSymmetric in [true, false] {
      for level in [0, 1, 4] {
        let model = Graphs.linear(inputs: 200, outputs: 24)
        var packed = model
        let report = try WeightOnlyQuantizer.quantize(
          &packed,
          recipe: WeightOnlyRecipe(
            bits: bits, blockSize: blockSize, isSymmetric: isSymmetric, accuracyLevel: level,
            rounding: .nearest))
        #expect(report.rewritten == ["linear"])
        #expect(packed.opsets["com.microsoft"] == 1)
        let ratio = Computed.sqnr(
          try Computed.values(model, input: [2, 5, 200]), try Computed.values(packed, input: [2, 5, 200]))
        #expect(ratio > (bits == 4 ? 19 : 40), "\(isSymmetric) \(level)")
      }
    }
  }

  /// Measured on the weights themselves: the product with the identity.
  @Test(arguments: [true, false])
  func searchedScalesLoseLess(isSymmetric: Bool) throws {
    var numbers = Numbers()
    let weight = numbers.take(256 * 32).map { $0 * $0 * $0 }
    var identity = [Float](repeating: 0, count: 256 * 256)
    for index in 0..<256 { identity[index * 257] = 1 }
    func ratio(_ rounding: BlockRounding) throws -> Double {
      var packed = Graphs.linear(inputs: 256, outputs: 32, weight: weight, bias: false)
      packed.graph.inputs[0].shape = Shape([256, 256])
      try WeightOnlyQuantizer.quantize(
        &packed,
        recipe: WeightOnlyRecipe(
          blockSize: 64, isSymmetric: isSymmetric, accuracyLevel: 0, rounding: rounding))
      let found = try Computed.run(packed, ["x": HostArray(identity, [256, 256])])["y"]?.floats ?? []
      return Computed.sqnr(weight, found)
    }
    #expect(try ratio(.leastSquares) > ratio(.nearest) + 0.1)
  }

  @Test func blocksAreNoLongerThanARow() throws {
    var packed = Graphs.linear(inputs: 40, outputs: 32)
    try WeightOnlyQuantizer.quantize(&packed, recipe: WeightOnlyRecipe(blockSize: 256))
    #expect(packed.graph.nodes.first?.int("block_size") == 64)
    #expect(
      Computed.sqnr(
        try Computed.values(Graphs.linear(inputs: 40, outputs: 32), input: [2, 5, 40]),
        try Computed.values(packed, input: [2, 5, 40])) > 18)
  }

  /// Inputs that go together leave the roundings room to make up for each other.
  @Test func curvatureLosesLessOnCorrelatedInputs() throws {
    let model = Graphs.linear(inputs: 64, outputs: 32)
    var numbers = Numbers()
    let mixing = numbers.take(6 * 64)
    let latent = numbers.take(80 * 5 * 6)
    var x = [Float](repeating: 0, count: 80 * 5 * 64)
    for row in 0..<80 * 5 {
      for column in 0..<64 {
        for part in 0..<6 { x[row * 64 + column] += latent[row * 6 + part] * mixing[part * 64 + column] }
      }
    }
    var open = model
    open.graph.inputs[0].shape = Shape([.symbolic("N"), .known(5), .known(64)])
    let samples = try SampleSet(arrays: ["x": HostArray(x, [80, 5, 64])])
    let context = OptimizationContext(
      samples: samples, calibration: Array(0..<40), engine: try Engine.load(path: OnnxRuntimeLibrary.path),
      threads: 1)
    let judged = samples.feed(Array(40..<80), input: "x")
    let reference = try Computed.run(open, judged)["y"]?.floats ?? []
    func ratio(_ rounding: BlockRounding) throws -> Double {
      var packed = open
      try WeightOnlyQuantizer.quantize(
        &packed, recipe: WeightOnlyRecipe(accuracyLevel: 0, rounding: rounding), context: context)
      return Computed.sqnr(reference, try Computed.run(packed, judged)["y"]?.floats ?? [])
    }
    #expect(try ratio(.hessian) > ratio(.leastSquares) + 3)
    #expect(throws: ScopeError.self) {
      var packed = open
      try WeightOnlyQuantizer.quantize(&packed, recipe: WeightOnlyRecipe(rounding: .hessian))
    }
  }

  @Test func gemmWithFactorsAndTransposition() throws {
    var numbers = Numbers()
    let model = Graphs.model(
      [
        Node(
          "Gemm", name: "head", inputs: ["x", "w", "b"], outputs: ["y"],
          attributes: ["transB": .int(1), "alpha": .float(0.5), "beta": .float(2)])
      ],
      input: [3, 96],
      constants: ["w": numbers.tensor([40, 96]), "b": numbers.tensor([40])])
    let reference = try Computed.values(model, input: [3, 96])
    var packed = model
    try WeightOnlyQuantizer.quantize(&packed, recipe: WeightOnlyRecipe(bits: 8, accuracyLevel: 0))
    #expect(Computed.sqnr(reference, try Computed.values(packed, input: [3, 96])) > 40)
    var dynamic = model
    try DynamicQuantizer.quantize(&dynamic, recipe: DynamicRecipe())
    #expect(Computed.sqnr(reference, try Computed.values(dynamic, input: [3, 96])) > 33)
  }

  /// A table that is looked up and, turned round, multiplied with.
  private static func tied(vocabulary: Int = 64, width: Int = 32, open: Bool = false) -> Model {
    var numbers = Numbers()
    var model = Graphs.model(
      [
        Node("Gather", name: "embedding", inputs: ["table", "ids"], outputs: ["e"]),
        Node("Mul", inputs: ["e", "x"], outputs: ["h"]),
        Node("Transpose", inputs: ["table"], outputs: ["t"], attributes: ["perm": .ints([1, 0])]),
        Node("MatMul", name: "head", inputs: ["h", "t"], outputs: ["y"]),
      ],
      input: [2, 5, width], constants: ["table": numbers.tensor([vocabulary, width])])
    model.graph.inputs.append(ValueInfo(name: "ids", dataType: .int64, shape: Shape([2, 5])))
    return model
  }

  private static func tiedFeeds(width: Int = 32) -> [String: HostArray] {
    var numbers = Numbers()
    return [
      "x": HostArray(numbers.take(10 * width), [2, 5, width]),
      "ids": HostArray((0..<10).map { Int64($0 * 6) }, [2, 5]),
    ]
  }

  @Test(arguments: [EmbeddingStorage.int8, .blocks, .float])
  func tiedEmbeddings(storage: EmbeddingStorage) throws {
    let model = Self.tied()
    let reference = try Computed.run(model, Self.tiedFeeds())["y"]?.floats ?? []
    var packed = model
    let report = try WeightOnlyQuantizer.quantize(
      &packed, recipe: WeightOnlyRecipe(bits: 8, accuracyLevel: 0, embeddings: storage))
    #expect(Set(report.rewritten) == (storage == .float ? ["head"] : ["head", "embedding"]))
    #expect((packed.graph.initializers["table"] == nil) == (storage != .float))
    #expect(Computed.sqnr(reference, try Computed.run(packed, Self.tiedFeeds())["y"]?.floats ?? []) > 40)
  }

  @Test(arguments: [true, false])
  func tiedEmbeddingsOfDynamicQuantizationAreStoredOnce(fullRange: Bool) throws {
    let model = Self.tied()
    let reference = try Computed.run(model, Self.tiedFeeds())["y"]?.floats ?? []
    var dynamic = model
    try DynamicQuantizer.quantize(&dynamic, recipe: DynamicRecipe(weightRange: fullRange ? .full : .reduced))
    #expect(dynamic.graph.initializers["table"] == nil)
    #expect(dynamic.graph.initializers.values.filter { $0.dataType == .int8 }.count == 1)
    #expect(
      Computed.sqnr(reference, try Computed.run(dynamic, Self.tiedFeeds())["y"]?.floats ?? [])
        > (fullRange ? 33 : 29))
  }

  @Test func sharedWeightsArePackedOnce() throws {
    var numbers = Numbers()
    var packed = Graphs.model(
      [
        Node("MatMul", name: "a", inputs: ["x", "w"], outputs: ["h"]),
        Node("Relu", inputs: ["h"], outputs: ["r"]),
        Node("MatMul", name: "b", inputs: ["r", "w"], outputs: ["y"]),
      ], input: [4, 40], constants: ["w": numbers.tensor([40, 40])])
    let reference = try Computed.values(packed, input: [4, 40])
    try WeightOnlyQuantizer.quantize(&packed, recipe: WeightOnlyRecipe(bits: 8, accuracyLevel: 0))
    #expect(
      packed.graph.initializers.values.filter { $0.dataType == .uint8 && $0.dimensions.count == 3 }.count == 1
    )
    #expect(Computed.sqnr(reference, try Computed.values(packed, input: [4, 40])) > 38)
  }

  @Test func zeroHugeAndTinyWeights() throws {
    var numbers = Numbers()
    var weight = numbers.take(64 * 32)
    for row in 0..<64 {
      weight[row * 32] = 0
      weight[row * 32 + 1] *= 1e36
      weight[row * 32 + 2] *= 1e-36
      weight[row * 32 + 3] = Float(bitPattern: UInt32(row % 9))
    }
    let model = Graphs.linear(inputs: 64, outputs: 32, weight: weight, bias: false)
    let reference = try Computed.values(model, input: [2, 5, 64])
    for rounding in [BlockRounding.nearest, .leastSquares] {
      for isSymmetric in [true, false] {
        var packed = model
        try WeightOnlyQuantizer.quantize(
          &packed,
          recipe: WeightOnlyRecipe(bits: 8, isSymmetric: isSymmetric, accuracyLevel: 0, rounding: rounding))
        let found = try Computed.values(packed, input: [2, 5, 64])
        #expect(found.allSatisfy { $0.isFinite })
        for column in 0..<3 {
          let (a, b) = (stride(from: column, to: 320, by: 32)).reduce(into: ([Float](), [Float]())) {
            $0.0.append(reference[$1])
            $0.1.append(found[$1])
          }
          #expect(column == 0 ? b.allSatisfy { $0 == 0 } : Computed.difference(a, b) < 0.02)
        }
      }
    }
    var dynamic = model
    try DynamicQuantizer.quantize(&dynamic, recipe: DynamicRecipe())
    #expect(try Computed.values(dynamic, input: [2, 5, 64]).allSatisfy { $0.isFinite })
  }

  @Test func declinesWithReasons() throws {
    var numbers = Numbers()
    var poisoned = numbers.take(64 * 32)
    poisoned[77] = .nan
    let model = Graphs.model(
      [
        Node("MatMul", name: "nan", inputs: ["x", "poisoned"], outputs: ["a"]),
        Node("MatMul", name: "small", inputs: ["a", "small_w"], outputs: ["b"]),
        Node("MatMul", name: "kept", inputs: ["b", "w"], outputs: ["c"]),
        Node("MatMul", name: "batched", inputs: ["c", "cube"], outputs: ["d"]),
        Node("MatMul", name: "left", inputs: ["v", "d"], outputs: ["f"]),
        Node("MatMul", name: "good", inputs: ["f", "w"], outputs: ["y"]),
      ], input: [1, 6, 64],
      constants: [
        "poisoned": .floats(poisoned, [64, 32]), "small_w": numbers.tensor([32, 4]),
        "w2": numbers.tensor([4, 4]),
        "w": numbers.tensor([4, 512]), "cube": numbers.tensor([1, 512, 4]), "v": numbers.tensor([40, 6]),
      ])
    for isDynamic in [true, false] {
      var rewritten = model
      let report =
        isDynamic
        ? try DynamicQuantizer.quantize(&rewritten, recipe: DynamicRecipe(floatLayers: ["kept"]))
        : try WeightOnlyQuantizer.quantize(&rewritten, recipe: WeightOnlyRecipe(floatLayers: ["kept"]))
      #expect(report.rewritten == ["good"])
      let reasons = Dictionary(uniqueKeysWithValues: report.declined.map { ($0.layer, $0.reason) })
      #expect(reasons["nan"]?.contains("NaN") == true)
      #expect(reasons["small"]?.contains("fewer") == true)
      #expect(reasons["kept"]?.contains("asked") == true)
      #expect(reasons["batched"]?.contains("shape") == true)
      #expect(reasons["left"]?.contains("first factor") == true)
    }
  }

  @Test func nothingToDoIsAnErrorAndLeavesTheModel() throws {
    var model = Graphs.model([Node("Relu", inputs: ["x"], outputs: ["y"])])
    #expect(throws: ScopeError.self) { try WeightOnlyQuantizer.quantize(&model, recipe: WeightOnlyRecipe()) }
    #expect(throws: ScopeError.self) { try DynamicQuantizer.quantize(&model, recipe: DynamicRecipe()) }
    #expect(throws: ScopeError.self) {
      try HalfGraphConverter.convert(&model, recipe: HalfGraphRecipe(floatOperators: ["Relu"]))
    }
    #expect(throws: ScopeError.self) {
      try WeightStorage.store(&model, recipe: StorageRecipe(format: .float16))
    }
    #expect(model.graph.nodes.map(\.opType) == ["Relu"] && model.opset == 17)
    for (bits, block) in [(3, 32), (4, 24), (4, 8), (4, 512)] {
      var linear = Graphs.linear(inputs: 64, outputs: 32)
      #expect(throws: ScopeError.self) {
        try WeightOnlyQuantizer.quantize(&linear, recipe: WeightOnlyRecipe(bits: bits, blockSize: block))
      }
    }
  }

  @Test func weightsInAnotherFileAreLeftAlone() throws {
    var model = Graphs.linear(inputs: 64, outputs: 32)
    model.graph.initializers["w"] = try Tensor(
      dataType: .float32, dimensions: [64, 32], storage: .external(ExternalData(location: "weights.bin")))
    #expect {
      try WeightOnlyQuantizer.quantize(&model, recipe: WeightOnlyRecipe())
    } throws: {
      "\($0)".contains("weights.bin")
    }
  }
}
