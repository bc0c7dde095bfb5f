import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct QuantizationPlanTests {
  /// conv -> relu -> conv -> add(relu) -> relu6 -> pool -> gemm, with a float Tanh on one side.
  static func network() -> Model {
    var numbers = Numbers()
    var model = Graphs.model(
      [
        Node("Conv", inputs: ["x", "w1", "b1"], outputs: ["c1"], attributes: ["pads": .ints([1, 1, 1, 1])]),
        Node("Relu", inputs: ["c1"], outputs: ["r1"]),
        Node("Conv", inputs: ["r1", "w2"], outputs: ["c2"], attributes: ["pads": .ints([1, 1, 1, 1])]),
        Node("Add", inputs: ["c2", "r1"], outputs: ["s"]),
        Node("Clip", inputs: ["s", "zero", "six"], outputs: ["k"]),
        Node(
          "MaxPool", inputs: ["k"], outputs: ["m"],
          attributes: ["kernel_shape": .ints([2, 2]), "strides": .ints([2, 2])]),
        Node("Tanh", inputs: ["m"], outputs: ["t"]),
        Node("Conv", inputs: ["t", "w3"], outputs: ["c3"]),
        Node("GlobalAveragePool", inputs: ["c3"], outputs: ["g"]),
        Node("Flatten", inputs: ["g"], outputs: ["f"]),
        Node("Gemm", inputs: ["f", "w4", "b4"], outputs: ["y"]),
      ],
      constants: [
        "w1": numbers.tensor([8, 3, 3, 3]), "b1": numbers.tensor([8]), "w2": numbers.tensor([8, 8, 3, 3]),
        "w3": numbers.tensor([6, 8, 1, 1]), "w4": numbers.tensor([6, 4]), "b4": numbers.tensor([4]),
        "zero": .floats([0], []), "six": .floats([6], []),
      ])
    model.graph.inputs[0].shape = Shape([2, 3, 8, 8])
    return model
  }

  static func context(_ input: [Int] = [8, 3, 8, 8]) throws -> OptimizationContext {
    var numbers = Numbers()
    let samples = try SampleSet(arrays: ["x": HostArray(numbers.take(input.reduce(1, *)), input)])
    return OptimizationContext(
      samples: samples, calibration: Array(0..<input[0]),
      engine: try Engine.load(path: OnnxRuntimeLibrary.path),
      threads: 1)
  }

  /// Operators that the engine runs after its own rewriting.
  static func executed(_ model: Model) throws -> [String: Int] {
    let folder = try TemporaryFolder()
    let path = folder.path + "/optimized.onnx"
    _ = try Session(
      engine: try Engine.load(path: OnnxRuntimeLibrary.path), model: model,
      options: SessionOptions(threads: 1, optimization: .extended, optimizedModelPath: path))
    let bytes = try ByteSlice(mappingFile: path)
    return Dictionary(
      try ONNXReader.read(bytes, directory: folder.path).graph.nodes.map { ($0.opType, 1) },
      uniquingKeysWith: +)
  }

  @Test func everythingThatCanRunsInIntegers() throws {
    let model = Self.network()
    let plan = QuantizationPlan(model.graph)
    #expect(plan.layers.count == 4 && plan.declined.isEmpty)
    #expect(plan.absorbedActivations == [0: 1, 3: 4])
    #expect(!plan.integerNodes.contains(6))
    #expect(plan.parameterSource["m"] == "k" && plan.parameterSource["f"] == "g")
    let quantized = try Quantizer.quantize(model, recipe: QuantizationRecipe(), context: try Self.context())
    let operators = try Self.executed(quantized)
    #expect(operators["QLinearConv"] == 3 && operators["QLinearAdd"] == 1 && operators["QGemm"] == 1)
    #expect(
      operators["QLinearGlobalAveragePool"] == 1 && operators["Conv"] == nil && operators["Gemm"] == nil)
    #expect(operators["Relu"] == nil && operators["Clip"] == nil && operators["Tanh"] == 1)
    // One pair around the input and one float gap, the Tanh.
    #expect(operators["QuantizeLinear"] == 2 && operators["DequantizeLinear"] == 1)
    #expect(Computed.difference(try Computed.output(model), try Computed.output(quantized)) < 0.05)
  }

  @Test func namedLayersStayInFloatWithoutLonelyPairs() throws {
    let model = Self.network()
    var recipe = QuantizationRecipe()
    recipe.floatLayers = ["c2", "c3"]
    let plan = QuantizationPlan(model, recipe: recipe)
    #expect(Set(plan.layers.keys) == [0, 10])
    let quantized = try Quantizer.quantize(model, recipe: recipe, context: try Self.context())
    let operators = try Self.executed(quantized)
    #expect(operators["QLinearConv"] == 1 && operators["QGemm"] == 1)
    // Rounded: the first layer's input and output and the last one's input; nothing between float operators.
    #expect(quantized.graph.nodes.count { $0.opType == "QuantizeLinear" } == 3)
    recipe.floatLayers = ["c1", "c2", "c3", "y"]
    #expect(QuantizationPlan(model, recipe: recipe).quantizedValues.isEmpty)
    #expect(QuantizationPlan(model, recipe: recipe).integerNodes.isEmpty)
  }

  @Test func layersOnlyLeavesArithmeticInFloat() throws {
    var recipe = QuantizationRecipe()
    recipe.coverage = .layers
    let quantized = try Quantizer.quantize(Self.network(), recipe: recipe, context: try Self.context())
    let operators = try Self.executed(quantized)
    #expect(operators["QLinearAdd"] == nil && operators["QLinearConv"] == 3 && operators["Add"] == 1)
  }

  /// x W -> (q, k) -> q k^T -> softmax.
  static func attention() -> Model {
    var numbers = Numbers()
    return Graphs.model(
      [
        Node("MatMul", inputs: ["x", "wq"], outputs: ["q"]),
        Node("MatMul", inputs: ["x", "wk"], outputs: ["k"]),
        Node("Transpose", inputs: ["k"], outputs: ["kt"], attributes: ["perm": .ints([0, 2, 1])]),
        Node("MatMul", inputs: ["q", "kt"], outputs: ["a"]),
        Node("Mul", inputs: ["a", "scale"], outputs: ["as"]),
        Node("Softmax", inputs: ["as"], outputs: ["p"], attributes: ["axis": .int(-1)]),
        Node("MatMul", inputs: ["p", "x"], outputs: ["y"]),
      ],
      input: [2, 8, 16],
      constants: [
        "wq": numbers.tensor([16, 16]), "wk": numbers.tensor([16, 16]), "scale": .floats([0.25], []),
      ])
  }

  @Test func attentionIsAnOption() throws {
    let model = Self.attention()
    #expect(QuantizationPlan(model.graph).integerNodes == [0, 1])
    var recipe = QuantizationRecipe()
    recipe.coverage = .attention
    let quantized = try Quantizer.quantize(model, recipe: recipe, context: try Self.context([8, 8, 16]))
    let operators = try Self.executed(quantized)
    #expect((operators["MatMul"] ?? 0) == 0, "\(operators)")
    #expect((operators["QLinearMatMul"] ?? 0) + (operators["MatMulIntegerToFloat"] ?? 0) == 4, "\(operators)")
    #expect(operators["QLinearSoftmax"] == 1, "\(operators)")
    let input = [2, 8, 16]
    #expect(
      Computed.difference(
        try Computed.output(model, input: input), try Computed.output(quantized, input: input)) < 0.1)
  }

  @Test(arguments: [true, false])
  func biasBehindAMatrixProductIsFused(isFirst: Bool) throws {
    var numbers = Numbers()
    let model = Graphs.model(
      [
        Node("MatMul", inputs: ["x", "w"], outputs: ["p"]),
        Node("Add", inputs: isFirst ? ["b", "p"] : ["p", "b"], outputs: ["s"]),
        Node("Tanh", inputs: ["s"], outputs: ["y"]),
      ], input: [2, 8, 16], constants: ["w": numbers.tensor([16, 24]), "b": numbers.tensor([24])])
    let plan = QuantizationPlan(model.graph)
    #expect(plan.biasAdditions == [0: 1] && plan.layers[0]?.takesBias == true)
    let recipe = QuantizationRecipe(biasCorrection: true)
    let quantized = try Quantizer.quantize(model, recipe: recipe, context: try Self.context([8, 8, 16]))
    let operators = try Self.executed(quantized)
    #expect((operators["QGemm"] ?? 0) + (operators["MatMulIntegerToFloat"] ?? 0) == 1, "\(operators)")
    #expect(operators["Gemm"] == nil && operators["MatMul"] == nil, "\(operators)")
    let input = [2, 8, 16]
    #expect(
      Computed.difference(
        try Computed.output(model, input: input), try Computed.output(quantized, input: input)) < 0.05)
  }

  @Test func shapeArithmeticIsLeftAlone() throws {
    var numbers = Numbers()
    let model = Graphs.model(
      [
        Node("Conv", inputs: ["x", "w"], outputs: ["c"]),
        Node("Shape", inputs: ["c"], outputs: ["shape"]),
        Node("Slice", inputs: ["shape", "from", "to"], outputs: ["batch"]),
        Node("Concat", inputs: ["batch", "rest"], outputs: ["target"], attributes: ["axis": .int(0)]),
        Node("Reshape", inputs: ["c", "target"], outputs: ["flat"]),
        Node("Gemm", inputs: ["flat", "v"], outputs: ["y"]),
      ],
      constants: [
        "w": numbers.tensor([4, 3, 8, 8]), "v": numbers.tensor([4, 5]), "from": .int64s([0]),
        "to": .int64s([1]),
        "rest": .int64s([-1]),
      ])
    let plan = QuantizationPlan(model.graph)
    #expect(plan.integerNodes == [0, 4, 5])
    let quantized = try Quantizer.quantize(model, recipe: QuantizationRecipe(), context: try Self.context())
    #expect(Computed.difference(try Computed.output(model), try Computed.output(quantized)) < 0.05)
  }

  @Test func valuesThatNestedGraphsReadKeepTheirName() throws {
    var numbers = Numbers()
    var then = Graph(name: "then", nodes: [Node("Neg", inputs: ["c"], outputs: ["n"])])
    then.outputs = [ValueInfo(name: "n", dataType: .float32, shape: nil)]
    var other = Graph(name: "else", nodes: [Node("Abs", inputs: ["c"], outputs: ["m"])])
    other.outputs = [ValueInfo(name: "m", dataType: .float32, shape: nil)]
    let model = Graphs.model(
      [
        Node("Conv", inputs: ["x", "w"], outputs: ["c"]),
        Node("Cast", inputs: ["yes"], outputs: ["condition"], attributes: ["to": .int(9)]),
        Node(
          "If", inputs: ["condition"], outputs: ["i"],
          attributes: ["then_branch": .graph(then), "else_branch": .graph(other)]),
        Node("Conv", inputs: ["i", "v"], outputs: ["y"]),
      ],
      constants: [
        "w": numbers.tensor([4, 3, 3, 3]), "v": numbers.tensor([5, 4, 1, 1]), "yes": .int64s([1], []),
      ])
    let quantized = try Quantizer.quantize(model, recipe: QuantizationRecipe(), context: try Self.context())
    #expect(try Self.executed(quantized)["QLinearConv"] == 2)
    #expect(Computed.difference(try Computed.output(model), try Computed.output(quantized)) < 0.05)
  }

  @Test(arguments: [
    QuantizationRecipe(), QuantizationRecipe(perChannel: false), QuantizationRecipe(activations: .int8),
    QuantizationRecipe(activations: .uint8, weights: .uint8, perChannel: false),
    QuantizationRecipe(weightRange: .pairBounded, range: .entropy, biasCorrection: true),
  ])
  func everyTypeStaysClose(recipe: QuantizationRecipe) throws {
    var symmetric = recipe
    symmetric.symmetricActivations = true
    let wanted = try Computed.output(Self.network())
    for recipe in [recipe, symmetric] {
      let quantized = try Quantizer.quantize(Self.network(), recipe: recipe, context: try Self.context())
      let tolerance: Float = recipe.range == .entropy ? 0.25 : 0.1
      #expect(Computed.difference(wanted, try Computed.output(quantized)) < tolerance, "\(recipe.name)")
      // With signed activations the engine fuses by processor.
      if recipe.activations == .uint8 {
        #expect(try Self.executed(quantized)["Conv"] == nil, "\(recipe.name)")
      }
    }
  }

  @Test func normalizationBeforeAReluRunsInIntegers() throws {
    var numbers = Numbers()
    var constants = Graphs.batchNorm("n", 8, &numbers)
    constants["w"] = numbers.tensor([4, 3, 3, 3])
    constants["w2"] = numbers.tensor([4, 3, 3, 3])
    constants["v"] = numbers.tensor([5, 8, 1, 1])
    let model = Graphs.model(
      [
        Node("Conv", inputs: ["x", "w"], outputs: ["a"]), Node("Conv", inputs: ["x", "w2"], outputs: ["b"]),
        Node("Concat", inputs: ["a", "b"], outputs: ["c"], attributes: ["axis": .int(1)]),
        Node("BatchNormalization", inputs: ["c", "n_g", "n_b", "n_m", "n_v"], outputs: ["n"]),
        Node("Relu", inputs: ["n"], outputs: ["r"]), Node("Conv", inputs: ["r", "v"], outputs: ["y"]),
      ], constants: constants)
    var rewritten = model
    #expect(IntegerBatchNorm.run(&rewritten) == 1)
    let wanted = try Computed.output(model)
    #expect(Computed.difference(wanted, try Computed.output(rewritten)) < 1e-5)
    let quantized = try Quantizer.quantize(model, recipe: QuantizationRecipe(), context: try Self.context())
    let operators = try Self.executed(quantized)
    #expect(operators["QLinearConv"] == 4 && operators["BatchNormalization"] == nil)
    #expect(operators["QLinearConcat"] == 1 && operators["Relu"] == nil)
    #expect(Computed.difference(wanted, try Computed.output(quantized)) < 0.05)
  }

  @Test func slowKernelsAreRefused() throws {
    #expect(throws: ScopeError.self) {
      try Quantizer.quantize(
        Self.network(), recipe: QuantizationRecipe(weights: .uint8), context: try Self.context())
    }
  }

  @Test func unusableWeightsAreNamed() throws {
    var model = Self.network()
    var values = try #require(model.graph.initializers["w2"]).floats()
    values[37] = .nan
    values[80] = .infinity
    model.graph.initializers["w2"] = .floats(values, [8, 8, 3, 3])
    let problem = try #require(WeightProblems.find(model).first)
    #expect(problem.tensor == "w2" && problem.position == 37 && problem.count == 2 && problem.value == "nan")
    #expect(problem.index == [0, 4, 0, 1])
    let plan = QuantizationPlan(model.graph)
    #expect(plan.layers[2] == nil && plan.declined.first?.contains("w2") == true)
    #expect(try WeightProblems.find(Self.network()).isEmpty)
  }

  @Test func quantizedModelsAreRecognised() throws {
    let model = Self.network()
    #expect(QuantizationPlan.existingQuantization(model.graph) == nil)
    let quantized = try Quantizer.quantize(model, recipe: QuantizationRecipe(), context: try Self.context())
    let found = try #require(QuantizationPlan.existingQuantization(quantized.graph))
    #expect(found.form == .qdq && !found.isPartial)
    var recipe = QuantizationRecipe()
    recipe.floatLayers = ["c2"]
    let partly = try Quantizer.quantize(model, recipe: recipe, context: try Self.context())
    let second = try #require(QuantizationPlan.existingQuantization(partly.graph))
    #expect(second.isPartial && second.floatLayers == 1 && second.description.contains("1 layers in float"))
    var integer = model
    integer.graph.nodes[0] = Node("QLinearConv", inputs: ["x", "w1"], outputs: ["c1"])
    #expect(QuantizationPlan.existingQuantization(integer.graph)?.form == .integerOperators)
  }

  @Test func saturationRiskFollowsWeightsAndProcessor() throws {
    let model = Self.network()
    let plan = QuantizationPlan(model.graph)
    let calibration = try Calibration.run(model, plans: [plan], context: try Self.context())
    var machine = Machine.current
    machine.vectorExtensions = ["avx2"]
    func risk(_ range: WeightRange) -> SaturationRisk {
      SaturationRisk(
        model.graph, plan: plan, calibration: calibration, recipe: QuantizationRecipe(weightRange: range),
        machine: machine)
    }
    #expect(risk(.full).isExpected && risk(.full).worstCaseShare >= risk(.full).observedShare)
    #expect(risk(.pairBounded).worstCaseShare == 0 && risk(.reduced).worstCaseShare == 0)
    #expect(!risk(.reduced).isExpected)
    machine.vectorExtensions = ["avx2", "avx512_vnni"]
    #expect(risk(.full).accumulation == .exact && !risk(.full).isExpected)
    #expect(SaturationRisk.accumulation(["asimddp"]) == .exact && SaturationRisk.accumulation([]) == .unknown)
  }
}
