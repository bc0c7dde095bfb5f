import ScopeBytes
import ScopeGraph
import Testing

private func input(_ name: String, _ shape: [Dimension], _ type: DataType = .float32) -> ValueInfo {
  ValueInfo(name: name, dataType: type, shape: Shape(shape))
}

private func output(_ name: String) -> ValueInfo { ValueInfo(name: name, dataType: nil, shape: nil) }

struct ShapeInferenceTests {
  /// The chain PyTorch exports for `x.view(x.size(0), -1)`, with the batch left open.
  @Test func symbolicBatchPassesThroughAReshapeChain() {
    var graph = Graph(
      name: "g", inputs: [input("x", [.symbolic("batch"), .known(3), .known(4), .known(4)])],
      outputs: [output("y")])
    graph.initializers["zero"] = .int64s([0], [])
    graph.initializers["minus"] = .int64s([-1])
    graph.nodes = [
      Node("Shape", inputs: ["x"], outputs: ["s"]),
      Node("Gather", inputs: ["s", "zero"], outputs: ["b"], attributes: ["axis": .int(0)]),
      Node("Unsqueeze", inputs: ["b", "axes"], outputs: ["b1"]),
      Node("Concat", inputs: ["b1", "minus"], outputs: ["target"], attributes: ["axis": .int(0)]),
      Node("Reshape", inputs: ["x", "target"], outputs: ["y"]),
    ]
    graph.initializers["axes"] = .int64s([0])
    let types = ShapeInference.infer(Model(graph: graph))
    #expect(types.shape("y") == Shape([.symbolic("batch"), .known(48)]))
    #expect(types.problems.isEmpty)
    let bound = ShapeInference.infer(Model(graph: graph), bindings: ["x": [5, 3, 4, 4]])
    #expect(bound.shape("y") == [5, 48])
    #expect(bound.constant("target") != nil)
  }

  /// Window partition: batch times windows in front, and back again.
  @Test func productsOfSymbolicSizesAreKept() {
    var graph = Graph(
      name: "g", inputs: [input("x", [.symbolic("n"), .known(8), .known(6)])], outputs: [output("z")])
    graph.initializers["four"] = .int64s([4], [1])
    graph.initializers["rest"] = .int64s([2, 6])
    graph.initializers["whole"] = .int64s([-1, 8, 6])
    graph.initializers["start"] = .int64s([0])
    graph.initializers["end"] = .int64s([1])
    graph.nodes = [
      Node("Shape", inputs: ["x"], outputs: ["s"]),
      Node("Slice", inputs: ["s", "start", "end"], outputs: ["n"]),
      Node("Mul", inputs: ["n", "four"], outputs: ["n4"]),
      Node("Concat", inputs: ["n4", "rest"], outputs: ["t"], attributes: ["axis": .int(0)]),
      Node("Reshape", inputs: ["x", "t"], outputs: ["y"]),
      Node("Reshape", inputs: ["y", "whole"], outputs: ["z"]),
    ]
    let types = ShapeInference.infer(Model(graph: graph))
    #expect(types.shape("y")?.description == "4*nx2x6")
    #expect(types.shape("z") == Shape([.symbolic("n"), .known(8), .known(6)]))
  }

  @Test func unknownOperatorsAreReportedAndTheTotalSaysSo() {
    var graph = Graph(name: "g", inputs: [input("x", [.known(1), .known(4)])], outputs: [output("z")])
    graph.initializers["w"] = .floats([Float](repeating: 1, count: 8), [4, 2])
    graph.nodes = [
      Node("MatMul", inputs: ["x", "w"], outputs: ["y"]),
      Node("Mystery", domain: "custom", inputs: ["y"], outputs: ["u"]),
      Node("MatMul", inputs: ["u", "w"], outputs: ["z"]),
    ]
    let types = ShapeInference.infer(Model(graph: graph))
    #expect(
      types.problems.contains {
        $0.kind == .unknownOperator && $0.opType == "custom::Mystery" && $0.nodeIndex == 1
      })
    #expect(types.totalCost.counted.macs == 8)
    #expect(types.totalCost.nodesNotCounted == 2)
  }

  @Test func contradictionsAreReported() {
    var graph = Graph(name: "g", inputs: [input("x", [.known(1), .known(5)])], outputs: [output("y")])
    graph.initializers["w"] = .floats([Float](repeating: 1, count: 8), [4, 2])
    graph.nodes = [Node("MatMul", name: "fc", inputs: ["x", "w"], outputs: ["y"])]
    let types = ShapeInference.infer(Model(graph: graph))
    #expect(types.problems.first?.kind == .invalid)
    #expect(types.problems.first?.nodeName == "fc")
    #expect(types.shape("y") == nil)
  }

  @Test func functionsAreFollowed() throws {
    var function = FunctionDefinition(name: "Twice", domain: "local")
    function.inputs = ["a"]
    function.outputs = ["c"]
    function.attributes = ["axis"]
    function.opsets = ["": 17]
    function.nodes = [
      Node("Concat", inputs: ["a", "a"], outputs: ["b"], attributes: ["axis": .reference("axis", type: 2)]),
      Node("Relu", inputs: ["b"], outputs: ["c"]),
    ]
    var graph = Graph(name: "g", inputs: [input("x", [.known(2), .known(3)])], outputs: [output("y")])
    graph.nodes = [
      Node("Twice", domain: "local", inputs: ["x"], outputs: ["y"], attributes: ["axis": .int(1)])
    ]
    var model = Model(graph: graph)
    model.functions = [function]
    model.opsets["local"] = 1
    let types = ShapeInference.infer(model)
    #expect(types.shape("y") == [2, 6])
    #expect(types.costs[0]?.otherOperations == 12)

    let flat = try FunctionInlining.inline(model)
    try GraphValidation.check(flat)
    #expect(flat.graph.nodes.map(\.opType) == ["Concat", "Relu"])
    #expect(flat.graph.nodes[0].int("axis") == 1)
    #expect(ShapeInference.infer(flat).shape("y") == [2, 6])
  }

  /// f0 calls nothing, f1 calls f0 twice ...: 2^40 visits if every call were followed.
  @Test(.timeLimit(.minutes(1))) func functionsThatMultiplyAreBounded() {
    var functions: [FunctionDefinition] = []
    for level in 0..<31 {
      var function = FunctionDefinition(name: "F\(level)", domain: "local")
      function.inputs = ["a"]
      function.outputs = ["c"]
      function.opsets = ["": 17, "local": 1]
      function.nodes =
        level == 0
        ? [Node("Relu", inputs: ["a"], outputs: ["c"])]
        : [
          Node("F\(level - 1)", domain: "local", inputs: ["a"], outputs: ["b"]),
          Node("F\(level - 1)", domain: "local", inputs: ["b"], outputs: ["c"]),
        ]
      functions.append(function)
    }
    var graph = Graph(name: "g", inputs: [input("x", [.known(2)])], outputs: [output("y")])
    graph.nodes = [Node("F30", domain: "local", inputs: ["x"], outputs: ["y"])]
    var model = Model(graph: graph)
    model.functions = functions
    model.opsets["local"] = 1
    let types = ShapeInference.infer(model)
    #expect(types.costs[0] == nil)
    #expect(!types.problems.isEmpty)
    #expect(throws: ScopeError.self) { () throws in _ = try FunctionInlining.inline(model) }
  }

  @Test func branchesAreMerged() {
    func branch(_ size: Int) -> Graph {
      Graph(
        name: "b", nodes: [Node("Expand", inputs: ["x", "s\(size)"], outputs: ["r"])], outputs: [output("r")],
        initializers: ["s\(size)": .int64s([size, 3])])
    }
    var graph = Graph(
      name: "g", inputs: [input("x", [.known(1), .known(3)]), input("c", [], .bool)], outputs: [output("y")])
    graph.nodes = [
      Node(
        "If", inputs: ["c"], outputs: ["y"],
        attributes: ["then_branch": .graph(branch(2)), "else_branch": .graph(branch(4))])
    ]
    #expect(ShapeInference.infer(Model(graph: graph)).shape("y") == Shape([.unknown, .known(3)]))
    graph.inputs.removeLast()
    graph.initializers["c"] = try? Tensor(dataType: .bool, dimensions: [], storage: .packed(ByteSlice([1])))
    #expect(ShapeInference.infer(Model(graph: graph)).shape("y") == [2, 3])
  }

  @Test func loopsKeepStableSizesAndMultiplyTheCost() {
    var body = Graph(
      name: "body",
      inputs: [
        input("i", [], .int64), input("go", [], .bool), ValueInfo(name: "a", dataType: nil, shape: nil),
      ],
      outputs: [output("on"), output("b"), output("trace")])
    body.initializers["on"] = try? Tensor(dataType: .bool, dimensions: [], storage: .packed(ByteSlice([1])))
    body.nodes = [
      Node("MatMul", inputs: ["a", "w"], outputs: ["b"]), Node("Identity", inputs: ["b"], outputs: ["trace"]),
    ]
    var graph = Graph(
      name: "g", inputs: [input("x", [.known(2), .known(4)])], outputs: [output("y"), output("t")])
    graph.initializers["w"] = .floats([Float](repeating: 0, count: 16), [4, 4])
    graph.initializers["trips"] = .int64s([10], [])
    graph.nodes = [
      Node("Loop", inputs: ["trips", "", "x"], outputs: ["y", "t"], attributes: ["body": .graph(body)])
    ]
    let types = ShapeInference.infer(Model(graph: graph))
    #expect(types.shape("y") == [2, 4])
    #expect(types.shape("t") == [10, 2, 4])
    #expect(types.costs[0]?.macs == 320)
  }

  /// Sizes near the integer limit must not trap.
  @Test func hugeSizesAreUnknownNotFatal() {
    let huge = Int.max / 2
    var graph = Graph(name: "g", inputs: [input("x", [.known(huge), .known(huge)])], outputs: [output("z")])
    graph.initializers["pads"] = .int64s([Int.max, Int.max, Int.max, Int.max])
    graph.initializers["shape"] = .int64s([Int.max, Int.max])
    graph.nodes = [
      Node("Concat", inputs: ["x", "x", "x"], outputs: ["c"], attributes: ["axis": .int(0)]),
      Node("Pad", inputs: ["x", "pads"], outputs: ["p"]),
      Node("Expand", inputs: ["x", "shape"], outputs: ["e"]),
      Node("Flatten", inputs: ["x"], outputs: ["f"]),
      Node("MatMul", inputs: ["x", "x"], outputs: ["m"]),
      Node("ConstantOfShape", inputs: ["shape"], outputs: ["o"]),
      Node("Split", inputs: ["o"], outputs: ["q", "r"], attributes: ["axis": .int(0)]),
      Node("Softmax", inputs: ["o"], outputs: ["z"]),
    ]
    let types = ShapeInference.infer(Model(graph: graph))
    #expect(types.totalCost.nodesNotCounted > 0)
  }

  /// Inference must not read weights: a constant of 256 MiB is not touched by folding.
  @Test func largeConstantsAreNotFolded() throws {
    var graph = Graph(name: "g", inputs: [input("x", [.known(1)])], outputs: [output("y")])
    graph.initializers["w"] = .floats([Float](repeating: 1, count: 1 << 17), [1 << 17])
    graph.nodes = [
      Node("Neg", inputs: ["w"], outputs: ["n"]), Node("Add", inputs: ["n", "x"], outputs: ["y"]),
    ]
    let types = ShapeInference.infer(Model(graph: graph))
    #expect(types.constant("n") == nil)
    #expect(types.shape("y") == [1 << 17])
    #expect(types.constant("w")?.elementCount == 1 << 17)
  }
}

struct GraphValidationTests {
  private func model(_ nodes: [Node]) -> Model {
    Model(graph: Graph(name: "g", nodes: nodes, inputs: [input("x", [.known(1)])], outputs: [output("y")]))
  }

  private func message(_ nodes: [Node]) -> ScopeError? {
    do throws(ScopeError) {
      try GraphValidation.check(model(nodes))
      return nil
    } catch {
      return error
    }
  }

  @Test func wellFormedGraphsPass() { #expect(message([Node("Relu", inputs: ["x"], outputs: ["y"])]) == nil) }

  @Test func missingValuesAreNamed() {
    let error = message([Node("Add", name: "sum", inputs: ["x", "ghost"], outputs: ["y"])])
    #expect(error?.code == .invalidGraph)
    #expect(error?.message.contains("ghost") == true)
    #expect(error?.place?.contains("sum") == true)
  }

  @Test func wrongOrderIsToldFromACycle() {
    let order = message([
      Node("Relu", inputs: ["a"], outputs: ["y"]), Node("Relu", inputs: ["x"], outputs: ["a"]),
    ])
    #expect(order?.message.contains("before it is defined") == true)
    let cycle = message([
      Node("Add", inputs: ["x", "b"], outputs: ["a"]), Node("Relu", inputs: ["a"], outputs: ["b"]),
      Node("Relu", inputs: ["b"], outputs: ["y"]),
    ])
    #expect(cycle?.message.contains("depends on itself") == true)
  }

  @Test func duplicateDefinitionsAreRefused() {
    let error = message([
      Node("Relu", inputs: ["x"], outputs: ["y"]), Node("Neg", inputs: ["x"], outputs: ["y"]),
    ])
    #expect(error?.message.contains("defined twice") == true)
    #expect(
      message([Node("Relu", inputs: ["x"], outputs: ["x"]), Node("Relu", inputs: ["x"], outputs: ["y"])])
        != nil)
  }

  @Test func missingOutputsAreRefused() {
    #expect(message([Node("Relu", inputs: ["x"], outputs: ["z"])]) != nil)
  }

  @Test func subgraphsMayReadOuterValuesOnly() {
    func conditional(_ name: String) -> [Node] {
      let branch = Graph(
        name: "b", nodes: [Node("Neg", inputs: [name], outputs: ["r"])], outputs: [output("r")])
      return [
        Node(
          "If", inputs: ["x"], outputs: ["y"],
          attributes: ["then_branch": .graph(branch), "else_branch": .graph(branch)])
      ]
    }
    #expect(message(conditional("x")) == nil)
    #expect(message(conditional("nowhere"))?.place?.contains("If") == true)
  }
}
