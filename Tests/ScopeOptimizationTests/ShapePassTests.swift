import ScopeBytes
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

/// Runs passes on small graphs in ONNX Runtime, unoptimized by it, before and after.
enum PassCheck {
  /// The rewritten model and whether the pass modified it; the output must have stayed.
  static func apply(_ passes: [any Pass], _ model: Model, input: [Int] = [2, 3, 8, 8]) throws -> (Model, Bool)
  {
    let before = try Computed.output(model, input: input)
    var copy = model
    var modified = false
    for pass in passes where try PassRunner.runOnce(pass, on: &copy) { modified = true }
    #expect(Computed.difference(before, try Computed.output(copy, input: input)) < 1e-5)
    return (copy, modified)
  }

  static func apply(_ pass: any Pass, _ model: Model, input: [Int] = [2, 3, 8, 8]) throws -> (Model, Bool) {
    try apply([pass], model, input: input)
  }

  static func types(_ model: Model) -> [String] { model.graph.nodes.map(\.opType) }

  /// A model whose input has open sizes.
  static func open(_ model: Model, _ dimensions: [Dimension]) -> Model {
    var model = model
    model.graph.inputs[0].shape = Shape(dimensions)
    return model
  }
}

/// Passes over shapes, views and transposes.
@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct ShapePassTests {
  private func transpose(_ from: String, _ to: String, _ perm: [Int]) -> Node {
    Node("Transpose", inputs: [from], outputs: [to], attributes: ["perm": .ints(perm)])
  }

  @Test func removesCastsToTheSameTypeOnly() throws {
    let model = Graphs.model([
      Node("Cast", inputs: ["x"], outputs: ["a"], attributes: ["to": .int(1)]),
      Node("Cast", inputs: ["a"], outputs: ["b"], attributes: ["to": .int(10)]),
      Node("Cast", inputs: ["b"], outputs: ["y"], attributes: ["to": .int(1)]),
    ])
    let (folded, modified) = try PassCheck.apply(EliminateCast(), model)
    #expect(modified)
    #expect(folded.graph.nodes.count == 2)
  }

  @Test func removesNeutralOperands() throws {
    let model = Graphs.model(
      [
        Node("Add", inputs: ["zero", "x"], outputs: ["a"]),
        Node("Mul", inputs: ["a", "one"], outputs: ["b"]),
        Node("Sub", inputs: ["b", "zeros"], outputs: ["c"]), Node("Relu", inputs: ["c"], outputs: ["d"]),
        Node("Sum", inputs: ["d"], outputs: ["e"]), Node("Pow", inputs: ["e", "one"], outputs: ["y"]),
      ],
      constants: [
        "zero": .floats([0], []), "one": .floats([1], [1]), "zeros": .floats([0, 0, 0], [3, 1, 1]),
      ])
    let passes: [any Pass] = [EliminateNeutralOperands(), EliminateNeutralOperands()]
    #expect(try PassCheck.types(PassCheck.apply(passes, model).0) == ["Relu"])
  }

  @Test func keepsNeutralOperandsThatBroadcastOrStandOnTheWrongSide() throws {
    for (node, constant) in [
      (Node("Add", inputs: ["x", "k"], outputs: ["y"]), Tensor.floats([0, 0], [2, 1, 1, 1, 1])),
      (Node("Sub", inputs: ["k", "x"], outputs: ["y"]), .floats([0], [])),
      (Node("Mul", inputs: ["x", "k"], outputs: ["y"]), .floats([1, 1, 2], [3, 1, 1])),
    ] {
      let model = Graphs.model([node], constants: ["k": constant])
      #expect(try !PassCheck.apply(EliminateNeutralOperands(), model).1)
    }
  }

  @Test func removesViewsThatChangeNothing() throws {
    let model = Graphs.model(
      [
        Node("Reshape", inputs: ["x", "same"], outputs: ["a"]),
        Node("Pad", inputs: ["a", "pads"], outputs: ["b"]),
        Node("Slice", inputs: ["b", "start", "end", "axis"], outputs: ["c"]),
        Node("Concat", inputs: ["c"], outputs: ["d"], attributes: ["axis": .int(1)]),
        transpose("d", "e", [0, 1, 2, 3]), Node("Expand", inputs: ["e", "ones"], outputs: ["f"]),
        Node("Relu", inputs: ["f"], outputs: ["y"]),
      ],
      constants: [
        "same": .int64s([2, 3, -1, 8]), "pads": .int64s([Int](repeating: 0, count: 8)), "start": .int64s([0]),
        "end": .int64s([Int(Int32.max)]), "axis": .int64s([2]), "ones": .int64s([3, 1, 1]),
      ])
    #expect(try PassCheck.types(PassCheck.apply(EliminateViews(), model).0) == ["Relu"])
  }

  @Test func keepsViewsThatMatter() throws {
    let constants: [String: Tensor] = [
      "start": .int64s([-1]), "end": .int64s([-100]), "axis": .int64s([2]), "step": .int64s([-1]),
      "pads": .int64s([0, 0, 1, 0, 0, 0, -1, 0]),
    ]
    for node in [
      Node("Slice", inputs: ["x", "start", "end", "axis", "step"], outputs: ["y"]),
      Node("Pad", inputs: ["x", "pads"], outputs: ["y"]), transpose("x", "y", [0, 1, 3, 2]),
    ] {
      #expect(try !PassCheck.apply(EliminateViews(), Graphs.model([node], constants: constants)).1)
    }
  }

  @Test func mergesChainsOfViews() throws {
    let model = Graphs.model(
      [
        Node("Flatten", inputs: ["x"], outputs: ["a"]),
        Node("Unsqueeze", inputs: ["a", "one"], outputs: ["b"]),
        Node("Reshape", inputs: ["b", "s"], outputs: ["c"]), transpose("c", "d", [0, 2, 1]),
        Node("Relu", inputs: ["d"], outputs: ["y"]),
      ], constants: ["one": .int64s([1]), "s": .int64s([2, 1, 192])])
    let passes: [any Pass] = [MergeViews(), MergeViews(), MergeViews(), EliminateDeadNodes()]
    #expect(try PassCheck.types(PassCheck.apply(passes, model).0) == ["Reshape", "Relu"])
  }

  @Test func mergesUnsqueezesOfOpenSizes() throws {
    let model = PassCheck.open(
      Graphs.model(
        [
          Node("Unsqueeze", inputs: ["x", "first"], outputs: ["a"]),
          Node("Unsqueeze", inputs: ["a", "second"], outputs: ["y"]),
        ], constants: ["first": .int64s([1]), "second": .int64s([0, 2])]),
      [.unknown, .unknown, .unknown, .unknown])
    let (merged, modified) = try PassCheck.apply([MergeViews(), EliminateDeadNodes()], model)
    #expect(modified)
    #expect(PassCheck.types(merged) == ["Unsqueeze"])
    #expect(try merged.graph.initializers[merged.graph.nodes[0].inputs[1]]?.ints() == [0, 2, 3])
  }

  @Test func keepsChainsWhoseResultHasTwoOpenSizes() throws {
    let model = PassCheck.open(
      Graphs.model(
        [
          Node("Flatten", inputs: ["x"], outputs: ["a"], attributes: ["axis": .int(2)]),
          Node("Reshape", inputs: ["a", "s"], outputs: ["y"]),
        ], constants: ["s": .int64s([0, -1, 4])]), [.unknown, .unknown, .unknown, .known(8)])
    #expect(try !PassCheck.apply(MergeViews(), model).1)
  }

  @Test func computedReshapeTargetsBecomeConstant() throws {
    let model = PassCheck.open(
      Graphs.model(
        [
          Node("Shape", inputs: ["x"], outputs: ["s"]),
          Node("Gather", inputs: ["s", "zero"], outputs: ["n"]),
          Node("Unsqueeze", inputs: ["n", "axis"], outputs: ["v"]),
          Node("Concat", inputs: ["v", "rest"], outputs: ["t"], attributes: ["axis": .int(0)]),
          Node("Reshape", inputs: ["x", "t"], outputs: ["y"]),
        ],
        constants: ["zero": .int64s([0], []), "axis": .int64s([0]), "rest": .int64s([3, 64])]),
      [.symbolic("batch"), .known(3), .known(8), .known(8)])
    let (fixed, modified) = try PassCheck.apply([SimplifyReshapeShapes(), EliminateDeadNodes()], model)
    #expect(modified)
    #expect(PassCheck.types(fixed) == ["Reshape"])
    #expect(try fixed.graph.initializers.values.map { try $0.ints() } == [[0, 3, 64]])
    // Two sizes that are not those of the input's axes cannot be written.
    var open = PassCheck.open(model, [.symbolic("batch"), .symbolic("c"), .known(8), .known(8)])
    open.graph.nodes[1].inputs[1] = "both"
    open.graph.nodes[3].inputs = ["n", "rest"]
    open.graph.nodes.remove(at: 2)
    open.graph.initializers["both"] = .int64s([1, 0])
    open.graph.initializers["rest"] = .int64s([64])
    open.graph.initializers["axis"] = nil
    #expect(try !PassCheck.apply(SimplifyReshapeShapes(), open).1)
  }

  @Test func sizesAreComputedOnceAndGatheredTogether() throws {
    let model = PassCheck.open(
      Graphs.model(
        [
          Node("Shape", inputs: ["x"], outputs: ["s"]), Node("Gather", inputs: ["s", "i0"], outputs: ["n"]),
          Node("Unsqueeze", inputs: ["n", "axis"], outputs: ["n1"]),
          Node("Relu", inputs: ["x"], outputs: ["r"]), Node("Shape", inputs: ["r"], outputs: ["s2"]),
          Node("Gather", inputs: ["s2", "i1"], outputs: ["c"]),
          Node("Unsqueeze", inputs: ["c", "axis"], outputs: ["c1"]),
          Node("Concat", inputs: ["n1", "c1"], outputs: ["t"], attributes: ["axis": .int(0)]),
          Node("Cast", inputs: ["t"], outputs: ["y"], attributes: ["to": .int(1)]),
        ],
        constants: ["i0": .int64s([0], []), "i1": .int64s([1], []), "axis": .int64s([0])]),
      [.symbolic("n"), .symbolic("c"), .symbolic("h"), .symbolic("w")])
    let passes: [any Pass] = [
      ShareSizes(), MergeGatheredSizes(), MergeGatheredSizes(), EliminateDeadNodes(), EliminateViews(),
    ]
    #expect(try PassCheck.types(PassCheck.apply(passes, model).0) == ["Shape", "Gather", "Cast"])
  }

  @Test func mergesConcatsAndSlices() throws {
    let model = Graphs.model(
      [
        Node("Concat", inputs: ["x", "x"], outputs: ["a"], attributes: ["axis": .int(1)]),
        Node("Concat", inputs: ["a", "x"], outputs: ["b"], attributes: ["axis": .int(-3)]),
        Node("Slice", inputs: ["b", "one", "end", "two"], outputs: ["c"]),
        Node("Slice", inputs: ["c", "one", "end", "three", "two"], outputs: ["y"]),
      ],
      constants: [
        "one": .int64s([1]), "end": .int64s([7]), "two": .int64s([2]), "three": .int64s([3]),
      ])
    let (merged, _) = try PassCheck.apply([MergeConcats(), MergeSlices()], model)
    #expect(PassCheck.types(merged) == ["Concat", "Slice"])
    // Two cuts of one axis, and a concatenation along another axis.
    var same = model
    same.graph.nodes[3].inputs[3] = "two"
    #expect(try !PassCheck.apply(MergeSlices(), same).1)
    let crossed = Graphs.model([
      Node("Concat", inputs: ["x", "x"], outputs: ["a"], attributes: ["axis": .int(2)]),
      Node("Relu", inputs: ["a"], outputs: ["r"]),
      Node("Concat", inputs: ["x", "x"], outputs: ["b"], attributes: ["axis": .int(2)]),
      Node("Concat", inputs: ["r", "b"], outputs: ["y"], attributes: ["axis": .int(1)]),
    ])
    #expect(try !PassCheck.apply(MergeConcats(), crossed).1)
  }

  @Test func transposesMeetAndUndoEachOther() throws {
    var numbers = Numbers()
    let model = Graphs.model(
      [
        transpose("x", "a", [0, 2, 3, 1]), Node("Mul", inputs: ["a", "k"], outputs: ["b"]),
        Node("Sigmoid", inputs: ["b"], outputs: ["c"]), Node("Add", inputs: ["c", "half"], outputs: ["d"]),
        transpose("d", "e", [0, 3, 1, 2]), Node("Relu", inputs: ["e"], outputs: ["y"]),
      ], constants: ["k": numbers.tensor([8, 1, 3]), "half": .floats([0.5], [])])
    let (moved, modified) = try PassCheck.apply(EliminateTranspose(), model)
    #expect(modified)
    #expect(PassCheck.types(moved) == ["Mul", "Sigmoid", "Add", "Relu"])
    let pair = Graphs.model([transpose("x", "a", [0, 2, 3, 1]), transpose("a", "y", [0, 2, 1, 3])])
    let (one, _) = try PassCheck.apply([EliminateTranspose(), EliminateDeadNodes()], pair)
    #expect(one.graph.nodes.map { $0.ints("perm") } == [[0, 3, 2, 1]])
  }

  @Test func keepsTransposesThatDoNotMeet() throws {
    var numbers = Numbers()
    let constants = ["k": numbers.tensor([2, 8, 8, 3])]
    for last in [transpose("b", "y", [0, 1, 3, 2]), transpose("c", "y", [0, 3, 1, 2])] {
      var nodes = [
        transpose("x", "a", [0, 2, 3, 1]), Node("Mul", inputs: ["a", "k"], outputs: ["b"]), last,
      ]
      if last.inputs == ["c"] { nodes.insert(Node("Add", inputs: ["b", "a"], outputs: ["c"]), at: 2) }
      #expect(try !PassCheck.apply(EliminateTranspose(), Graphs.model(nodes, constants: constants)).1)
    }
  }

  @Test func viewsAroundATransposeMerge() throws {
    let model = Graphs.model(
      [
        Node("Reshape", inputs: ["x", "s"], outputs: ["a"]), transpose("a", "b", [1, 0, 2]),
        Node("Unsqueeze", inputs: ["b", "zero"], outputs: ["c"]), Node("Relu", inputs: ["c"], outputs: ["y"]),
      ], constants: ["s": .int64s([16, 3, 8]), "zero": .int64s([0])])
    let (merged, modified) = try PassCheck.apply(MergeViewsAroundTranspose(), model)
    #expect(modified)
    #expect(PassCheck.types(merged) == ["Reshape", "Transpose", "Relu"])
    var other = model
    other.graph.nodes[2] = Node("Reshape", inputs: ["b", "t"], outputs: ["c"])
    other.graph.initializers["t"] = .int64s([6, 8, 8])
    #expect(try !PassCheck.apply(MergeViewsAroundTranspose(), other).1)
  }

  @Test func fixesOpenSizesOfInputsAndOutputs() throws {
    var model = PassCheck.open(
      Graphs.model([Node("Relu", inputs: ["x"], outputs: ["y"])]),
      [.symbolic("batch"), .known(3), .symbolic("h"), .unknown])
    model.graph.outputs[0].dataType = .float32
    model.graph.outputs[0].shape = Shape([.symbolic("batch"), .known(3), .symbolic("h"), .unknown])
    var fixed = model
    #expect(try PassRunner.runOnce(SpecializeShapes(sizes: ["batch": 2, "h": 8]), on: &fixed))
    #expect(fixed.graph.inputs[0].shape == Shape([.known(2), .known(3), .known(8), .unknown]))
    #expect(fixed.graph.outputs[0].shape == Shape([.known(2), .known(3), .known(8), .unknown]))
    var whole = model
    #expect(try PassRunner.runOnce(SpecializeShapes(inputs: ["x": [2, 3, 8, 8]]), on: &whole))
    #expect(whole.graph.inputs[0].shape == [2, 3, 8, 8])
    var batch = model
    #expect(try PassRunner.runOnce(SpecializeShapes(batch: 4), on: &batch))
    #expect(batch.graph.inputs[0].shape?.dimensions[0] == .known(4))
    for pass in [
      SpecializeShapes(sizes: ["other": 1]), SpecializeShapes(sizes: ["batch": 0]),
      SpecializeShapes(inputs: ["z": [1]]), SpecializeShapes(inputs: ["x": [1, 4, 8, 8]]),
      SpecializeShapes(sizes: ["h": 4], inputs: ["x": [2, 3, 8, 8]]),
    ] {
      var copy = model
      #expect(throws: ScopeError.self) { try PassRunner.runOnce(pass, on: &copy) }
    }
  }
}
