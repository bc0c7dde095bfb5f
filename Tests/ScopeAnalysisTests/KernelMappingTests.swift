import Foundation
import ScopeAnalysis
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime
import TestSupport
import Testing

/// The graph as the engine optimizes it.
private func optimized(_ model: Model) throws -> Graph {
  let engine = try Engine.load(path: OnnxRuntimeLibrary.path)
  let folder = try TemporaryFolder()
  let path = "\(folder.path)/optimized.onnx"
  _ = try Session(engine: engine, model: model, options: .init(threads: 2, optimizedModelPath: path))
  return try ONNXReader.read(try ByteSlice(mappingFile: path)).graph
}

private func mapping(_ model: Model, _ graph: Graph) throws -> KernelMapping {
  let types = try StructureAnalysis.analyze(model: model).types
  return KernelMapping(model: model.graph, optimized: graph) { types.constant($0) != nil }
}

/// Every node that computes something is in some kernel, folded or removed, and no node is in two kernels unless the
/// engine took it apart or made it twice.
private func check(_ model: Model, _ mapping: KernelMapping) throws {
  let structure = try StructureAnalysis.analyze(model: model)
  let folded = Set(mapping.folded)
  let removed = Set(mapping.removed)
  var holders: [Int: [Int]] = [:]
  for (kernel, entry) in mapping.kernels.enumerated() {
    for source in entry.sources where !entry.isPart { holders[source, default: []].append(kernel) }
  }
  for entry in structure.layers.entries {
    let places =
      (holders[entry.nodeIndex] == nil ? 0 : 1) + (folded.contains(entry.nodeIndex) ? 1 : 0)
      + (removed.contains(entry.nodeIndex) ? 1 : 0)
    #expect(places == 1, "\(entry.name) \(entry.opType)")
    // Arithmetic that counts is never lost.
    if let macs = entry.cost?.macs, macs > 0 {
      #expect(mapping.kernelOfNode[entry.nodeIndex] != nil, "\(entry.name)")
    }
  }
  for (node, kernels) in holders where kernels.count > 1 {
    let original = model.graph.nodes[node]
    #expect(
      kernels.allSatisfy { mapping.kernels[$0].name.hasPrefix(original.name) },
      "\(original.name): \(kernels.map { mapping.kernels[$0].name })")
  }
}

@Suite(.serialized) struct KernelMappingTests {
  private func floats(_ count: Int, _ dimensions: [Int]) -> Tensor {
    .floats((0..<count).map { Float($0 % 7) / 7 + 0.1 }, dimensions)
  }

  private func value(_ name: String, _ sizes: [Int]) -> ValueInfo {
    ValueInfo(name: name, dataType: .float32, shape: Shape(sizes))
  }

  private func convolution(_ name: String, _ input: String, _ weight: String) -> Node {
    Node(
      "Conv", name: name, inputs: [input, weight], outputs: ["\(name)_out"],
      attributes: ["kernel_shape": .ints([3, 3]), "pads": .ints([1, 1, 1, 1])])
  }

  /// Conv+BatchNormalization+Relu, then Conv+Add+Relu around a shortcut, pooling, Flatten and Gemm; an Identity, a
  /// Dropout and a constant sum between them.
  private var residual: Model {
    var graph = Graph(name: "residual", inputs: [value("x", [1, 16, 8, 8])], outputs: [value("y", [1, 4])])
    graph.initializers = [
      "w1": floats(2304, [16, 16, 3, 3]), "w2": floats(2304, [16, 16, 3, 3]), "s": floats(16, [16]),
      "o": floats(16, [16]), "m": floats(16, [16]), "v": floats(16, [16]), "f": floats(64, [4, 16]),
      "g": floats(4, [4]), "h": floats(4, [4]),
    ]
    graph.nodes = [
      convolution("conv1", "x", "w1"),
      Node("BatchNormalization", name: "bn", inputs: ["conv1_out", "s", "o", "m", "v"], outputs: ["bn_out"]),
      Node("Relu", name: "relu1", inputs: ["bn_out"], outputs: ["r1"]),
      convolution("conv2", "r1", "w2"),
      Node("Identity", name: "identity", inputs: ["r1"], outputs: ["short"]),
      Node("Add", name: "add", inputs: ["conv2_out", "short"], outputs: ["sum"]),
      Node("Relu", name: "relu2", inputs: ["sum"], outputs: ["r2"]),
      Node("GlobalAveragePool", name: "pool", inputs: ["r2"], outputs: ["p"]),
      Node("Flatten", name: "flatten", inputs: ["p"], outputs: ["flat"]),
      Node("Dropout", name: "dropout", inputs: ["flat"], outputs: ["d"]),
      Node("Add", name: "constant", inputs: ["g", "h"], outputs: ["bias"]),
      Node(
        "Gemm", name: "fc", inputs: ["d", "f", "bias"], outputs: ["y"], attributes: ["transB": .int(1 as Int)]
      ),
    ]
    return Model(graph: graph)
  }

  @Test(.enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
  func fusedConvolutionsNameAllTheirSources() throws {
    let model = residual
    let mapping = try mapping(model, try optimized(model))
    try check(model, mapping)
    let names = mapping.kernels.map { kernel in kernel.sources.map { model.graph.nodes[$0].name } }
    #expect(names.contains(["conv1", "bn", "relu1"]), "\(names)")
    #expect(names.contains(["conv2", "add", "relu2"]), "\(names)")
    #expect(names.contains(["fc"]))
    #expect(mapping.removed.map { model.graph.nodes[$0].name }.sorted() == ["dropout", "identity"])
    for (kernel, sources) in zip(mapping.kernels, names) where kernel.opType.hasPrefix("Reorder") {
      #expect(sources.isEmpty, "layout changes of the engine are nobody's")
    }
  }

  /// The nine nodes of a layer normalisation, then a Gelu of five and a linear layer of MatMul and Add.
  @Test(.enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
  func patternsOfTransformersNameAllTheirSources() throws {
    var graph = Graph(name: "block", inputs: [value("x", [1, 6, 16])], outputs: [value("y", [1, 6, 8])])
    graph.initializers = [
      "two": .floats([2], []), "eps": .floats([1e-5], []), "scale": floats(16, [16]),
      "shift": floats(16, [16]),
      "root": .floats([1.414_213_5], []), "one": .floats([1], []), "half": .floats([0.5], []),
      "w": floats(128, [16, 8]), "b": floats(8, [8]),
    ]
    let axes: AttributeValue = .ints([-1] as [Int])
    graph.nodes = [
      Node("ReduceMean", name: "mean", inputs: ["x"], outputs: ["m"], attributes: ["axes": axes]),
      Node("Sub", name: "sub", inputs: ["x", "m"], outputs: ["c"]),
      Node("Pow", name: "pow", inputs: ["c", "two"], outputs: ["q"]),
      Node("ReduceMean", name: "variance", inputs: ["q"], outputs: ["v"], attributes: ["axes": axes]),
      Node("Add", name: "eps", inputs: ["v", "eps"], outputs: ["ve"]),
      Node("Sqrt", name: "sqrt", inputs: ["ve"], outputs: ["sd"]),
      Node("Div", name: "div", inputs: ["c", "sd"], outputs: ["n"]),
      Node("Mul", name: "scale", inputs: ["n", "scale"], outputs: ["ns"]),
      Node("Add", name: "shift", inputs: ["ns", "shift"], outputs: ["ln"]),
      Node("Div", name: "root", inputs: ["ln", "root"], outputs: ["g1"]),
      Node("Erf", name: "erf", inputs: ["g1"], outputs: ["g2"]),
      Node("Add", name: "plus", inputs: ["g2", "one"], outputs: ["g3"]),
      Node("Mul", name: "times", inputs: ["ln", "g3"], outputs: ["g4"]),
      Node("Mul", name: "half", inputs: ["g4", "half"], outputs: ["g5"]),
      Node("MatMul", name: "matmul", inputs: ["g5", "w"], outputs: ["mm"]),
      Node("Add", name: "bias", inputs: ["mm", "b"], outputs: ["y"]),
    ]
    let model = Model(graph: graph)
    let mapping = try mapping(model, try optimized(model))
    try check(model, mapping)
    let sources = Dictionary(
      mapping.kernels.map { ($0.opType, $0.sources.map { model.graph.nodes[$0].name }) }, uniquingKeysWith: +)
    #expect(
      sources["LayerNormalization"]
        == ["mean", "sub", "pow", "variance", "eps", "sqrt", "div", "scale", "shift"], "\(sources)")
    #expect(sources["Gelu"] == ["root", "erf", "plus", "times", "half"])
    #expect(sources["Gemm"] ?? sources["MatMul"] == ["matmul", "bias"])
  }

  @Test func repeatedNodesShareAKernelAndUnreadOnesAreRemoved() {
    var model = Graph(name: "m", inputs: [value("x", [1, 2])], outputs: [value("y", [1, 2])])
    model.nodes = [
      Node("Relu", name: "a", inputs: ["x"], outputs: ["a"]),
      Node("Relu", name: "b", inputs: ["x"], outputs: ["b"]),
      Node("Add", name: "sum", inputs: ["a", "b"], outputs: ["y"]),
      Node("Exp", name: "unread", inputs: ["x"], outputs: ["z"]),
    ]
    var optimized = model
    optimized.nodes = [
      Node("Relu", name: "a", inputs: ["x"], outputs: ["a"]),
      Node("Add", name: "sum", inputs: ["a", "a"], outputs: ["y"]),
    ]
    let mapping = KernelMapping(model: model, optimized: optimized)
    #expect(mapping.kernels.map(\.sources) == [[0, 1], [2]])
    #expect(mapping.kernelOfNode == [0, 0, 1, nil])
    #expect(mapping.removed == [3])
  }

  /// An operator without a kernel of its own becomes two.
  @Test func partsOfAnOperatorAreItsOwn() {
    var model = Graph(name: "m", inputs: [value("x", [1, 2])], outputs: [value("y", [1, 2])])
    model.nodes = [Node("HardSwish", name: "act", inputs: ["x"], outputs: ["y"])]
    var optimized = model
    optimized.nodes = [
      Node("HardSigmoid", inputs: ["x"], outputs: ["_inl"]),
      Node("Mul", inputs: ["x", "_inl"], outputs: ["y"]),
    ]
    let mapping = KernelMapping(model: model, optimized: optimized)
    #expect(mapping.kernels.map(\.sources) == [[0], [0]])
    #expect(mapping.kernels.map(\.isPart) == [true, false])
    #expect(mapping.kernelOfNode == [1])
  }

  private static let zoo: [(String, Int?)] = [
    ("resnet18", 25), ("efficientnet_lite0", 53), ("mobilenet_v3_small", nil), ("densenet121", nil),
    ("resnet18_dyn", 25), ("resnet18_dynamo", nil), ("swin_t", nil), ("swin_t_dynamo", nil),
    ("vit_b_16", nil),
    ("vit_b_16_dynamo", nil), ("bert_base_128", nil),
  ]

  @Test(
    .enabled(
      if: OnnxRuntimeLibrary.isPresent && Zoo.has("resnet18"),
      "needs ONNX Runtime and the exported models (Tests/Fixtures/export_zoo.py)"), arguments: zoo)
  func everyNodeOfTheZooIsAccountedFor(name: String, nodes: Int?) throws {
    guard Zoo.has(name) else { return }
    let model = try FunctionInlining.inline(try Zoo.read(name))
    let graph = try optimized(model)
    if let nodes { #expect(graph.nodes.count == nodes) }
    let mapping = try mapping(model, graph)
    try check(model, mapping)
    // Arithmetic without a source would be time without a name.
    for (kernel, entry) in mapping.kernels.enumerated()
    where ["Conv", "Gemm", "MatMul", "FusedMatMul"].contains(entry.opType) {
      #expect(!entry.sources.isEmpty, "\(kernel) \(entry.name)")
    }
    if name == "resnet18" {
      let convolutions = mapping.kernels.filter { $0.opType == "Conv" }
      for (node, kernel) in mapping.kernelOfNode.enumerated()
      where ["Relu", "Add", "Conv"].contains(model.graph.nodes[node].opType) {
        #expect(kernel.map { mapping.kernels[$0].opType } == "Conv", "\(model.graph.nodes[node].name)")
      }
      let block = convolutions.first {
        $0.sources.contains { model.graph.nodes[$0].name == "/layer1/layer1.0/conv2/Conv" }
      }
      #expect(
        block?.sources.map { model.graph.nodes[$0].name } == [
          "/layer1/layer1.0/conv2/Conv", "/layer1/layer1.0/Add", "/layer1/layer1.0/relu_1/Relu",
        ])
    }
    if ProcessInfo.processInfo.environment["NEURAL_SCOPE_SHOW_KERNELS"] != nil {
      for entry in mapping.kernels {
        print(entry.opType, entry.name, "<-", entry.sources.map { model.graph.nodes[$0].name })
      }
      print("folded", mapping.folded.count, "removed", mapping.removed.map { model.graph.nodes[$0].name })
    }
  }
}
