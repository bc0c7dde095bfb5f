import ScopeBytes
import ScopeGraph
import ScopeOptimization
import TestSupport
import Testing

/// Every pass on a small graph: it does its work, the numbers stay, and it declines where it must.
@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct PassTests {
  /// Runs one pass and checks that the output stayed.
  private func apply(_ pass: any Pass, _ model: Model, input: [Int] = [2, 3, 8, 8]) throws -> (Model, Bool) {
    let before = try Computed.output(model, input: input)
    var copy = model
    let modified = try PassRunner.runOnce(pass, on: &copy)
    #expect(Computed.difference(before, try Computed.output(copy, input: input)) < 1e-5)
    return (copy, modified)
  }

  private func types(_ model: Model) -> [String] { model.graph.nodes.map(\.opType) }

  private func convBatchNorm(pads: [Int] = [1, 1, 1, 1], group: Int = 1, bias: Bool = true) -> Model {
    var numbers = Numbers()
    var constants = Graphs.batchNorm("n", 6, &numbers)
    constants["w"] = numbers.tensor([6, 3 / group, 3, 3])
    constants["b"] = numbers.tensor([6])
    return Graphs.model(
      [
        Node(
          "Conv", inputs: bias ? ["x", "w", "b"] : ["x", "w"], outputs: ["c"],
          attributes: ["pads": .ints(pads), "group": .int(group)]),
        Node(
          "BatchNormalization", inputs: ["c", "n_g", "n_b", "n_m", "n_v"], outputs: ["y"],
          attributes: ["epsilon": .float(1e-3)]),
      ], constants: constants)
  }

  @Test(arguments: [(1, true), (3, false)])
  func foldsBatchNormIntoConv(group: Int, bias: Bool) throws {
    let (model, modified) = try apply(FoldBatchNormIntoConv(), convBatchNorm(group: group, bias: bias))
    #expect(modified)
    #expect(types(model) == ["Conv"])
  }

  /// A weight keeps its name; one that another node reads too keeps its numbers as well.
  @Test(arguments: [false, true])
  func foldedWeightsKeepTheirNames(isShared: Bool) throws {
    var model = convBatchNorm()
    let weight = model.graph.nodes[0].inputs[1]
    let before = try #require(model.graph.initializers[weight]).floats()
    if isShared {
      var second = model.graph.nodes[0]
      second.outputs = ["d"]
      model.graph.nodes.append(second)
      model.graph.nodes[1].outputs = ["n"]
      model.graph.nodes.append(Node("Add", inputs: ["d", "n"], outputs: ["y"]))
    }
    let (folded, modified) = try apply(FoldBatchNormIntoConv(), model)
    #expect(modified)
    #expect((folded.graph.nodes[0].inputs[1] == weight) == !isShared)
    #expect((try #require(folded.graph.initializers[weight]).floats() == before) == isShared)
  }

  @Test func keepsBatchNormWhoseInputIsReadElsewhere() throws {
    var model = convBatchNorm()
    model.graph.nodes[1].outputs = ["n"]
    model.graph.nodes.append(Node("Add", inputs: ["c", "n"], outputs: ["y"]))
    #expect(try !apply(FoldBatchNormIntoConv(), model).1)
  }

  @Test func foldsBatchNormIntoGemm() throws {
    for transposed in [0, 1] {
      var numbers = Numbers()
      var constants = Graphs.batchNorm("n", 4, &numbers)
      constants["w"] = numbers.tensor(transposed == 1 ? [4, 5] : [5, 4])
      constants["b"] = numbers.tensor([4])
      let model = Graphs.model(
        [
          Node(
            "Gemm", inputs: ["x", "w", "b"], outputs: ["c"],
            attributes: ["transB": .int(transposed), "alpha": .float(0.5), "beta": .float(2)]),
          Node("BatchNormalization", inputs: ["c", "n_g", "n_b", "n_m", "n_v"], outputs: ["y"]),
        ], input: [7, 5], constants: constants)
      let (folded, modified) = try apply(FoldArithmeticIntoLinear(), model, input: [7, 5])
      #expect(modified)
      #expect(types(folded) == ["Gemm"])
    }
  }

  @Test(arguments: [([0, 0, 0, 0], true), ([1, 1, 1, 1], false)])
  func foldsBatchNormBeforeUnpaddedConvOnly(pads: [Int], folds: Bool) throws {
    var numbers = Numbers()
    var constants = Graphs.batchNorm("n", 3, &numbers)
    constants["w"] = numbers.tensor([6, 1, 3, 3])
    let model = Graphs.model(
      [
        Node("BatchNormalization", inputs: ["x", "n_g", "n_b", "n_m", "n_v"], outputs: ["n"]),
        Node(
          "Conv", inputs: ["n", "w"], outputs: ["y"], attributes: ["pads": .ints(pads), "group": .int(3)]),
      ], constants: constants)
    let (folded, modified) = try apply(FoldBatchNormBeforeConv(), model)
    #expect(modified == folds)
    #expect(types(folded) == (folds ? ["Conv"] : ["BatchNormalization", "Conv"]))
  }

  @Test(arguments: ["Mul", "Div", "Add", "Sub"])
  func foldsArithmeticIntoConv(operation: String) throws {
    for dimensions in [[1, 6, 1, 1], [6, 1, 1], [1]] {
      var numbers = Numbers()
      let constants = ["w": numbers.tensor([6, 3, 3, 3]), "k": numbers.tensor(dimensions, offset: 2)]
      let model = Graphs.model(
        [
          Node("Conv", inputs: ["x", "w"], outputs: ["c"]),
          Node(operation, inputs: ["c", "k"], outputs: ["y"]),
        ], constants: constants)
      let (folded, modified) = try apply(FoldArithmeticIntoConv(), model)
      #expect(modified)
      #expect(types(folded) == ["Conv"])
    }
  }

  @Test func keepsArithmeticThatVariesInSpaceOrReversesItsOperands() throws {
    var numbers = Numbers()
    let constants = [
      "w": numbers.tensor([6, 3, 3, 3]), "row": numbers.tensor([6]),
      "one": numbers.tensor([1, 6, 1, 1], offset: 2),
    ]
    // [6] broadcasts along the last axis of a [2, 6, 6, 6] result, not along its channels.
    for inputs in [["c", "row"], ["one", "c"]] {
      let model = Graphs.model(
        [Node("Conv", inputs: ["x", "w"], outputs: ["c"]), Node("Sub", inputs: inputs, outputs: ["y"])],
        constants: constants)
      #expect(try !apply(FoldArithmeticIntoConv(), model).1)
    }
  }

  @Test func foldsZeroPadding() throws {
    var numbers = Numbers()
    let weight = numbers.tensor([4, 3, 3, 3])
    for (pads, value, folds) in [
      ([0, 0, 1, 2, 0, 0, 0, 1], Float(0), true), ([0, 0, 1, 1, 0, 0, 1, 1], 1, false),
      ([1, 0, 0, 0, 0, 0, 0, 0], 0, false),
    ] {
      let model = Graphs.model(
        [
          Node("Pad", inputs: ["x", "p", "v"], outputs: ["c"]),
          Node("Conv", inputs: ["c", "w"], outputs: ["y"], attributes: ["pads": .ints([1, 0, 1, 0])]),
        ], constants: ["w": weight, "p": .int64s(pads), "v": .floats([value], [])])
      let (folded, modified) = try apply(FoldPadIntoConv(), model)
      #expect(modified == folds)
      if folds { #expect(folded.graph.nodes.last?.inputs[0] == "x") }
    }
  }

  @Test func removesIdentityBeforeAnOutputAndInside() throws {
    let model = Graphs.model([
      Node("Identity", inputs: ["x"], outputs: ["a"]), Node("Relu", inputs: ["a"], outputs: ["r"]),
      Node("Identity", inputs: ["r"], outputs: ["y"]),
    ])
    let (folded, modified) = try apply(EliminateIdentity(), model)
    #expect(modified)
    #expect(types(folded) == ["Relu"])
    let direct = Graphs.model([Node("Identity", inputs: ["x"], outputs: ["y"])])
    #expect(try !apply(EliminateIdentity(), direct).1)
  }

  @Test func removesDropoutUnlessItTrains() throws {
    let idle = Graphs.model([
      Node("Dropout", inputs: ["x"], outputs: ["d", "mask"]), Node("Relu", inputs: ["d"], outputs: ["y"]),
    ])
    #expect(types(try apply(EliminateDropout(), idle).0) == ["Relu"])
    var training = idle
    training.graph.initializers["ratio"] = .floats([0.5], [])
    training.graph.initializers["on"] = try Tensor(
      dataType: .bool, dimensions: [], storage: .packed(ByteSlice([1])))
    training.graph.nodes[0].inputs = ["x", "ratio", "on"]
    var copy = training
    #expect(try !PassRunner.runOnce(EliminateDropout(), on: &copy))
  }

  @Test func constantsAreMovedFoldedAndStoredOnce() throws {
    let model = Graphs.model([
      Node(
        "Constant", inputs: [], outputs: ["a"],
        attributes: ["value": .tensor(.floats([1, 2, 3], [3, 1, 1]))]),
      Node("Constant", inputs: [], outputs: ["b"], attributes: ["value_floats": .floats([2])]),
      Node("Mul", inputs: ["a", "b"], outputs: ["c"]), Node("Mul", inputs: ["b", "a"], outputs: ["d"]),
      Node("Add", inputs: ["x", "c"], outputs: ["e"]), Node("Add", inputs: ["e", "d"], outputs: ["y"]),
    ])
    let before = try Computed.output(model)
    var copy = model
    let records = try PassRunner.run(PassRegistry.exact, on: &copy)
    #expect(types(copy) == ["Add"])
    #expect(copy.graph.initializers.count == 1)
    #expect(try copy.graph.initializers.values[0].floats() == [4, 8, 12])
    #expect(Computed.difference(before, try Computed.output(copy)) < 1e-6)
    #expect(records.map(\.name).contains("fold-constants"))
  }

  @Test func repeatedComputationsAreDoneOnce() throws {
    let model = Graphs.model([
      Node("Relu", inputs: ["x"], outputs: ["a"]), Node("Relu", inputs: ["x"], outputs: ["b"]),
      Node("Add", inputs: ["a", "b"], outputs: ["y"]),
    ])
    #expect(types(try apply(EliminateCommonSubexpressions(), model).0) == ["Relu", "Add"])
  }

  @Test func unusedPartsGo() throws {
    var model = Graphs.model(
      [Node("Relu", inputs: ["x"], outputs: ["y"]), Node("Neg", inputs: ["x"], outputs: ["n"])],
      constants: ["unused": .floats([1], [1])])
    model.graph.valueInfo = [ValueInfo(name: "n", dataType: .float32, shape: nil)]
    let (folded, modified) = try apply(EliminateDeadNodes(), model)
    #expect(modified)
    #expect(types(folded) == ["Relu"])
    #expect(folded.graph.initializers.isEmpty && folded.graph.valueInfo.isEmpty)
  }

  @Test func weightsListedAsInputsBecomeConstant() throws {
    var model = convBatchNorm()
    model.irVersion = 3
    for name in model.graph.initializers.keys {
      model.graph.inputs.append(ValueInfo(name: name, dataType: .float32, shape: nil))
    }
    var copy = model
    // A constant that a caller may override must not be folded.
    #expect(try !PassRunner.runOnce(FoldBatchNormIntoConv(), on: &copy))
    #expect(try PassRunner.runOnce(RemoveInitializerInputs(), on: &copy))
    #expect(copy.graph.inputs.map(\.name) == ["x"])
    #expect(try PassRunner.runOnce(FoldBatchNormIntoConv(), on: &copy))
  }

  @Test func aPassThatBreaksTheGraphIsNamed() {
    struct Breaks: Pass {
      let name = "breaks"
      let summary = "Removes what is needed"
      let safety = PassSafety.exact
      func run(_ model: inout Model) throws(ScopeError) -> Bool {
        model.graph.nodes.removeFirst()
        return true
      }
    }
    var model = convBatchNorm()
    let error = #expect(throws: ScopeError.self) { try PassRunner.run([Breaks()], on: &model) }
    #expect(error?.description.contains("pass breaks") == true)
    #expect(model.graph.nodes.count == 2)
  }

  @Test func passNamesAreDistinctAndExact() {
    #expect(Set(PassRegistry.exact.map(\.name)).count == PassRegistry.exact.count)
    #expect(PassRegistry.exact.allSatisfy { $0.safety == .exact && !$0.summary.isEmpty })
  }
}
