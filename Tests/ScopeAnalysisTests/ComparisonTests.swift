import OrderedCollections
import ScopeAnalysis
import ScopeBytes
import ScopeGraph
import Testing

/// x [1, 2, 4, 4] -> Conv (3x3) -> Relu -> Conv (1x1) -> y; every part can be changed.
private func twoConvolutions(
  names: [String] = ["first", "relu", "second"], strides: [Int] = [1, 1], scale: Float = 1,
  activation: String = "Relu", valuePrefix: String = ""
) -> Model {
  let values = { (name: String) in valuePrefix + name }
  let first = (0..<36).map { Float($0) * 0.1 - 1 }
  return Model(
    graph: Graph(
      name: "two",
      nodes: [
        Node(
          "Conv", name: names[0], inputs: ["x", "w1"], outputs: [values("a")],
          attributes: ["strides": .ints(strides), "pads": .ints([1, 1, 1, 1] as [Int])]),
        Node(activation, name: names[1], inputs: [values("a")], outputs: [values("b")]),
        Node("Conv", name: names[2], inputs: [values("b"), "w2"], outputs: ["y"]),
      ], inputs: [ValueInfo(name: "x", dataType: .float32, shape: [1, 2, 4, 4])],
      outputs: [ValueInfo(name: "y", dataType: .float32, shape: nil)],
      initializers: [
        "w1": .floats(first, [2, 2, 3, 3]), "w2": .floats([1, 2, 3, 4].map { $0 * scale }, [2, 2, 1, 1]),
      ]))
}

private func difference(_ before: Model, _ after: Model) throws -> GraphDifference {
  let (a, b) = (try StructureAnalysis.analyze(model: before), try StructureAnalysis.analyze(model: after))
  return GraphDifference(a.graph, b.graph, typesBefore: a.types, typesAfter: b.types)
}

private func weights(_ before: Model, _ after: Model) throws -> WeightDifference {
  WeightDifference(before.graph, after.graph, pairs: try difference(before, after).pairs)
}

@Suite struct GraphDifferenceTests {
  @Test func aModelDoesNotDifferFromItself() throws {
    let found = try difference(twoConvolutions(), twoConvolutions())
    #expect(found.isEmpty)
    #expect(found.pairs.map(\.before) == [0, 1, 2])
    #expect(found.operators.isEmpty)
  }

  @Test func otherNamesAreNoDifference() throws {
    let renamed = twoConvolutions(names: ["n0", "n1", "n2"], valuePrefix: "other_")
    let found = try difference(twoConvolutions(), renamed)
    #expect(found.isEmpty)
    #expect(found.pairs.count == 3)
  }

  @Test func aChangedAttributeIsNamedWithBothValues() throws {
    let found = try difference(twoConvolutions(), twoConvolutions(strides: [2, 2]))
    let change = try #require(found.changed.first { $0.before.name == "first" })
    // Stride 1 is what ONNX takes when none is given.
    #expect(change.changes.contains { $0.contains("strides") && $0.contains("[2, 2]") })
    #expect(change.changes.contains { $0.hasPrefix("output") })
    #expect(found.added.isEmpty && found.removed.isEmpty)
  }

  @Test func anotherOperatorIsRemovedAndAdded() throws {
    let found = try difference(twoConvolutions(), twoConvolutions(activation: "Sigmoid"))
    #expect(found.removed.map(\.opType) == ["Relu"])
    #expect(found.added.map(\.opType) == ["Sigmoid"])
    #expect([found.operators["Relu"]?.before, found.operators["Relu"]?.after] == [1, 0])
    #expect([found.operators["Sigmoid"]?.before, found.operators["Sigmoid"]?.after] == [0, 1])
    #expect(found.operators["Conv"] == nil)
  }

  @Test func spelledOutDefaultsAreNoDifference() throws {
    var explicit = twoConvolutions()
    explicit.graph.nodes[2].attributes = [
      "auto_pad": .text("NOTSET"), "group": .int(1 as Int), "dilations": .ints([1, 1] as [Int]),
    ]
    #expect(try difference(twoConvolutions(), explicit).isEmpty)
  }
}

@Suite struct WeightDifferenceTests {
  @Test func normsOfADoubledWeight() throws {
    let found = try weights(twoConvolutions(), twoConvolutions(names: ["p", "q", "r"], scale: 2))
    #expect(found.unchanged == 1)
    let change = try #require(found.changed.first)
    #expect(found.changed.count == 1)
    #expect(change.name == "w2")
    // Twice [1, 2, 3, 4] differs from it by itself: length sqrt(30).
    #expect(abs(change.norm - 30.squareRoot()) < 1e-12)
    #expect(abs(change.differenceNorm - 30.squareRoot()) < 1e-12)
    #expect(change.relative == 1)
    #expect(change.largestDifference == 4)
  }

  /// A weight stored as int8 with scale 0.5 stands for the float weight [0.5, 1, 1.5, 2].
  @Test func quantizedWeightsAreComparedByTheNumbersTheyStandFor() throws {
    var quantized = twoConvolutions()
    quantized.graph.initializers["w2"] = nil
    quantized.graph.initializers["w2_q"] = .int8s([2, 4, 6, 9], [2, 2, 1, 1])
    quantized.graph.initializers["w2_s"] = .floats([0.5], [])
    quantized.graph.nodes.insert(
      Node("DequantizeLinear", name: "dq", inputs: ["w2_q", "w2_s"], outputs: ["w2"]), at: 0)
    let found = try weights(twoConvolutions(), quantized)
    let change = try #require(found.changed.first)
    #expect([change.typeBefore, change.typeAfter] == [.float32, .int8])
    #expect(abs(change.differenceNorm - 0.5) < 1e-12, "only the last element is off, by 0.5")
    #expect(found.unread.isEmpty)
  }

  @Test func checkpointsAreComparedByName() {
    let before: OrderedDictionary<String, Tensor> = [
      "same": .floats([1, 2], [2]), "moved": .floats([3, 4], [2]), "gone": .floats([1], [1]),
      "shape": .floats([1, 2], [2]),
    ]
    let after: OrderedDictionary<String, Tensor> = [
      "same": .floats([1, 2], [2]), "moved": .floats([3, 0], [2]), "new": .floats([1], [1]),
      "shape": .floats([1, 2], [2, 1]),
    ]
    let found = WeightDifference(before, after)
    #expect(found.unchanged == 1)
    #expect(found.changed.map(\.name) == ["moved"])
    #expect(found.changed.first?.relative == 0.8)
    #expect(found.added.map(\.name) == ["new"])
    #expect(found.removed.map(\.name) == ["gone"])
    #expect(found.reshaped.map(\.name) == ["shape"])
  }
}
