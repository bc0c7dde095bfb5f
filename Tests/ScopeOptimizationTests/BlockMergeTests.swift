import ScopeBytes
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

/// Two residual blocks become one; what is lost is made up for by least squares.
@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct BlockMergeTests {
  private static let channels = 8

  private func conv(_ x: String, _ stem: String, _ y: String, kernel: Int = 3, stride: Int = 1) -> Node {
    Node(
      "Conv", name: y, inputs: [x, "\(stem)_w", "\(stem)_b"], outputs: [y],
      attributes: [
        "pads": .ints([Int](repeating: kernel / 2, count: 4)), "strides": .ints([stride, stride]),
        "kernel_shape": .ints([kernel, kernel]),
      ])
  }

  /// Stem, residual blocks `h0 -> h1 -> ...`, pooling and a classifier with random weights.
  ///
  /// - Parameter scale: of the residual branches' second convolutions, per block.
  private func network(
    _ scale: [Float], activations: [String] = ["Relu", "Relu", "Relu", "Relu"], kernels: [Int] = [3, 3, 3, 3]
  ) -> Model {
    var numbers = Numbers()
    let size = Self.channels
    var constants: [String: Tensor] = [:]
    func add(_ stem: String, _ dimensions: [Int], _ factor: Float) {
      let fan = Float(dimensions.dropFirst().reduce(1, *))
      constants["\(stem)_w"] = .floats(
        numbers.take(dimensions.reduce(1, *)).map { $0 * factor * 2 / fan.squareRoot() }, dimensions)
      constants["\(stem)_b"] = .floats(numbers.take(dimensions[0]).map { $0 * factor * 0.2 }, [dimensions[0]])
    }
    add("stem", [size, 3, 3, 3], 1)
    var nodes = [conv("x", "stem", "s"), Node("Relu", name: "h0", inputs: ["s"], outputs: ["h0"])]
    for (block, scale) in scale.enumerated() {
      let kernel = kernels[block]
      add("p\(block)", [size, size, kernel, kernel], 1)
      add("q\(block)", [size, size, 3, 3], scale)
      nodes += [
        conv("h\(block)", "p\(block)", "a\(block)", kernel: kernel),
        Node(activations[block], name: "r\(block)", inputs: ["a\(block)"], outputs: ["r\(block)"]),
        conv("r\(block)", "q\(block)", "c\(block)"),
        Node("Add", name: "t\(block)", inputs: ["c\(block)", "h\(block)"], outputs: ["t\(block)"]),
        Node("Relu", name: "h\(block + 1)", inputs: ["t\(block)"], outputs: ["h\(block + 1)"]),
      ]
    }
    nodes.append(Node("GlobalAveragePool", inputs: ["h\(scale.count)"], outputs: ["g"]))
    nodes.append(Node("Flatten", inputs: ["g"], outputs: ["f"]))
    constants["fc"] = numbers.tensor([size, 5])
    nodes.append(Node("MatMul", name: "y", inputs: ["f", "fc"], outputs: ["y"]))
    var model = Graphs.model(nodes, input: [1, 3, 8, 8], constants: constants)
    model.graph.inputs[0].shape = Shape([.symbolic("N"), .known(3), .known(8), .known(8)])
    return model
  }

  private func merge(_ first: Int, kept: [Int] = Array(0..<16)) -> BlockMerge {
    BlockMerge(first: "a\(first)", second: "a\(first + 1)", kept: kept)
  }

  private func samples(_ count: Int) throws -> SampleSet {
    var numbers = Numbers()
    return try SampleSet(arrays: ["x": HostArray(numbers.take(count * 3 * 64), [count, 3, 8, 8])])
  }

  /// The first 60 of 120 samples calibrate.
  private func context() throws -> OptimizationContext {
    OptimizationContext(
      samples: try samples(120), calibration: Array(0..<60),
      engine: try Engine.load(path: OnnxRuntimeLibrary.path),
      threads: 1)
  }

  /// Squared difference of the scores on the samples that did not calibrate, relative to the scores' variance.
  private func heldOutError(_ model: Model, _ other: Model, _ context: OptimizationContext) throws -> Double {
    let feed = context.samples.feed(Array(60..<120), input: "x")
    func scores(_ model: Model) throws -> [Double] {
      let session = try Session(engine: context.engine, model: model, options: SessionOptions(threads: 1))
      return try #require(try session.run(feed)["y"]).floats.map(Double.init)
    }
    let (a, b) = (try scores(model), try scores(other))
    #expect(a.count == b.count)
    var (noise, signal) = (0.0, 0.0)
    for column in 0..<5 {
      let values = stride(from: column, to: a.count, by: 5).map { a[$0] }
      let mean = values.reduce(0, +) / Double(values.count)
      signal += values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    }
    for (x, y) in zip(a, b) { noise += (x - y) * (x - y) }
    return noise / signal
  }

  @Test func blocksAndPairsAreFound() {
    let model = network([1, 1, 1])
    let blocks = ResidualBlock.find(model.graph)
    #expect(blocks.map(\.input) == ["h0", "h1", "h2"])
    #expect(blocks.map(\.output) == ["h1", "h2", "h3"])
    #expect(blocks.allSatisfy { $0.hidden == 8 && $0.activation != nil && $0.tail.count == 1 })
    let pairs = ResidualBlock.pairs(blocks, model.graph)
    #expect(pairs.map(\.first) == [0, 1])
    #expect(pairs.map(\.second) == [1, 2])
  }

  @Test func exactWhereTheFirstBranchIsZero() throws {
    let model = network([0, 1, 1])
    let merger = try BlockMerger(model, [merge(0)])
    try GraphValidation.check(merger.merged)
    #expect(merger.merged.graph.nodes.count == model.graph.nodes.count - 5)
    let expected = try Computed.output(model)
    #expect(Computed.difference(expected, try Computed.output(merger.merged)) < 1e-5)
    // The first block's channels do nothing: without them it is the same.
    let narrow = try BlockMerger(model, [merge(0, kept: Array(8..<16))])
    #expect(Computed.difference(expected, try Computed.output(narrow.merged)) < 1e-5)
    #expect(
      narrow.merged.graph.initializers.values.reduce(0) { $0 + $1.byteCount }
        < model.graph.initializers.values.reduce(0) { $0 + $1.byteCount })
  }

  @Test func theTeacherComputesTheOriginalAndTheHiddenLayer() throws {
    let model = network([1, 1, 1])
    let merger = try BlockMerger(model, [merge(1, kept: [0, 3, 9])])
    try GraphValidation.check(merger.teacher)
    #expect(
      Computed.difference(try Computed.output(model), try Computed.output(merger.teacher)) < 1e-6)
    func value(_ name: String, of model: Model) throws -> [Float] {
      var exposed = model
      exposed.graph.outputs = [ValueInfo(name: name, dataType: .float32, shape: nil)]
      _ = try EliminateDeadNodes().run(&exposed)
      let session = try Session(
        engine: try Engine.load(path: OnnxRuntimeLibrary.path), model: exposed,
        options: SessionOptions(threads: 1))
      return try #require(try session.run(samples(2).feed([0, 1], input: "x"))[name]).floats
    }
    // Block 1 reads the same in both: its hidden channels 0 and 3, and channel 1 of block 2 on the same input.
    let hidden = try value(merger.values[0].hidden, of: merger.teacher)
    #expect(Computed.difference(hidden, try value(merger.values[0].hidden, of: merger.merged)) < 1e-6)
    let own = try value("r1", of: model)
    for sample in 0..<2 {
      for (position, channel) in [0, 3].enumerated() {
        let mine = hidden[(sample * 3 + position) * 64..<(sample * 3 + position + 1) * 64]
        let original = own[(sample * 8 + channel) * 64..<(sample * 8 + channel + 1) * 64]
        #expect(zip(mine, original).allSatisfy { abs($0 - $1) < 1e-5 })
      }
    }
  }

  @Test func leastSquaresMakesUpForTheMergeOnOtherSamples() throws {
    let model = network([1, 1, 1, 1])
    let context = try context()
    var recipe = PruningRecipe()
    recipe.cost = .macs
    let study = try PruningStudy(model, recipe: recipe, context: context)
    var plan = study.plan(saving: 0.2)
    #expect(!plan.merges.isEmpty)
    #expect(plan.merges.allSatisfy { $0.kept.count == 8 })
    let fitted = try StructuredPruner.prune(model, plan, context: context)
    plan.recipe.reconstruction = .none
    let plain = try StructuredPruner.prune(model, plan, context: context)
    let (with, without) = (
      try heldOutError(model, fitted.model, context), try heldOutError(model, plain.model, context)
    )
    #expect(with < 0.5 * without)
    #expect(try #require(fitted.macsAfter) < #require(fitted.macsBefore) * 9 / 10)
    #expect(fitted.declined.isEmpty)
  }

  @Test func blocksThatAreReadElsewhereOrDifferAreLeftAlone() {
    func pairs(_ model: Model) -> [Int] {
      ResidualBlock.pairs(ResidualBlock.find(model.graph), model.graph).map(\.first)
    }
    #expect(pairs(network([1, 1, 1], activations: ["Relu", "Sigmoid", "Relu"])) == [])
    #expect(pairs(network([1, 1, 1], kernels: [3, 1, 1])) == [1])
    var output = network([1, 1, 1])
    output.graph.outputs.append(ValueInfo(name: "h1", dataType: .float32, shape: nil))
    #expect(pairs(output) == [1])
    var inner = network([1, 1, 1])
    inner.graph.outputs.append(ValueInfo(name: "r1", dataType: .float32, shape: nil))
    #expect(pairs(inner) == [])
    var branch = network([1, 1, 1])
    branch.graph.nodes.insert(
      Node("Identity", inputs: ["h1"], outputs: ["copy"]), at: branch.graph.nodes.count - 1)
    branch.graph.outputs.append(ValueInfo(name: "copy", dataType: .float32, shape: nil))
    #expect(pairs(branch) == [1])
    var half = network([1, 1, 1])
    half.graph.initializers["p1_w"] = .int64s([Int](repeating: 1, count: 576), [8, 8, 3, 3])
    #expect(pairs(half) == [])
  }

  @Test(arguments: [
    [BlockMerge(first: "a0", second: "a1", kept: [])], [BlockMerge(first: "a0", second: "a1", kept: [3, 3])],
    [BlockMerge(first: "a0", second: "a1", kept: [16])],
    [BlockMerge(first: "a0", second: "a1", kept: [-1, 2])],
    [BlockMerge(first: "a0", second: "a2", kept: [0])], [BlockMerge(first: "none", second: "a1", kept: [0])],
    [BlockMerge(first: "a0", second: "a1", kept: [0]), BlockMerge(first: "a1", second: "a2", kept: [0])],
  ])
  func mergesThatDoNotFitAreRefused(merges: [BlockMerge]) {
    do {
      _ = try BlockMerger(network([1, 1, 1]), merges)
      Issue.record("no refusal")
    } catch {
      #expect(error.code == .invalidArgument)
    }
  }

  @Test func severalMergesInOneChain() throws {
    let model = network([0, 1, 0, 1])
    let merger = try BlockMerger(model, [merge(0, kept: Array(8..<16)), merge(2, kept: Array(8..<16))])
    try GraphValidation.check(merger.merged)
    #expect(
      Computed.difference(try Computed.output(model), try Computed.output(merger.merged)) < 1e-5)
    #expect(merger.layers.count == 2)
  }
}
