import ScopeBytes
import ScopeGraph
import Testing

private func info(_ name: String, _ sizes: [Int], _ type: DataType = .float32) -> ValueInfo {
  ValueInfo(name: name, dataType: type, shape: Shape(sizes))
}

/// One node that contradicts its operator, between two that are right.
struct BadNode: CustomTestStringConvertible, Sendable {
  var label: String
  var node: Node
  /// Words that the reason must contain.
  var says: String
  var testDescription: String { label }

  init(
    _ label: String, _ opType: String, _ inputs: [String], says: String, domain: String = "",
    _ attributes: [(String, AttributeValue)] = []
  ) {
    self.label = label
    node = Node(opType, name: "bad", domain: domain, inputs: inputs, outputs: ["b"])
    for (name, value) in attributes { node.attributes[name] = value }
    self.says = says
  }

  /// x is [1, 8, 16, 16], w [8, 8, 3, 3], v [1, 8, 16], m [4, 4], i an empty index.
  static let all: [BadNode] = [
    BadNode("kernel 0", "Conv", ["x", "w"], says: "not possible", [("kernel_shape", .ints([0, 0]))]),
    BadNode("kernel -1", "MaxPool", ["x"], says: "not possible", [("kernel_shape", .ints([-1, 2]))]),
    BadNode(
      "kernel 2^40", "AveragePool", ["x"], says: "not possible",
      [("kernel_shape", .ints([1 << 40, 1 << 40]))]),
    BadNode(
      "kernel larger than the input", "MaxPool", ["x"], says: "larger", [("kernel_shape", .ints([99, 99]))]),
    BadNode("no kernel", "MaxPool", ["x"], says: "kernel_shape"),
    BadNode("stride 0", "Conv", ["x", "w"], says: "not possible", [("strides", .ints([0, 1]))]),
    BadNode("stride min", "Conv", ["x", "w"], says: "not possible", [("strides", .ints([.min, 1]))]),
    BadNode("one stride", "Conv", ["x", "w"], says: "do not fit", [("strides", .ints([1]))]),
    BadNode("dilation 0", "Conv", ["x", "w"], says: "not possible", [("dilations", .ints([0, 0]))]),
    BadNode("pads min", "Conv", ["x", "w"], says: "not possible", [("pads", .ints([.min, 0, 0, 0]))]),
    BadNode("group 0", "Conv", ["x", "w"], says: "group", [("group", .int(0))]),
    BadNode("group -3", "ConvTranspose", ["x", "w"], says: "group", [("group", .int(-3))]),
    BadNode("group 3", "Conv", ["x", "w"], says: "groups", [("group", .int(3))]),
    BadNode("axis 9", "Softmax", ["x"], says: "axis", [("axis", .int(9))]),
    BadNode("axis min", "Concat", ["x", "x"], says: "axis", [("axis", .int(Int.min))]),
    BadNode("flatten axis", "Flatten", ["x"], says: "axis", [("axis", .int(7))]),
    BadNode("perm twice", "Transpose", ["x"], says: "permutation", [("perm", .ints([0, 0, 1, 2]))]),
    BadNode("perm short", "Transpose", ["x"], says: "permutation", [("perm", .ints([0, 1]))]),
    BadNode("split sum", "Split", ["x"], says: "split", [("split", .ints([3])), ("axis", .int(1))]),
    BadNode("split negative", "Split", ["x"], says: "part", [("split", .ints([-8])), ("axis", .int(1))]),
    BadNode("block 0", "DepthToSpace", ["x"], says: "blocksize", [("blocksize", .int(0))]),
    BadNode("block 2^40", "SpaceToDepth", ["x"], says: "blocksize", [("blocksize", .int(1 << 40))]),
    BadNode("hidden 0", "LSTM", ["v", "r", "r"], says: "hidden_size", [("hidden_size", .int(0))]),
    BadNode(
      "heads 0", "MultiHeadAttention", ["v", "v", "v"], says: "num_heads", domain: "com.microsoft",
      [("num_heads", .int(0))]),
    BadNode(
      "heads 7", "MultiHeadAttention", ["v", "v", "v"], says: "heads", domain: "com.microsoft",
      [("num_heads", .int(7))]),
    BadNode(
      "kv heads 0", "GroupQueryAttention", ["v", "v", "v", "", "", "zero", "zero"], says: "kv_num_heads",
      domain: "com.microsoft",
      [("num_heads", .int(2)), ("kv_num_heads", .int(0))]),
    BadNode("q heads -1", "Attention", ["v", "v", "v"], says: "q_num_heads", [("q_num_heads", .int(-1))]),
    BadNode(
      "K 0", "MatMulNBits", ["m", "m", "m"], says: "K and N", domain: "com.microsoft",
      [("K", .int(0)), ("N", .int(4))]),
    BadNode("inner sizes", "MatMul", ["x", "m"], says: "inner sizes"),
    BadNode("ranks", "Conv", ["v", "w"], says: "rank"),
    BadNode("channels", "Conv", ["m4", "w"], says: "channels"),
    BadNode("broadcast", "Add", ["x", "seven"], says: "broadcast"),
    BadNode("too few inputs", "Conv", ["x"], says: "too few inputs"),
    BadNode("no inputs", "Relu", [], says: "too few inputs"),
    BadNode(
      "wrong attribute type", "Conv", ["x", "w"], says: "strides has the wrong type", [("strides", .float(2))]
    ),
    BadNode("axis as text", "Softmax", ["x"], says: "axis has the wrong type", [("axis", .text("1"))]),
    BadNode("alpha as integer", "LeakyRelu", ["x"], says: "alpha has the wrong type", [("alpha", .int(1))]),
    BadNode("cast to nothing", "Cast", ["x"], says: "type", [("to", .int(999))]),
    BadNode("size negative", "Reshape", ["x", "neg"], says: "negative"),
    BadNode("reshape to another size", "Reshape", ["x", "odd"], says: "reshaped"),
    BadNode("expand negative", "Expand", ["x", "neg"], says: "negative"),
    BadNode("equation", "Einsum", ["x", "m"], says: "does not fit", [("equation", .text("ij,jk->ik"))]),
    BadNode("equation of three", "Einsum", ["x", "m"], says: "equation", [("equation", .text("a,b,c->a"))]),
    BadNode("k beyond", "TopK", ["m", "hundred"], says: "k is not possible"),
    BadNode("random negative", "RandomNormal", [], says: "negative", [("shape", .ints([-1]))]),
    BadNode("frame step 0", "STFT", ["v", "zero"], says: "step"),
    BadNode("gather outside", "Gather", ["neg", "hundred"], says: "outside"),
  ]
}

struct BadInputTests {
  private func model(_ bad: Node) -> Model {
    var graph = Graph(
      name: "g",
      inputs: [
        info("x", [1, 8, 16, 16]), info("v", [1, 8, 16]), info("m4", [1, 4, 16, 16]),
      ],
      outputs: [
        ValueInfo(name: "y", dataType: nil, shape: nil), ValueInfo(name: "z", dataType: nil, shape: nil),
      ])
    graph.initializers = [
      "w": .floats([Float](repeating: 0, count: 576), [8, 8, 3, 3]),
      "m": .floats([Float](repeating: 0, count: 16), [4, 4]),
      "r": .floats([Float](repeating: 0, count: 8 * 16), [1, 8, 16]),
      "seven": .floats([Float](repeating: 0, count: 7), [7]),
      "neg": .int64s([-5, 3]), "odd": .int64s([7, 7]), "hundred": .int64s([100]), "zero": .int64s([0], []),
    ]
    graph.nodes = [
      Node("Conv", name: "good", inputs: ["x", "w"], outputs: ["g"]), bad,
      Node("Relu", name: "after", inputs: ["b"], outputs: ["y"]),
      Node("Relu", name: "side", inputs: ["g"], outputs: ["z"]),
    ]
    return Model(irVersion: 8, opset: 17, graph: graph)
  }

  /// The node is named with the reason, and what does not depend on it is still counted.
  @Test(arguments: BadNode.all) func oneBadNodeIsNotCounted(_ bad: BadNode) throws {
    let types = ShapeInference.infer(model(bad.node))
    let problem = try #require(types.problems.first { $0.nodeIndex == 1 })
    #expect(problem.kind == .invalid)
    #expect(problem.nodeName == "bad")
    #expect(problem.message.contains(bad.says), "\(problem.message)")
    #expect(types.costs[0]?.macs == 8 * 14 * 14 * 8 * 9)
    #expect(types.costs[1] == nil)
    #expect(types.notCounted[1]?.contains(bad.says) == true)
    #expect(types.costs[2] == nil)
    #expect(types.notCounted[2]?.contains("b") == true)
    #expect(types.costs[3] != nil)
    #expect(types.totalCost.nodesNotCounted == 2)
  }

  /// Every operator with no inputs, with scalars, with huge and with unknown operands: nothing traps.
  @Test func everyOperatorSurvivesNonsense() {
    let absurd: [AttributeValue] = [
      .int(-1), .int(0), .int(Int.max), .ints([Int.max, Int.max]), .ints([0]), .ints([-1, -1, -1, -1]),
    ]
    let names = [
      "axis", "axes", "perm", "kernel_shape", "strides", "pads", "dilations", "group", "split", "blocksize",
      "num_heads",
      "kv_num_heads", "q_num_heads", "hidden_size", "K", "N", "bits", "k", "equation", "to", "shape",
      "channels", "num_outputs",
      "batch_dims", "pooled_shape", "output_height", "sampling_ratio", "size", "scales", "dtype",
      "sample_size", "num_scan_inputs",
      "output_padding", "output_shape", "new_axis", "block_size", "keepdims", "start", "end", "direction",
    ]
    let shapes: [Shape] = [
      [], [0], [1], [3, 0, 2], [1 << 40, 1 << 40, 1 << 40, 1 << 40], [2, 3], [1, 3, 8, 8],
      Shape([.symbolic("n"), .unknown, .symbolic("m")]),
      Shape([.symbolic("n"), .known(3), .symbolic("h"), .symbolic("w")]),
    ]
    for definition in OperatorRegistry.all {
      for (index, shape) in shapes.enumerated() {
        for count in [0, 1, 3, 9] {
          var node = Node(
            definition.name, domain: definition.domain, inputs: (0..<count).map { "i\($0)" },
            outputs: ["a", "b", "c"])
          for (position, name) in names.enumerated() where (position + index) % 3 == 0 {
            node.attributes[name] = absurd[(position + index + count) % absurd.count]
          }
          let inputs = (0..<count).map { position -> ValueType? in
            position % 4 == 3 ? ValueType(constant: .int64s([0, .max, -1])) : ValueType(.float32, shape)
          }
          for opset in [7, 13, 21] {
            let context = OperatorContext(node: node, opset: opset, inputs: inputs)
            guard let outputs = try? definition.inferOutputs(context) else { continue }
            _ = definition.cost(context, outputs)
          }
        }
      }
    }
  }

  @Test func sizesBeyondTheIntegersAreNotCounted() throws {
    let big = 1 << 40
    var graph = Graph(
      name: "g", inputs: [info("x", [big, big]), info("s", [4, 4])],
      outputs: [
        ValueInfo(name: "y", dataType: nil, shape: nil), ValueInfo(name: "z", dataType: nil, shape: nil),
      ])
    graph.nodes = [
      Node("MatMul", name: "huge", inputs: ["x", "x"], outputs: ["y"]),
      Node("MatMul", name: "small", inputs: ["s", "s"], outputs: ["z"]),
    ]
    let types = ShapeInference.infer(Model(graph: graph))
    #expect(types.costs[0] == nil)
    #expect(types.notCounted[0]?.contains("too large") == true)
    #expect(types.costs[1]?.macs == 64)
  }

  @Test func functionsThatCallThemselvesEnd() throws {
    var function = FunctionDefinition(name: "Self", domain: "local")
    function.inputs = ["a"]
    function.outputs = ["b"]
    function.opsets = ["": 17, "local": 1]
    function.nodes = [Node("Self", domain: "local", inputs: ["a"], outputs: ["b"])]
    var graph = Graph(
      name: "g", inputs: [info("x", [1])], outputs: [ValueInfo(name: "y", dataType: nil, shape: nil)])
    graph.nodes = [Node("Self", name: "call", domain: "local", inputs: ["x"], outputs: ["y"])]
    var model = Model(graph: graph)
    model.functions = [function]
    model.opsets["local"] = 1
    let types = ShapeInference.infer(model)
    #expect(types.costs[0] == nil)
    do throws(ScopeError) {
      _ = try FunctionInlining.inline(model)
      Issue.record("a function that calls itself was unfolded")
    } catch {
      #expect(error.code == .limitExceeded)
      #expect(error.place?.contains("Self") == true)
    }
  }

  /// 500 graphs inside one another.
  @Test func deepNestingIsRefusedByName() {
    var body = Graph(
      name: "b", nodes: [Node("Neg", inputs: ["x"], outputs: ["r"])], outputs: [info("r", [1])])
    for level in 0..<500 {
      body = Graph(
        name: "b\(level)",
        nodes: [
          Node(
            "If", name: "level\(level)", inputs: ["x"], outputs: ["r"],
            attributes: [
              "then_branch": .graph(body), "else_branch": .graph(Graph(name: "e", outputs: [info("x", [1])])),
            ])
        ], outputs: [info("r", [1])])
    }
    var graph = Graph(name: "g", inputs: [info("x", [1])], outputs: [info("r", [1])])
    graph.nodes = body.nodes
    do throws(ScopeError) {
      try GraphValidation.check(Model(graph: graph))
      Issue.record("500 levels passed")
    } catch {
      #expect(error.code == .limitExceeded)
      #expect(error.place?.contains("level499") == true)
    }
    _ = ShapeInference.infer(Model(graph: graph))
  }

  /// A name of the graph around is not defined again inside.
  @Test func shadowingIsRefused() {
    let branch = Graph(
      name: "b", nodes: [Node("Neg", name: "inner", inputs: ["x"], outputs: ["x"])], outputs: [info("x", [1])]
    )
    var graph = Graph(name: "g", inputs: [info("x", [1]), info("c", [], .bool)], outputs: [info("y", [1])])
    graph.nodes = [
      Node(
        "If", name: "outer", inputs: ["c"], outputs: ["y"],
        attributes: ["then_branch": .graph(branch), "else_branch": .graph(branch)])
    ]
    do throws(ScopeError) {
      try GraphValidation.check(Model(graph: graph))
      Issue.record("shadowing passed")
    } catch {
      #expect(error.message.contains("x"))
      #expect(error.place?.contains("outer") == true)
      #expect(error.place?.contains("inner") == true)
    }
  }
}
