import ScopeGradients
import ScopeGraph
import Testing

@Suite struct ConstantTableTests {
  @Test func dequantizesWeightsPerChannel() throws {
    var graph = Graph(name: "weights")
    graph.initializers["q"] = .int8s([1, 2, 3, -4], [2, 2])
    graph.initializers["s"] = .floats([0.5, 2], [2])
    graph.initializers["z"] = .int8s([0, 1], [2])
    graph.nodes = [
      Node("DequantizeLinear", inputs: ["q", "s", "z"], outputs: ["rows"], attributes: ["axis": .int(0)]),
      Node("DequantizeLinear", inputs: ["q", "s", "z"], outputs: ["columns"]),
      Node("Identity", inputs: ["rows"], outputs: ["alias"]),
    ]
    // Inference sees no operators here, so that the table's own arithmetic is what is tested.
    let bare = Model(graph: Graph(name: "empty"))
    let table = ConstantTable(graph, ShapeInference.infer(bare))
    #expect(try table.floats("rows") == [0.5, 1, 4, -10])
    #expect(try table.floats("columns") == [0.5, 2, 1.5, -10])
    #expect(try table.floats("alias") == [0.5, 1, 4, -10])
    #expect(try table.floats("x") == nil)
  }
}
