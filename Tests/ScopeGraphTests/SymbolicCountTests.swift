import ScopeBytes
import ScopeGraph
import Testing

struct SymbolicCountTests {
  private let n = SymbolicCount(name: "n")
  private let m = SymbolicCount(name: "m")

  @Test func polynomialsAddAndMultiply() throws {
    let sum = try #require(n.adding(m)?.adding(3))
    #expect(sum.description == "m + n + 3")
    let square = try #require(sum.times(sum))
    #expect(square.description == "m*m + 2*m*n + n*n + 6*m + 6*n + 9")
    for (a, b) in [(1, 1), (2, 5), (7, 3)] {
      #expect(square.value(at: ["n": a, "m": b]) == (a + b + 3) * (a + b + 3))
    }
    #expect(square.value(at: ["n": 1]) == nil)
    let nothing = try #require(sum.negated?.adding(sum))
    #expect(nothing == 0)
    #expect(nothing.number == 0)
  }

  @Test func exactDivisionOfPolynomials() throws {
    let divisor = try #require(n.adding(m)?.times(4))
    let factor = try #require(n.times(8)?.adding(5))
    let product = try #require(divisor.times(factor))
    #expect(product.dividedExactly(by: divisor) == factor)
    #expect(product.dividedExactly(by: factor) == divisor)
    #expect(try #require(product.adding(1)).dividedExactly(by: divisor) == nil)
    #expect(product.dividedExactly(by: 0) == nil)
  }

  @Test func overflowIsNil() {
    let huge = SymbolicCount(.max)
    #expect(huge.adding(1) == nil)
    #expect(huge.times(2) == nil)
    #expect(n.times(huge)?.times(2) == nil)
    #expect(SymbolicCount(.min).dividedExactly(by: -1) == nil)
    #expect(n.times(huge)?.value(at: ["n": 3]) == nil)
  }

  /// Shapes of a convolution stack with open height: floors nest and are joined.
  @Test func roundedSizesEvaluateAsTheEngineRounds() throws {
    var graph = Graph(
      name: "g",
      inputs: [
        ValueInfo(
          name: "x", dataType: .float32,
          shape: Shape([.symbolic("n"), .known(3), .symbolic("h"), .known(64)]))
      ], outputs: [ValueInfo(name: "y", dataType: nil, shape: nil)])
    graph.initializers["w"] = .floats([Float](repeating: 0, count: 81), [3, 3, 3, 3])
    graph.nodes = (0..<4).map { layer in
      Node(
        "Conv", inputs: [layer == 0 ? "x" : "v\(layer)", "w"], outputs: [layer == 3 ? "y" : "v\(layer + 1)"],
        attributes: ["strides": .ints([2, 2]), "pads": .ints([1, 1, 1, 1])])
    }
    let model = Model(graph: graph)
    let open = ShapeInference.infer(model)
    let dimension = try #require(open.shape("y")?.dimensions[2])
    #expect(ShapeInference.openSizes(dimension) == ["h"])
    for height in 1...70 {
      let bound = ShapeInference.infer(model, bindings: ["x": [2, 3, height, 64]])
      #expect(ShapeInference.size(dimension, at: ["h": height]) == bound.shape("y")?.dimensions[2])
      let cost = open.symbolicCosts[3]?.value(at: ["n": 2, "h": height])
      #expect(cost == bound.costs[3])
    }
    #expect(dimension.description == "floor((h + 15)/16)")
  }

  /// Names are the file's: whatever they look like, nothing traps and equal names stay equal.
  @Test(arguments: [
    "((((((", "))))", "a + ", " + ", "floor((x)/0)", "floor((", "max(", "max(a, max(b, c))",
    "9999999999999999999*n",
    "*", "**", "-", "a - b - c", String(repeating: "x + ", count: 4000), "batch-size", "2", "n*n*n",
  ]) func hostileNames(_ name: String) {
    var graph = Graph(
      name: "g",
      inputs: [ValueInfo(name: "x", dataType: .float32, shape: Shape([.symbolic(name), .known(4)]))],
      outputs: [ValueInfo(name: "z", dataType: nil, shape: nil)])
    graph.nodes = [
      Node("Concat", inputs: ["x", "x", "x"], outputs: ["c"], attributes: ["axis": .int(0)]),
      Node("Flatten", inputs: ["c"], outputs: ["f"], attributes: ["axis": .int(0)]),
      Node("Shape", inputs: ["c"], outputs: ["s"]), Node("Reshape", inputs: ["f", "s"], outputs: ["r"]),
      Node("Add", inputs: ["r", "c"], outputs: ["a"]), Node("MatMul", inputs: ["a", "t"], outputs: ["z"]),
    ]
    graph.nodes.insert(Node("Transpose", inputs: ["x"], outputs: ["t"]), at: 0)
    let types = ShapeInference.infer(Model(graph: graph))
    #expect(types.shape("c")?.dimensions[1] == .known(4))
    _ = types.symbolicCosts.map { $0?.value(at: [name: 3]) }
    _ = types.symbolicCosts.map { $0?.openSizes }
  }
}
