import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

/// Removing channels that nobody reads any more must not change the outputs.
@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct ChannelGroupsTests {
  /// Every third channel of every prunable group.
  private func everyThird(_ groups: ChannelGroups) -> Set<Int> {
    var removed: Set<Int> = []
    for group in groups.groups where group.isPrunable {
      for (number, channel) in group.channels.enumerated() where number % 3 == 1 { removed.insert(channel) }
    }
    return removed
  }

  private func check(_ model: Model, input: [Int], prunable: Int? = nil) throws {
    let groups = ChannelGroups(model)
    let removed = everyThird(groups)
    #expect(!removed.isEmpty)
    if let prunable { #expect(groups.groups.filter(\.isPrunable).count == prunable) }
    let removal = ChannelRemoval(groups, removing: removed)
    let smaller = try removal.apply(to: model)
    try GraphValidation.check(smaller)
    let expected = try Computed.output(try removal.masked(model), input: input)
    #expect(expected.contains { $0 != 0 })
    #expect(Computed.difference(expected, try Computed.output(smaller, input: input)) < 1e-5)
    func weights(_ model: Model) -> Int { model.graph.initializers.values.reduce(0) { $0 + $1.byteCount } }
    #expect(weights(smaller) < weights(model))
  }

  private func conv(_ x: String, _ w: String, _ y: String, pads: Int = 1, group: Int = 1) -> Node {
    Node(
      "Conv", name: y, inputs: [x, w], outputs: [y],
      attributes: ["pads": .ints([pads, pads, pads, pads]), "group": .int(group)])
  }

  @Test func chainThroughNormalisationPoolingAndConstants() throws {
    var numbers = Numbers()
    var constants = Graphs.batchNorm("n", 6, &numbers)
    constants["w"] = numbers.tensor([6, 3, 3, 3])
    constants["v"] = numbers.tensor([4, 6, 3, 3])
    constants["s"] = numbers.tensor([6, 1, 1])
    constants["t"] = numbers.tensor([1, 6, 1, 1])
    try check(
      Graphs.model(
        [
          conv("x", "w", "a"),
          Node("BatchNormalization", inputs: ["a", "n_g", "n_b", "n_m", "n_v"], outputs: ["b"]),
          Node("Relu", inputs: ["b"], outputs: ["c"]),
          Node("Mul", inputs: ["c", "s"], outputs: ["d"]), Node("Add", inputs: ["t", "d"], outputs: ["e"]),
          Node(
            "MaxPool", inputs: ["e"], outputs: ["f"],
            attributes: ["kernel_shape": .ints([2, 2]), "strides": .ints([2, 2])]),
          conv("f", "v", "y"),
        ], constants: constants), input: [2, 3, 8, 8], prunable: 1)
  }

  @Test func residualSqueezeExcitationAndDepthwise() throws {
    var numbers = Numbers()
    let constants = [
      "w": numbers.tensor([6, 3, 3, 3]), "e": numbers.tensor([9, 6, 1, 1]),
      "d": numbers.tensor([9, 1, 3, 3]),
      "q": numbers.tensor([3, 9, 1, 1]), "r": numbers.tensor([9, 3, 1, 1]),
      "p": numbers.tensor([6, 9, 1, 1]),
      "g": numbers.tensor([6, 5]), "z": numbers.tensor([5]),
    ]
    let model = Graphs.model(
      [
        conv("x", "w", "s"), conv("s", "e", "a", pads: 0), Node("HardSwish", inputs: ["a"], outputs: ["b"]),
        conv("b", "d", "c", group: 9), Node("GlobalAveragePool", inputs: ["c"], outputs: ["m"]),
        conv("m", "q", "n", pads: 0), Node("Relu", inputs: ["n"], outputs: ["o"]),
        conv("o", "r", "h", pads: 0), Node("HardSigmoid", inputs: ["h"], outputs: ["i"]),
        Node("Mul", inputs: ["i", "c"], outputs: ["j"]), conv("j", "p", "k", pads: 0),
        Node("Add", inputs: ["k", "s"], outputs: ["l"]),
        Node("GlobalAveragePool", inputs: ["l"], outputs: ["u"]),
        Node("Flatten", inputs: ["u"], outputs: ["v"]),
        Node("Gemm", inputs: ["v", "g", "z"], outputs: ["y"]),
      ], constants: constants)
    try check(model, input: [2, 3, 8, 8], prunable: 3)
    let groups = ChannelGroups(model).groups
    let stream = try #require(groups.first { $0.producers.contains(0) })
    #expect(stream.isResidual && stream.producers == [0, 10])
    let expansion = try #require(groups.first { $0.producers.contains(1) })
    #expect(expansion.producers == [1, 7] && expansion.couplings == [.gate])
    #expect(expansion.consumers == [5, 10])
    #expect(groups.first { $0.producers == [14] }?.reason == "the channels are an output of the model")
  }

  @Test func concatSplitSliceGatherAndGroups() throws {
    var numbers = Numbers()
    let constants = [
      "w": numbers.tensor([6, 3, 3, 3]), "v": numbers.tensor([8, 3, 3, 3]),
      "g": numbers.tensor([12, 2, 3, 3]),
      "u": numbers.tensor([6, 12, 1, 1]), "t": numbers.tensor([4, 9, 1, 1]),
      "from": .int64s([1]), "to": .int64s([7]), "axes": .int64s([1]), "pick": .int64s([0, 2, 4]),
      "sizes": .int64s([5, 9]),
    ]
    try check(
      Graphs.model(
        [
          conv("x", "w", "a"), conv("x", "v", "b"),
          Node("Concat", inputs: ["a", "b"], outputs: ["c"], attributes: ["axis": .int(1)]),
          Node("Split", inputs: ["c", "sizes"], outputs: ["p", "q"], attributes: ["axis": .int(1)]),
          Node("Slice", inputs: ["q", "from", "to", "axes"], outputs: ["r"]),
          Node("Gather", inputs: ["p", "pick"], outputs: ["s"], attributes: ["axis": .int(1)]),
          Node("Concat", inputs: ["r", "s"], outputs: ["h"], attributes: ["axis": .int(1)]),
          conv("h", "t", "i", pads: 0), conv("i", "g2", "j", group: 2), conv("j", "k", "y", pads: 0),
        ],
        constants: constants.merging(
          ["g2": numbers.tensor([6, 2, 3, 3]), "k": numbers.tensor([2, 6, 1, 1])]
        ) { $1 }), input: [2, 3, 8, 8])
  }

  @Test func flattenedFeaturesAndMatrixProducts() throws {
    var numbers = Numbers()
    let constants = [
      "w": numbers.tensor([6, 3, 3, 3]), "g": numbers.tensor([7, 6 * 16]), "z": numbers.tensor([7]),
      "m": numbers.tensor([7, 5]), "n": numbers.tensor([5]), "o": numbers.tensor([5, 3]),
      "shape": .int64s([0, -1]),
    ]
    try check(
      Graphs.model(
        [
          Node(
            "Conv", inputs: ["x", "w"], outputs: ["a"],
            attributes: ["strides": .ints([2, 2]), "pads": .ints([1, 1, 1, 1])]),
          Node("Reshape", inputs: ["a", "shape"], outputs: ["b"]),
          Node("Gemm", inputs: ["b", "g", "z"], outputs: ["c"], attributes: ["transB": .int(1)]),
          Node("Sigmoid", inputs: ["c"], outputs: ["d"]), Node("MatMul", inputs: ["d", "m"], outputs: ["e"]),
          Node("Add", inputs: ["n", "e"], outputs: ["f"]), Node("Erf", inputs: ["f"], outputs: ["h"]),
          Node("MatMul", inputs: ["h", "o"], outputs: ["y"]),
        ], constants: constants), input: [2, 3, 8, 8], prunable: 3)
  }

  @Test func whatIsNotUnderstoodIsNamed() {
    var numbers = Numbers()
    func reason(_ middle: [Node], _ extra: [String: Tensor] = [:]) -> String? {
      let constants = ["w": numbers.tensor([6, 3, 3, 3]), "v": numbers.tensor([2, 6, 1, 1])].merging(extra) {
        $1
      }
      let model = Graphs.model(
        [conv("x", "w", "a")] + middle + [conv("b", "v", "y", pads: 0)], constants: constants)
      return ChannelGroups(model).groups[0].reason
    }
    #expect(
      reason([Node("Softmax", name: "s", inputs: ["a"], outputs: ["b"], attributes: ["axis": .int(1)])])
        == "Softmax 's' mixes the channels")
    #expect(
      reason([Node("LRN", name: "l", inputs: ["a"], outputs: ["b"], attributes: ["size": .int(3)])])
        == "LRN 'l' is not followed")
    #expect(
      reason(
        [Node("Reshape", name: "r", inputs: ["a", "t"], outputs: ["b"])], ["t": .int64s([2, 6, 8, 8])]) == nil
    )
    #expect(
      reason([
        Node("ReduceMean", name: "m", inputs: ["a"], outputs: ["k"], attributes: ["axes": .ints([1])]),
        Node("Add", inputs: ["a", "k"], outputs: ["b"]),
      ]) == "ReduceMean 'm' reduces over the channels")
    #expect(
      reason([
        Node("Custom", name: "c", domain: "my.own", inputs: ["a"], outputs: ["b"])
      ]) == "Custom 'c' is not followed")
  }

  @Test func reshapesAreReadBackOverTheirAxes() throws {
    let heads = ChannelLabels(axis: 2, atoms: Array(0..<12)).reshaped(from: [2, 5, 12], to: [2, 5, 3, 4])
    #expect(heads?.axes == [2, 3] && heads?.sizes == [3, 4] && heads?.atoms == Array(0..<12))
    let back = heads?.reshaped(from: [2, 5, 3, 4], to: [10, 12])
    #expect(back?.axes == [1] && back?.atoms == Array(0..<12))
    let flat = ChannelLabels(axis: 1, atoms: [0, 1]).reshaped(from: [2, 2, 3, 1], to: [2, 6])
    #expect(flat?.axes == [1] && flat?.atoms == [0, 0, 0, 1, 1, 1])
    let moved = heads?.renamed { [0, 1, 3, 2][$0] }
    #expect(moved?.axes == [2, 3] && moved?.sizes == [4, 3] && moved?.atoms.prefix(4) == [0, 4, 8, 1])
  }

  @Test(
    .enabled(if: ProcessInfo.processInfo.environment["NEURAL_SCOPE_ZOO"] != nil, "needs exported models"),
    arguments: [
      ("resnet18", 12), ("mobilenet_v3_small", 20), ("densenet121", 58), ("efficientnet_lite0", 17),
      ("vit_b_16", 24), ("bert_base_128", 24), ("swin_t", 12),
    ])
  func exportedModelsComputeTheSame(name: String, fewest: Int) throws {
    let folder = try #require(ProcessInfo.processInfo.environment["NEURAL_SCOPE_ZOO"])
    let path = "\(folder)/\(name).onnx"
    guard FileManager.default.fileExists(atPath: path) else { return }
    var model = try ONNXReader.read(try ByteSlice(mappingFile: path))
    _ = try PassRunner.run(PassRegistry.exact, on: &model)
    let groups = ChannelGroups(model)
    #expect(groups.groups.filter(\.isPrunable).count >= fewest)
    let removal = ChannelRemoval(groups, removing: everyThird(groups))
    let smaller = try removal.apply(to: model)
    try GraphValidation.check(smaller)
    let engine = try Engine.load(path: OnnxRuntimeLibrary.path)
    func run(_ given: Model) throws -> [HostArray] {
      var model = given
      // An untrained classifier may answer zero to everything: what its last normalisation gives counts too.
      if let last = model.graph.nodes.last(where: { $0.opType == "LayerNormalization" }) {
        model.graph.outputs.append(ValueInfo(name: last.outputs[0], dataType: .float32, shape: nil))
      }
      let session = try Session(engine: engine, model: model, options: SessionOptions(optimization: .basic))
      var numbers = Numbers()
      var feeds: [String: HostArray] = [:]
      for input in session.inputs {
        let sizes = (input.shape?.dimensions ?? []).map { $0.value ?? 1 }
        let count = sizes.reduce(1, *)
        feeds[input.name] =
          input.dataType == .int64
          ? HostArray([Int64](repeating: 1, count: count), sizes) : HostArray(numbers.take(count), sizes)
      }
      let outputs = try session.run(feeds)
      return session.outputs.compactMap { outputs[$0.name] }
    }
    let (expected, found) = (try run(try removal.masked(model)), try run(smaller))
    #expect(expected.count == found.count && expected.contains { $0.floats.contains { $0 != 0 } })
    for (a, b) in zip(expected, found) {
      #expect(a.dimensions == b.dimensions)
      let scale = max(a.floats.map(abs).max() ?? 0, .leastNormalMagnitude)
      #expect(zip(a.floats, b.floats).allSatisfy { abs($0 - $1) <= 1e-4 * scale })
    }
  }
}
