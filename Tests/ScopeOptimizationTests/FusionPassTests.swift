import ScopeBytes
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

/// Passes over linear layers, convolutions and activations.
@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct FusionPassTests {
  @Test func scalesAreFoldedIntoTheLinearLayerThroughViews() throws {
    var numbers = Numbers()
    let constants: [String: Tensor] = [
      "w": numbers.tensor([5, 8]), "b": numbers.tensor([8]), "s": .int64s([3, 2, 2, 4]),
      "k": .floats([0.5], []),
    ]
    let model = Graphs.model(
      [
        Node("MatMul", inputs: ["x", "w"], outputs: ["m"]), Node("Add", inputs: ["b", "m"], outputs: ["a"]),
        Node("Reshape", inputs: ["a", "s"], outputs: ["r"]),
        Node("Transpose", inputs: ["r"], outputs: ["t"], attributes: ["perm": .ints([0, 2, 1, 3])]),
        Node("Mul", inputs: ["t", "k"], outputs: ["y"]),
      ], input: [3, 2, 5], constants: constants)
    let passes: [any Pass] = [FoldArithmeticIntoLinear(), EliminateIdentity()]
    let (folded, modified) = try PassCheck.apply(passes, model, input: [3, 2, 5])
    #expect(modified)
    #expect(PassCheck.types(folded) == ["MatMul", "Add", "Reshape", "Transpose"])
    // A constant that varies along another axis than the outputs stays.
    var other = model
    other.graph.initializers["k"] = numbers.tensor([2, 1, 1])
    #expect(try !PassCheck.apply(FoldArithmeticIntoLinear(), other, input: [3, 2, 5]).1)
    // So does one whose layer shares its weight.
    var shared = model
    shared.graph.nodes.append(Node("MatMul", inputs: ["x", "w"], outputs: ["other"]))
    #expect(try !PassCheck.apply(FoldArithmeticIntoLinear(), shared, input: [3, 2, 5]).1)
  }

  @Test func batchNormAfterAFlattenedLinearLayerIsFolded() throws {
    var numbers = Numbers()
    var constants = Graphs.batchNorm("n", 8, &numbers)
    constants["w"] = numbers.tensor([5, 8])
    let model = Graphs.model(
      [
        Node("MatMul", inputs: ["x", "w"], outputs: ["m"]),
        Node("Flatten", inputs: ["m"], outputs: ["f"], attributes: ["axis": .int(2)]),
        Node("BatchNormalization", inputs: ["f", "n_g", "n_b", "n_m", "n_v"], outputs: ["y"]),
      ], input: [3, 2, 5], constants: constants)
    let (folded, _) = try PassCheck.apply(FoldArithmeticIntoLinear(), model, input: [3, 2, 5])
    #expect(PassCheck.types(folded) == ["MatMul", "Flatten", "Add"])
  }

  @Test(arguments: ["Mul", "Sub", "BatchNormalization"])
  func arithmeticIsFoldedIntoConvTranspose(operation: String) throws {
    for group in [1, 3] {
      var numbers = Numbers()
      var constants = Graphs.batchNorm("n", 6, &numbers)
      constants["w"] = numbers.tensor([3, 6 / group, 2, 2])
      constants["b"] = numbers.tensor([6])
      constants["k"] = numbers.tensor([6, 1, 1])
      let inputs = operation == "BatchNormalization" ? ["c", "n_g", "n_b", "n_m", "n_v"] : ["c", "k"]
      let model = Graphs.model(
        [
          Node(
            "ConvTranspose", inputs: ["x", "w", "b"], outputs: ["c"],
            attributes: ["strides": .ints([2, 2]), "group": .int(group)]),
          Node(operation, inputs: inputs, outputs: ["y"]),
        ], constants: constants)
      let (folded, modified) = try PassCheck.apply(FoldIntoConvTranspose(), model)
      #expect(modified)
      #expect(PassCheck.types(folded) == ["ConvTranspose"])
    }
  }

  @Test(arguments: [("Mul", 1, true), ("Add", 0, true), ("Add", 1, false)])
  func arithmeticBeforeConvIsFoldedUnlessZerosWouldBeShifted(operation: String, pad: Int, folds: Bool) throws
  {
    var numbers = Numbers()
    let model = Graphs.model(
      [
        Node(operation, inputs: ["x", "k"], outputs: ["a"]),
        Node(
          "Conv", inputs: ["a", "w"], outputs: ["y"],
          attributes: ["pads": .ints([pad, pad, pad, pad]), "group": .int(3)]),
      ], constants: ["k": numbers.tensor([3, 1, 1]), "w": numbers.tensor([6, 1, 3, 3])])
    let (folded, modified) = try PassCheck.apply(FoldArithmeticBeforeConv(), model)
    #expect(modified == folds)
    #expect(PassCheck.types(folded) == (folds ? ["Conv"] : [operation, "Conv"]))
  }

  @Test func matrixProductsAndTheirBiasBecomeGemm() throws {
    var numbers = Numbers()
    let constants = [
      "w": numbers.tensor([5, 4]), "b": numbers.tensor([4]), "cube": numbers.tensor([2, 1, 4]),
    ]
    func model(_ bias: String) -> Model {
      Graphs.model(
        [
          Node("MatMul", inputs: ["x", "w"], outputs: ["m"]),
          Node("Add", inputs: [bias, "m"], outputs: ["y"]),
        ], input: [3, 5], constants: constants)
    }
    #expect(try PassCheck.types(PassCheck.apply(FuseMatMulAdd(), model("b"), input: [3, 5]).0) == ["Gemm"])
    #expect(try !PassCheck.apply(FuseMatMulAdd(), model("cube"), input: [3, 5]).1)
  }

  @Test func clampsMerge() throws {
    let constants: [String: Tensor] = [
      "low": .floats([-0.5], []), "high": .floats([0.25], []), "zero": .floats([0], [1]),
      "six": .floats([6], []),
    ]
    for (nodes, merged) in [
      (
        [
          Node("Relu", inputs: ["x"], outputs: ["a"]),
          Node("Clip", inputs: ["a", "low", "high"], outputs: ["y"]),
        ], "Clip"
      ),
      (
        [
          Node("Max", inputs: ["x", "zero"], outputs: ["a"]),
          Node("Min", inputs: ["six", "a"], outputs: ["y"]),
        ], "Clip"
      ),
      (
        [Node("Clip", inputs: ["x", "low"], outputs: ["a"]), Node("Relu", inputs: ["a"], outputs: ["y"])],
        "Relu"
      ),
      ([Node("Max", inputs: ["zero", "x"], outputs: ["y"])], "Relu"),
    ] {
      let (folded, modified) = try PassCheck.apply(
        [MergeClips(), MergeClips()], Graphs.model(nodes, constants: constants))
      #expect(modified)
      #expect(PassCheck.types(folded) == [merged])
    }
    // Crossed limits, a limit that is computed, and nothing to do.
    for node in [
      Node("Clip", inputs: ["x", "six", "low"], outputs: ["y"]),
      Node("Max", inputs: ["x", "x"], outputs: ["y"]),
      Node("Relu", inputs: ["x"], outputs: ["y"]),
    ] {
      #expect(try !PassCheck.apply(MergeClips(), Graphs.model([node], constants: constants)).1)
    }
  }

  @Test func partsOfHardSwishFuse() throws {
    let constants: [String: Tensor] = [
      "three": .floats([3], []), "zero": .floats([0], []), "six": .floats([6], []),
      "sixth": .floats([1 / 6], []),
      "five": .floats([5], []),
    ]
    let clip = [
      Node("Add", inputs: ["three", "x"], outputs: ["a"]),
      Node("Clip", inputs: ["a", "zero", "six"], outputs: ["c"]),
    ]
    for (rest, fused) in [
      (
        [
          Node("Mul", inputs: ["x", "c"], outputs: ["m"]), Node("Div", inputs: ["m", "six"], outputs: ["y"]),
        ], ["HardSwish"]
      ),
      ([Node("Mul", inputs: ["c", "sixth"], outputs: ["y"])], ["HardSigmoid"]),
      (
        [
          Node("Div", inputs: ["c", "six"], outputs: ["m"]), Node("Mul", inputs: ["m", "x"], outputs: ["y"]),
        ], ["HardSwish"]
      ),
    ] {
      let passes: [any Pass] = [FuseHardSwish(), FuseHardSwish()]
      let (folded, _) = try PassCheck.apply(passes, Graphs.model(clip + rest, constants: constants))
      #expect(PassCheck.types(folded) == fused)
    }
    let other = Graphs.model(
      clip + [Node("Div", inputs: ["c", "five"], outputs: ["y"])], constants: constants)
    #expect(try !PassCheck.apply(FuseHardSwish(), other).1)
  }

  @Test func partsOfGeluFuse() throws {
    let constants: [String: Tensor] = [
      "root": .floats([Float(2).squareRoot()], []), "one": .floats([1], []), "half": .floats([0.5], []),
      "three": .floats([3], []), "small": .floats([0.044715], []), "scale": .floats([0.797_884_56], []),
    ]
    let exact = [
      Node("Div", inputs: ["x", "root"], outputs: ["d"]), Node("Erf", inputs: ["d"], outputs: ["e"]),
      Node("Add", inputs: ["e", "one"], outputs: ["f"]),
    ]
    let approximate = [
      Node("Pow", inputs: ["x", "three"], outputs: ["p"]),
      Node("Mul", inputs: ["p", "small"], outputs: ["q"]),
      Node("Add", inputs: ["x", "q"], outputs: ["s"]), Node("Mul", inputs: ["s", "scale"], outputs: ["d"]),
      Node("Tanh", inputs: ["d"], outputs: ["e"]), Node("Add", inputs: ["e", "one"], outputs: ["f"]),
    ]
    let ends = [
      [
        Node("Mul", inputs: ["x", "f"], outputs: ["g"]), Node("Mul", inputs: ["g", "half"], outputs: ["y"]),
      ],
      [
        Node("Mul", inputs: ["half", "f"], outputs: ["g"]), Node("Mul", inputs: ["x", "g"], outputs: ["y"]),
      ],
      [
        Node("Mul", inputs: ["x", "half"], outputs: ["g"]), Node("Mul", inputs: ["g", "f"], outputs: ["y"]),
      ],
    ]
    for start in [exact, approximate] {
      for end in ends {
        let model = Graphs.model(start + end, constants: constants, opset: 20)
        #expect(try PassCheck.types(PassCheck.apply(FuseGelu(), model).0) == ["Gelu"])
        var old = model
        old.opsets[""] = 17
        #expect(try !PassCheck.apply(FuseGelu(), old).1)
        var wrong = model
        wrong.graph.initializers["half"] = .floats([0.25], [])
        #expect(try !PassCheck.apply(FuseGelu(), wrong).1)
      }
    }
  }

  @Test func constantsThatMeetMerge() throws {
    var numbers = Numbers()
    let constants: [String: Tensor] = [
      "a": numbers.tensor([3, 1, 1], offset: 2), "b": .floats([4], []), "c": .floats([0.5], []),
    ]
    let chain = Graphs.model(
      [Node("Mul", inputs: ["a", "x"], outputs: ["m"]), Node("Div", inputs: ["m", "b"], outputs: ["y"])],
      constants: constants)
    #expect(try PassCheck.types(PassCheck.apply(MergeScales(), chain).0) == ["Mul"])
    let attention = Graphs.model(
      [
        Node("Mul", inputs: ["x", "b"], outputs: ["q"]), Node("Mul", inputs: ["x", "c"], outputs: ["k"]),
        Node("MatMul", inputs: ["q", "k"], outputs: ["y"]),
      ], constants: constants)
    #expect(try PassCheck.types(PassCheck.apply(MergeScales(), attention).0) == ["Mul", "MatMul"])
    let mixed = Graphs.model(
      [Node("Mul", inputs: ["x", "b"], outputs: ["m"]), Node("Add", inputs: ["m", "c"], outputs: ["y"])],
      constants: constants)
    #expect(try !PassCheck.apply(MergeScales(), mixed).1)
  }

  @Test func spatialMeansBecomePooling() throws {
    for (axes, keep, becomes) in [
      ([2, 3], 1, true), ([-1, -2], 1, true), ([1, 2], 1, false), ([2, 3], 0, false),
    ] {
      let model = Graphs.model([
        Node(
          "ReduceMean", inputs: ["x"], outputs: ["y"],
          attributes: ["axes": .ints(axes), "keepdims": .int(keep)])
      ])
      #expect(try PassCheck.apply(MeanToGlobalPool(), model).1 == becomes)
    }
  }

  private func parallel(_ second: Node, group: Int, _ constants: [String: Tensor]) -> Model {
    Graphs.model(
      [
        Node(
          "Conv", inputs: ["x", "w", "b"], outputs: ["c"],
          attributes: ["pads": .ints([1, 1, 1, 1]), "group": .int(group)]),
        second, Node("Add", inputs: ["d", "c"], outputs: ["y"]),
      ], constants: constants)
  }

  @Test(arguments: [1, 3])
  func branchesOfRepVGGMerge(group: Int) throws {
    var numbers = Numbers()
    var constants = Graphs.batchNorm("n", 3, &numbers)
    constants["w"] = numbers.tensor([3, 3 / group, 3, 3])
    constants["b"] = numbers.tensor([3])
    constants["v"] = numbers.tensor([3, 3 / group, 1, 1])
    let groups: AttributeValue = .int(group)
    for second in [
      Node("Conv", inputs: ["x", "v"], outputs: ["d"], attributes: ["group": groups]),
      Node("BatchNormalization", inputs: ["x", "n_g", "n_b", "n_m", "n_v"], outputs: ["d"]),
    ] {
      let (merged, _) = try PassCheck.apply(
        MergeParallelConvolutions(), parallel(second, group: group, constants))
      #expect(PassCheck.types(merged) == ["Conv"])
    }
    var skip = parallel(Node("Relu", inputs: ["x"], outputs: ["d"]), group: group, constants)
    #expect(try !PassCheck.apply(MergeParallelConvolutions(), skip).1)
    skip.graph.nodes.remove(at: 1)
    skip.graph.nodes[1].inputs = ["x", "c"]
    #expect(try PassCheck.types(PassCheck.apply(MergeParallelConvolutions(), skip).0) == ["Conv"])
    // Kernels whose centres do not meet.
    let shifted = Node(
      "Conv", inputs: ["x", "w"], outputs: ["d"],
      attributes: ["pads": .ints([2, 1, 0, 1]), "group": groups])
    #expect(try !PassCheck.apply(MergeParallelConvolutions(), parallel(shifted, group: group, constants)).1)
  }

  @Test func linearConvolutionsMergeWhereThatIsCheaper() throws {
    for (middle, merges) in [(6, true), (1, false)] {
      var numbers = Numbers()
      let model = Graphs.model(
        [
          Node(
            "Conv", inputs: ["x", "w", "b"], outputs: ["c"],
            attributes: ["pads": .ints([1, 1, 1, 1]), "strides": .ints([2, 2])]),
          Node("Conv", inputs: ["c", "v", "d"], outputs: ["y"]),
        ],
        constants: [
          "w": numbers.tensor([middle, 3, 3, 3]), "b": numbers.tensor([middle]),
          "v": numbers.tensor([4, middle, 1, 1]), "d": numbers.tensor([4]),
        ])
      #expect(try PassCheck.apply(MergeConsecutiveConvolutions(), model).1 == merges)
    }
  }

  @Test func transposedCopiesAreStoredOnceAndStaySo() throws {
    var numbers = Numbers()
    let weight = numbers.tensor([160, 128])
    let values = try weight.floats()
    var copy: [Float] = []
    for column in 0..<128 {
      for row in 0..<160 { copy.append(values[row * 128 + column]) }
    }
    let model = Graphs.model(
      [
        Node("MatMul", inputs: ["x", "w"], outputs: ["a"]), Node("Relu", inputs: ["a"], outputs: ["r"]),
        Node("MatMul", inputs: ["r", "v"], outputs: ["y"]),
      ], input: [4, 160], constants: ["w": weight, "v": .floats(copy, [128, 160])])
    let (shared, modified) = try PassCheck.apply(ShareTransposedWeights(), model, input: [4, 160])
    #expect(modified)
    #expect(shared.graph.initializers.count == 1)
    var all = model
    _ = try PassRunner.run(PassRegistry.exact, on: &all)
    #expect(PassCheck.types(all) == ["Transpose", "MatMul", "Relu", "MatMul"])
    var other = model
    other.graph.initializers["v"] = .floats([Float](repeating: 1, count: copy.count), [128, 160])
    #expect(try !PassCheck.apply(ShareTransposedWeights(), other, input: [4, 160]).1)
  }

  @Test func dequantizedWeightsStayIntegers() throws {
    let model = Graphs.model(
      [
        Node("DequantizeLinear", inputs: ["q", "s", "z"], outputs: ["w"]),
        Node("Reshape", inputs: ["w", "shape"], outputs: ["v"]),
        Node("MatMul", inputs: ["x", "v"], outputs: ["y"]),
      ], input: [3, 4],
      constants: [
        "q": .int8s([1, -2, 3, -4, 5, 6, -7, 8], [8]), "s": .floats([0.5], []), "z": .int8s([0], []),
        "shape": .int64s([4, 2]),
      ])
    var folded = model
    _ = try PassRunner.run(PassRegistry.exact, on: &folded)
    #expect(PassCheck.types(folded) == ["DequantizeLinear", "Reshape", "MatMul"])
  }
}
