import Foundation
import ScopeBytes
import ScopeData
import ScopeFormats
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import ScopeStatistics
import TestSupport
import Testing

struct SearchPartsTests {
  @Test func wilsonIntervalInvertsTheScoreTest() throws {
    for wanted in try Golden.load().wilson {
      let found = Proportion(successes: wanted.successes, trials: wanted.trials).interval
      #expect(abs(found.lowerBound - max(0, wanted.interval[0])) < 1e-9)
      #expect(abs(found.upperBound - min(1, wanted.interval[1])) < 1e-9)
    }
  }

  @Test func pairedComparisonCountsChangesAndStaysUncertain() {
    let changed = PairedComparison(original: [0, 1, 2, 0], candidate: [0, 2, 2, 1], labels: [0, 1, 1, 1])
    #expect(changed.originalCorrect == 2 && changed.candidateCorrect == 2)
    #expect(changed.lost == 1 && changed.gained == 1 && changed.agreeing == 2)
    #expect(changed.accuracyDrop == 0)
    // No change among 16 images does not prove that none would change: +-1.96 / 18.
    let same = [Int](repeating: 1, count: 16)
    let equal = PairedComparison(original: same, candidate: same, labels: same)
    #expect(abs(equal.dropInterval.upperBound - 1.959963984540054 / 18) < 1e-12)
    #expect(equal.agreement.value == 1)
  }

  @Test func splitSeparatesAndSpreadsOverClasses() throws {
    let labels = (0..<100).map { $0 * 7 % 10 }
    let split = try DataSplit(labels: labels)
    #expect(split.calibration.count == 20)
    #expect(Set(split.calibration).isDisjoint(with: split.evaluation))
    #expect(Set(split.calibration + split.evaluation) == Set(0..<100))
    #expect(Set(split.calibration.map { labels[$0] }).count == 10)
    #expect(split == (try DataSplit(labels: labels)))
    #expect(split != (try DataSplit(labels: labels, seed: 1)))
    #expect(try DataSplit(labels: labels, limit: 4).calibration.count == 4)
    #expect(try DataSplit(labels: [0, 1]).calibration.count == 1)
    #expect(throws: ScopeError.self) { try DataSplit(labels: [0]) }
    #expect(throws: ScopeError.self) { try DataSplit(labels: labels, stride: 1) }
  }
}

@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct SearchTests {
  let engine: Engine
  init() throws { engine = try Engine.load(path: OnnxRuntimeLibrary.path) }

  private func folded() throws -> ExactFolding {
    try ExactFolding.run(
      try Stripes.model(), samples: try Stripes.samples(), indices: Array(0..<16), engine: engine, threads: 1)
  }

  private func quantized(_ recipe: QuantizationRecipe) throws -> Model {
    try Quantizer.quantize(try folded().model, recipe: recipe, context: try Stripes.context(engine: engine))
  }

  @Test func foldingIsExactOnImages() throws {
    let folding = try folded()
    #expect(folding.difference < 1e-5)
    #expect(folding.leftOut.isEmpty)
    #expect(folding.passes.map(\.name).contains("fold-batch-norm"))
    #expect(
      !folding.model.graph.nodes.contains { $0.opType == "BatchNormalization" || $0.opType == "Constant" })
  }

  @Test(arguments: [
    QuantizationRecipe(), QuantizationRecipe(weightRange: .pairBounded, biasCorrection: true),
    QuantizationRecipe(weightRange: .reducedExceptDepthwise, range: .percentile),
    QuantizationRecipe(activations: .int8), QuantizationRecipe(weights: .uint8, perChannel: false),
    QuantizationRecipe(range: .leastSquares),
  ])
  func everyRecipeIsSmallAndAgrees(recipe: QuantizationRecipe) throws {
    let model = try quantized(recipe)
    let original = try Stripes.model()
    #expect(try Stripes.bytes(model) < Stripes.bytes(try folded().model) * 6 / 10)
    let before = try Stripes.predictions(original)
    let after = try Stripes.predictions(model)
    #expect(zip(before, after).filter { $0 == $1 }.count >= 97, "\(recipe.name)")
  }

  /// Activations are absorbed, weights are stored as integers, only the scores stay float.
  @Test func formIsWhatEnginesFuse() throws {
    let model = try quantized(QuantizationRecipe())
    let operators = Set(model.graph.nodes.map(\.opType))
    #expect(!operators.contains("Relu") && !operators.contains("Clip"))
    #expect(
      operators.isSuperset(of: ["QuantizeLinear", "DequantizeLinear", "Conv", "Add", "MaxPool", "Gemm"]))
    let producers = model.graph.producers
    for node in model.graph.nodes where node.opType == "Conv" || node.opType == "Gemm" {
      for input in node.inputs {
        #expect(model.graph.nodes[try #require(producers[input])].opType == "DequantizeLinear")
      }
    }
    let floats = model.graph.initializers.values.filter { $0.dataType == .float32 && $0.dimensions.count > 1 }
    #expect(floats.isEmpty)
    #expect(model.graph.nodes.last?.outputs == ["scores"])
    // MaxPool hands its numbers on unchanged, so both sides share one scale.
    let pool = try #require(model.graph.nodes.first { $0.opType == "MaxPool" })
    let after = try #require(model.graph.nodes.first { $0.inputs.first == pool.outputs[0] })
    let before = model.graph.nodes[try #require(producers[pool.inputs[0]])]
    #expect(after.opType == "QuantizeLinear" && after.inputs[1] == before.inputs[1])
  }

  /// Tables that are looked up become 8-bit rows; one that a product reads as well stays.
  @Test(arguments: [false, true])
  func embeddingTablesAreStoredInIntegers(isTied: Bool) throws {
    var numbers = Numbers()
    var graph = Graph(
      name: "lookup",
      nodes: [
        Node("Gather", inputs: ["table", "tokens"], outputs: ["rows"]),
        Node("MatMul", inputs: ["rows", "w"], outputs: ["h"]), Node("Relu", inputs: ["h"], outputs: ["r"]),
        Node("MatMul", inputs: ["r", isTied ? "turned" : "v"], outputs: ["y"]),
      ])
    if isTied {
      graph.nodes.insert(Node("Transpose", inputs: ["table"], outputs: ["turned"]), at: 3)
    }
    graph.inputs = [ValueInfo(name: "tokens", dataType: .int64, shape: Shape([1, 6]))]
    graph.outputs = [ValueInfo(name: "y", dataType: .float32, shape: nil)]
    graph.initializers["table"] = numbers.tensor([200, 32])
    graph.initializers["w"] = numbers.tensor([32, 32])
    if !isTied { graph.initializers["v"] = numbers.tensor([32, 40]) }
    let model = Model(opset: 17, graph: graph)
    let tokens = (0..<8 * 6).map { Int64($0 * 37 % 200) }
    let samples = try SampleSet(arrays: ["tokens": HostArray(.int64(tokens), [8, 6])])
    let context = OptimizationContext(
      samples: samples, calibration: Array(0..<8), engine: engine, threads: 1)
    let quantized = try Quantizer.quantize(model, recipe: QuantizationRecipe(), context: context)
    let floats = quantized.graph.initializers.filter {
      $0.value.dataType == .float32 && $0.value.dimensions == [200, 32]
    }
    #expect(floats.isEmpty == !isTied)
    let feed = ["tokens": HostArray(.int64(Array(tokens.prefix(6))), [1, 6])]
    let (before, after) = (try Computed.run(model, feed)["y"], try Computed.run(quantized, feed)["y"])
    #expect(Computed.sqnr(before?.floats ?? [], after?.floats ?? []) > 25)
  }

  @Test func oldOperatorSetsAreRaisedOrRefused() throws {
    var model = try folded().model
    model.opsets[""] = 12
    for index in model.graph.nodes.indices where model.graph.nodes[index].opType == "Clip" {
      #expect(model.graph.nodes[index].inputs.count == 3)
    }
    let context = try Stripes.context(engine: engine)
    let raised = try Quantizer.quantize(model, recipe: QuantizationRecipe(), context: context)
    #expect(raised.opset == 13)
    model.graph.nodes[0].opType = "Upsample"
    let error = #expect(throws: ScopeError.self) {
      try Quantizer.quantize(model, recipe: QuantizationRecipe(), context: context)
    }
    #expect(error?.code == .unsupported && error?.description.contains("Upsample") == true)
  }

  private func request() throws -> OptimizationRequest {
    let model = try Stripes.model()
    var request = OptimizationRequest(
      model: model, originalBytes: try Stripes.bytes(model), samples: try Stripes.samples(), engine: engine)
    request.threads = 1
    return request
  }

  @Test func wholeSearchKeepsItsPromises() throws {
    let request = try request()
    let result = try Optimizer.run(request)
    #expect(result.candidates.filter { $0.verdict == .chosen }.count == 1)
    #expect(result.candidates.allSatisfy { !$0.reason.isEmpty })
    // Four kernel types and the folded model at least.
    #expect(result.candidates.count >= 5)
    #expect(result.evaluationImages == 80 && result.calibrationImages == 20)
    #expect(try Stripes.bytes(result.model) == result.optimizedBytes)
    #expect(result.comparison.accuracyDrop <= request.maxAccuracyDrop)
    #expect(result.originalAccuracy >= 0.95)
    if result.isApproximate {
      #expect(result.sizeReduction > 0.3)
      #expect(result.speedup.ratio > 1)
    } else {
      #expect(result.notes.contains { $0.contains("folded FP32") })
    }
    // The figure is that of the model returned.
    let predictions = try Stripes.predictions(result.model)
    #expect(try Stripes.accuracy(predictions) >= 0.95)
  }

  @Test func nothingIsQuantizedWithoutConstantWeights() throws {
    var model = Graphs.model(
      [
        Node("GlobalAveragePool", inputs: ["x"], outputs: ["p"]),
        Node("Flatten", inputs: ["p"], outputs: ["y"]),
      ], input: [1, 3, 16, 16])
    model.graph.inputs[0].shape = Shape([.symbolic("N"), .known(3), .known(16), .known(16)])
    var request = try request()
    request.model = model
    let result = try Optimizer.run(request)
    #expect(!result.isApproximate)
    #expect(result.notes.contains { $0.contains("nothing can run in INT8") })
    #expect(result.comparison.agreement.value == 1)
  }

  @Test func labelsBeyondTheClassesAreRefused() throws {
    var request = try request()
    let images = try Stripes.images()
    request.samples = SampleSet(
      images: try LabeledImages(
        channels: 3, height: 16, width: 16, pixels: images.pixels, labels: images.labels.map { $0 + 1 },
        names: images.names), normalization: Stripes.normalization)
    let error = #expect(throws: ScopeError.self) { try Optimizer.run(request) }
    #expect(error?.code == .invalidData)
  }
}

/// The search beyond its defaults.
@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct SearchSettingsTests {
  private func request() throws -> OptimizationRequest {
    let model = try Stripes.model()
    var request = OptimizationRequest(
      model: model, originalBytes: try Stripes.bytes(model), samples: try Stripes.samples(),
      engine: try Engine.load(path: OnnxRuntimeLibrary.path))
    request.threads = 1
    return request
  }

  @Test func sizeTakesTheSmallestThatIsAdmissible() throws {
    var request = try request()
    request.objective = .size
    let result = try Optimizer.run(request)
    let admissible = result.candidates.filter {
      $0.verdict != .rejected && $0.comparison != nil && $0.latency != nil
    }
    let smallest = try #require(admissible.compactMap(\.bytes).min())
    let chosen = try #require(result.candidates.first { $0.verdict == .chosen }?.bytes)
    #expect(Double(chosen) <= Double(smallest) * 1.02)
  }

  @Test func withoutLabelsAgreementJudges() throws {
    var request = try request()
    request.samples = SampleSet(
      images: try Stripes.images(), normalization: Stripes.normalization, isLabelled: false)
    let result = try Optimizer.run(request)
    #expect(!result.isLabelled && result.isJudged)
    // The original agrees with itself everywhere.
    #expect(result.comparison.originalCorrect == result.comparison.images)
    #expect(result.comparison.gained == 0)
  }

  @Test func anInterruptedSearchGoesOn() throws {
    let folder = try TemporaryFolder()
    var request = try request()
    request.workDirectory = folder.path + "/work"
    let first = try Optimizer.run(request)
    // On the front: files; the others are gone.
    let onFront = first.candidates.filter { $0.isOnFront && $0.path != nil }
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/work")
    #expect(Set(files.filter { $0.hasSuffix(".onnx") }).count == onFront.count)
    for candidate in onFront {
      let path = try #require(candidate.path)
      #expect(try ByteSlice(mappingFile: path).count == candidate.bytes)
      #expect(
        try Stripes.accuracy(try Stripes.predictions(try ONNXReader.read(ByteSlice(mappingFile: path)))) > 0.9
      )
    }
    // A damaged file and a cut journal are measured again, not believed.
    if let path = onFront.first?.path { try Data([1, 2, 3]).write(to: URL(filePath: path)) }
    let journal = folder.path + "/work/search.jsonl"
    let text = try String(contentsOfFile: journal, encoding: .utf8)
    try String(text.dropLast(text.count / 3)).write(toFile: journal, atomically: true, encoding: .utf8)
    let second = try Optimizer.run(request)
    for candidate in second.candidates {
      guard let before = first.candidates.first(where: { $0.name == candidate.name }) else { continue }
      #expect(candidate.bytes == before.bytes && candidate.calibrationSQNR == before.calibrationSQNR)
    }
  }

  @Test func sensitivityOrdersLayers() throws {
    var request = try request()
    request.measuresSensitivity = true
    let result = try Optimizer.run(request)
    #expect(!result.sensitivity.isEmpty)
    #expect(result.sensitivity.map(\.sqnr) == result.sensitivity.map(\.sqnr).sorted())
    #expect(abs(result.sensitivity.reduce(0) { $0 + $1.parameterShare } - 1) < 1e-9)
    // One layer alone costs less than all together.
    let all = result.candidates.filter { $0.technique == .int8 }.compactMap(\.calibrationSQNR).max() ?? 0
    #expect((result.sensitivity.last?.sqnr ?? 0) > all)
  }

  @Test func layersThatHurtStayInFloat() throws {
    // Weights of one channel a million times those of its neighbours: one scale for both loses the small one.
    var model = try Stripes.model()
    let name = try #require(model.graph.nodes.first { $0.opType == "Conv" }?.inputs[1])
    let tensor = try #require(model.graph.initializers[name])
    var values = try tensor.floats()
    let row = values.count / tensor.dimensions[0]
    values[row - 1] *= 3000
    model.graph.initializers[name] = .floats(values, tensor.dimensions)
    var request = try request()
    request.model = model
    request.judgesByAgreement = true
    request.maxAccuracyDrop = 0
    let result = try Optimizer.run(request)
    #expect(result.comparison.lost == 0)
  }

  @Test func withoutDataOnlyWeightsAreRewritten() throws {
    var request = try request()
    request.samples = try SampleSet(
      arrays: ["images": HostArray([Float](repeating: 0.5, count: 4 * 3 * 16 * 16), [4, 3, 16, 16])],
      isReal: false)
    let result = try Optimizer.run(request)
    #expect(!result.isJudged)
    #expect(result.candidates.allSatisfy { $0.technique != .int8 && $0.technique != .pruning })
    #expect(result.notes.contains { $0.contains("There is no data") })
  }
}
