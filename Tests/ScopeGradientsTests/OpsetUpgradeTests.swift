import ScopeBytes
import ScopeGradients
import ScopeGraph
import Testing

@Suite struct OpsetUpgradeTests {
  func model(_ node: Node, opset: Int64, shape: Shape = [2, 3, 4]) -> Model {
    Model(
      opset: opset,
      graph: Graph(
        name: "one", nodes: [node], inputs: [ValueInfo(name: "x", dataType: .float32, shape: shape)],
        outputs: [ValueInfo(name: "y", dataType: .float32, shape: nil)]))
  }

  @Test func movesAttributesToInputs() throws {
    let slice = Node(
      "Slice", inputs: ["x"], outputs: ["y"],
      attributes: ["starts": .ints([1]), "ends": .ints([3]), "axes": .ints([2])])
    let newer = try OpsetUpgrade.toDifferentiable(model(slice, opset: 9))
    #expect(newer.opset == OpsetUpgrade.target)
    let node = newer.graph.nodes[0]
    #expect(node.attributes.isEmpty)
    #expect(try node.inputs.dropFirst().map { try newer.graph.initializers[$0]?.ints() } == [[1], [3], [2]])
  }

  @Test func keepsNewerModelsAsTheyAre() throws {
    let sum = Node("ReduceSum", inputs: ["x"], outputs: ["y"])
    for version: Int64 in [17, 20, 24] {
      let kept = try OpsetUpgrade.toDifferentiable(model(sum, opset: version))
      #expect(kept.opset == Int(version))
    }
  }

  @Test func refusesASoftmaxOverSeveralAxes() {
    // Before opset 13 axis 1 of [2, 3, 4] normalises over 12 values.
    let softmax = Node("Softmax", name: "head", inputs: ["x"], outputs: ["y"])
    let error = #expect(throws: ScopeError.self) {
      try OpsetUpgrade.toDifferentiable(model(softmax, opset: 11))
    }
    #expect(error?.place?.contains("head") == true)
  }

  @Test func acceptsASoftmaxOverOneAxis() throws {
    let softmax = Node("Softmax", inputs: ["x"], outputs: ["y"])
    let newer = try OpsetUpgrade.toDifferentiable(model(softmax, opset: 11, shape: [2, 3, 1]))
    #expect(newer.graph.nodes[0].int("axis") == 1)
  }

  @Test func refusesWhatItDoesNotKnow() {
    for (name, version) in [("RoiAlign", Int64(11)), ("Loop", 11), ("Relu", 6)] {
      let error = #expect(throws: ScopeError.self) {
        try OpsetUpgrade.toDifferentiable(model(Node(name, inputs: ["x"], outputs: ["y"]), opset: version))
      }
      #expect(error?.code == .unsupported)
      #expect(error?.remedy?.contains("opset 17") == true)
    }
  }
}
