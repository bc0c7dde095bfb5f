import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct WeightStorageTests {
  @Test(arguments: StorageRecipe.Format.allCases)
  func smallFloatsAreThoseOfNumPy(format: StorageRecipe.Format) throws {
    let golden = try WeightsGolden.load().floats
    let wanted: [UInt16]
    switch format {
    case .float16: wanted = golden.float16
    case .bfloat16: wanted = golden.bfloat16
    case .float8e4m3: wanted = golden.float8e4m3
    case .float8e5m2: wanted = golden.float8e5m2
    default: return
    }
    #expect(!wanted.isEmpty)
    for (bits, code) in zip(golden.values, wanted) {
      let value = Float(bitPattern: bits)
      let found = try #require(SmallFloat.of(format)).encode(value)
      #expect(found == code, "\(value)")
    }
  }

  @Test(arguments: StorageRecipe.Format.allCases)
  func smallFloatsSurviveTheRoundTrip(format: StorageRecipe.Format) throws {
    guard let small = SmallFloat.of(format) else { return }
    let last: UInt16 = small.dataType.bitWidth == 16 ? 0xFFFF : 0xFF
    for code in 0...last where !small.decode(code).isNaN {
      #expect(small.encode(small.decode(code)) == code)
    }
    #expect(small.decode(small.encode(.nan)).isNaN)
    #expect(small.encode(.greatestFiniteMagnitude) == small.encode(.infinity))
    #expect(small.encode(-.greatestFiniteMagnitude) == small.encode(-.infinity))
  }

  private static func network() -> Model {
    var numbers = Numbers()
    return Graphs.model(
      [
        Node(
          "Conv", name: "conv", inputs: ["x", "w", "b"], outputs: ["c"],
          attributes: ["pads": .ints([1, 1, 1, 1])]),
        Node("Relu", inputs: ["c"], outputs: ["r"]),
        Node("Flatten", inputs: ["r"], outputs: ["f"]),
        Node("MatMul", name: "matmul", inputs: ["f", "m"], outputs: ["h"]),
        Node("Gemm", name: "gemm", inputs: ["h", "g"], outputs: ["y"], attributes: ["transB": .int(1)]),
      ],
      constants: [
        "w": numbers.tensor([16, 3, 3, 3]), "b": numbers.tensor([16]), "m": numbers.tensor([1024, 40]),
        "g": numbers.tensor([10, 40]),
      ])
  }

  private static let expected: [StorageRecipe.Format: Double] = [
    .float16: 60, .bfloat16: 45, .float8e4m3: 25, .float8e5m2: 18, .int8: 36, .int4: 14,
  ]

  @Test(arguments: StorageRecipe.Format.allCases, [StorageRecipe.Form.folded, .dequantizeLinear])
  func outputsStayWithinRounding(format: StorageRecipe.Format, form: StorageRecipe.Form) throws {
    let model = Self.network()
    let reference = try Computed.values(model, input: [2, 3, 8, 8])
    for block in [nil, 8] {
      var stored = model
      let report = try WeightStorage.store(
        &stored, recipe: StorageRecipe(format: format, form: form, blockSize: block, smallestWeight: 100))
      #expect(Set(report.rewritten) == ["w", "m", "g"])
      if block == nil {
        let share = format == .float16 || format == .bfloat16 ? 2 : 1
        #expect(try Stripes.bytes(stored) * 3 < Stripes.bytes(model) * share + 6000)
      }
      for level in [SessionOptions.Optimization.none, .all] {
        let ratio = Computed.sqnr(
          reference, try Computed.values(stored, input: [2, 3, 8, 8], optimization: level))
        #expect(ratio > (Self.expected[format] ?? 100), "\(block ?? 0) \(level)")
      }
      if block == nil {
        let dequantizers = Computed.operators(stored)["DequantizeLinear"] ?? 0
        #expect(
          (dequantizers > 0) == (form == .dequantizeLinear && format != .float16 && format != .bfloat16))
      }
    }
  }

  /// What the graph form costs the engine nothing: the constants are computed when it loads the model.
  @Test(arguments: StorageRecipe.Format.allCases)
  func engineFoldsTheConversion(format: StorageRecipe.Format) throws {
    var stored = Self.network()
    try WeightStorage.store(&stored, recipe: StorageRecipe(format: format, blockSize: 8, smallestWeight: 100))
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/optimized.onnx"
    _ = try Session(
      engine: try Engine.load(path: OnnxRuntimeLibrary.path), model: stored,
      options: SessionOptions(threads: 1, optimization: .basic, optimizedModelPath: path))
    let optimized = try ONNXReader.read(try ByteSlice(mappingFile: path), directory: folder.path)
    let left = Set(optimized.graph.nodes.map(\.opType))
    #expect(left.isDisjoint(with: ["Cast", "Mul", "Reshape", "DequantizeLinear"]), "\(left)")
  }

  @Test func halfGuardsAgainstOverflowAndSubnormals() throws {
    var numbers = Numbers()
    var large = numbers.take(40 * 40)
    large[3] = 70000
    let tiny = numbers.take(40 * 40).map { $0 * 1e-7 }
    var poisoned = numbers.take(40 * 40)
    poisoned[9] = .infinity
    let model = Graphs.model(
      [
        Node("MatMul", name: "a", inputs: ["x", "large"], outputs: ["h"]),
        Node("MatMul", name: "b", inputs: ["h", "tiny"], outputs: ["i"]),
        Node("MatMul", name: "c", inputs: ["i", "poisoned"], outputs: ["j"]),
        Node("MatMul", name: "d", inputs: ["j", "kept"], outputs: ["k"]),
        Node("MatMul", name: "e", inputs: ["k", "good"], outputs: ["y"]),
      ], input: [2, 40],
      constants: [
        "large": .floats(large, [40, 40]), "tiny": .floats(tiny, [40, 40]),
        "poisoned": .floats(poisoned, [40, 40]), "kept": numbers.tensor([40, 40]),
        "good": numbers.tensor([40, 40]),
      ])
    var stored = model
    let report = try WeightStorage.store(&stored, recipe: StorageRecipe(format: .float16, floatLayers: ["d"]))
    #expect(report.rewritten == ["good"])
    let reasons = Dictionary(uniqueKeysWithValues: report.declined.map { ($0.layer, $0.reason) })
    #expect(reasons["large"]?.contains("65504") == true)
    #expect(reasons["tiny"]?.contains("too small") == true)
    #expect(reasons["poisoned"]?.contains("infinity") == true)
    #expect(reasons["kept"]?.contains("asked") == true)
    // bfloat16 has float32's range.
    var brain = model
    let wide = try WeightStorage.store(&brain, recipe: StorageRecipe(format: .bfloat16))
    #expect(Set(wide.rewritten) == ["large", "tiny", "kept", "good"])
  }

  @Test func recurrentAndEmbeddingWeights() throws {
    var numbers = Numbers()
    var model = Graphs.model(
      [
        Node("Gather", inputs: ["table", "ids"], outputs: ["e"]),
        Node(
          "LSTM", inputs: ["e", "w", "r"], outputs: ["o", "", ""], attributes: ["hidden_size": .int(16)]),
        Node("Squeeze", inputs: ["o", "axes"], outputs: ["s"]),
        Node("Mul", inputs: ["s", "x"], outputs: ["y"]),
      ], input: [1],
      constants: [
        "table": numbers.tensor([50, 24]), "w": numbers.tensor([1, 64, 24]),
        "r": numbers.tensor([1, 64, 16]),
        "axes": .int64s([1]),
      ])
    model.graph.inputs.append(ValueInfo(name: "ids", dataType: .int64, shape: Shape([7, 2])))
    let feeds = [
      "x": HostArray([Float(1)], [1]), "ids": HostArray((0..<14).map { Int64($0 * 3) }, [7, 2]),
    ]
    let reference = try Computed.run(model, feeds)["y"]?.floats ?? []
    var stored = model
    let report = try WeightStorage.store(&stored, recipe: StorageRecipe(format: .int8))
    #expect(Set(report.rewritten) == ["table", "w", "r"])
    #expect(Computed.sqnr(reference, try Computed.run(stored, feeds)["y"]?.floats ?? []) > 33)
  }

  /// Nested graphs read weights of the graph around them by name.
  @Test func nestedGraphsKeepReadingTheWeight() throws {
    var numbers = Numbers()
    var branch = Graph(name: "then", nodes: [Node("MatMul", inputs: ["x", "w"], outputs: ["t"])])
    branch.outputs = [ValueInfo(name: "t", dataType: .float32, shape: nil)]
    var other = Graph(
      name: "else",
      nodes: [
        Node("MatMul", inputs: ["x", "w"], outputs: ["u"]), Node("Neg", inputs: ["u"], outputs: ["v"]),
      ])
    other.outputs = [ValueInfo(name: "v", dataType: .float32, shape: nil)]
    var model = Graphs.model(
      [
        Node(
          "If", inputs: ["flag"], outputs: ["i"],
          attributes: ["then_branch": .graph(branch), "else_branch": .graph(other)]),
        Node("MatMul", inputs: ["x", "w"], outputs: ["p"]),
        Node("Add", inputs: ["i", "p"], outputs: ["y"]),
      ], input: [4, 40], constants: ["w": numbers.tensor([40, 40])])
    model.graph.inputs.append(ValueInfo(name: "flag", dataType: .bool, shape: Shape([Int]())))
    let feeds: [String: HostArray] = [
      "x": HostArray(numbers.take(160), [4, 40]), "flag": HostArray(.bool([true]), []),
    ]
    let reference = try Computed.run(model, feeds)["y"]?.floats ?? []
    for format in [StorageRecipe.Format.float16, .int8] {
      var stored = model
      try WeightStorage.store(&stored, recipe: StorageRecipe(format: format))
      #expect(Computed.sqnr(reference, try Computed.run(stored, feeds)["y"]?.floats ?? []) > 36)
    }
    // Newer operator sets are not reached through nested graphs.
    #expect(throws: ScopeError.self) {
      var stored = model
      try WeightStorage.store(&stored, recipe: StorageRecipe(format: .float8e4m3))
    }
    var dynamic = model
    #expect(try DynamicQuantizer.quantize(&dynamic, recipe: DynamicRecipe()).rewritten.count == 1)
    #expect(Computed.sqnr(reference, try Computed.run(dynamic, feeds)["y"]?.floats ?? []) > 33)
    var half = model
    try HalfGraphConverter.convert(&half, recipe: HalfGraphRecipe())
    #expect(Computed.sqnr(reference, try Computed.run(half, feeds)["y"]?.floats ?? []) > 50)
  }

  @Test func refusalIsTheEnginesMessage() throws {
    let engine = try Engine.load(path: OnnxRuntimeLibrary.path)
    var stored = Self.network()
    try WeightStorage.store(&stored, recipe: StorageRecipe(format: .int4))
    #expect(WeightStorage.refusal(stored, engine: engine) == nil)
    stored.opsets[""] = 99
    #expect(WeightStorage.refusal(stored, engine: engine)?.description.contains("99") == true)
  }
}

@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct HalfGraphConverterTests {
  @Test func computesInHalfBetweenFloatInputsAndOutputs() throws {
    var numbers = Numbers()
    let model = Graphs.model(
      [
        Node("MatMul", name: "a", inputs: ["x", "w"], outputs: ["h"]),
        Node("Pow", name: "square", inputs: ["h", "two"], outputs: ["p"]),
        Node("ReduceMean", inputs: ["p"], outputs: ["m"], attributes: ["axes": .ints([-1])]),
        Node("Shape", inputs: ["h"], outputs: ["s"]),
        Node("ConstantOfShape", inputs: ["s"], outputs: ["z"]),
        Node("Add", inputs: ["h", "m"], outputs: ["q"]),
        Node("Add", inputs: ["q", "z"], outputs: ["r"]),
        Node("Add", name: "mask", inputs: ["r", "large"], outputs: ["t"]),
        Node("Max", inputs: ["t", "r"], outputs: ["y"]),
      ], input: [2, 5, 64],
      constants: ["w": numbers.tensor([64, 32]), "two": .floats([2], []), "large": .floats([-3e38], [])])
    var half = model
    let report = try HalfGraphConverter.convert(&half, recipe: HalfGraphRecipe())
    let reasons = Dictionary(uniqueKeysWithValues: report.declined.map { ($0.layer, $0.reason) })
    #expect(Set(reasons.keys) == ["square", "mask"])
    #expect(half.graph.inputs[0].dataType == .float32 && half.graph.outputs[0].dataType == .float32)
    #expect(half.graph.initializers["w"] == nil)
    #expect(half.graph.initializers.values.contains { $0.dataType == .float16 && $0.dimensions == [64, 32] })
    for level in [SessionOptions.Optimization.none, .all] {
      let found = try Computed.values(half, input: [2, 5, 64], optimization: level)
      #expect(Computed.sqnr(try Computed.values(model, input: [2, 5, 64]), found) > 55)
    }
  }

  @Test func classifierKeepsItsPredictions() throws {
    var model = try Stripes.model()
    _ = try PassRunner.run(PassRegistry.exact, on: &model)
    var half = model
    try HalfGraphConverter.convert(&half, recipe: HalfGraphRecipe())
    let same = zip(try Stripes.predictions(model), try Stripes.predictions(half)).filter { $0 == $1 }.count
    #expect(same >= 99)
  }
}

/// Exactness of the conversions to newer operator sets, judged by the engine.
@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct OpsetRaiseNewerTests {
  private static func model() -> Model {
    var numbers = Numbers()
    return Graphs.model(
      [
        Node(
          "ReduceMean", inputs: ["x"], outputs: ["m"], attributes: ["axes": .ints([2]), "keepdims": .int(1)]),
        Node(
          "ReduceMax", inputs: ["x"], outputs: ["n"], attributes: ["axes": .ints([-1]), "keepdims": .int(1)]),
        Node("Split", inputs: ["x"], outputs: ["s", "t"], attributes: ["axis": .int(3)]),
        Node("Concat", inputs: ["t", "s"], outputs: ["c"], attributes: ["axis": .int(3)]),
        Node("Sum", inputs: ["c", "m", "n"], outputs: ["u"]),
        Node("AveragePool", inputs: ["u"], outputs: ["v"], attributes: ["kernel_shape": .ints([2, 2])]),
        Node("Conv", inputs: ["v", "w"], outputs: ["y"]),
      ], constants: ["w": numbers.tensor([40, 3, 3, 3])], opset: 13)
  }

  @Test(arguments: [StorageRecipe.Format.float8e4m3, .int4])
  func outputsStayEqual(format: StorageRecipe.Format) throws {
    // Everything in float: what remains is the conversion.
    var raised = Self.model()
    raised.graph.nodes.append(Node("MatMul", inputs: ["y", "k"], outputs: ["unused"]))
    var numbers = Numbers()
    raised.graph.initializers["k"] = numbers.tensor([5, 300])
    raised.graph.outputs.append(ValueInfo(name: "unused", dataType: .float32, shape: nil))
    let reference = try Computed.values(raised, input: [2, 3, 8, 8])
    try WeightStorage.store(&raised, recipe: StorageRecipe(format: format, floatLayers: ["w"]))
    #expect(raised.opset == (format == .int4 ? 21 : 19))
    #expect(Computed.difference(reference, try Computed.values(raised, input: [2, 3, 8, 8])) < 1e-6)
  }

  @Test func refusesWhatChangedItsMeaning() throws {
    var model = Self.model()
    model.graph.nodes[5].attributes["ceil_mode"] = .int(1)
    #expect(throws: ScopeError.self) {
      try WeightStorage.store(&model, recipe: StorageRecipe(format: .float8e4m3))
    }
    #expect(model.opset == 13)
  }
}
