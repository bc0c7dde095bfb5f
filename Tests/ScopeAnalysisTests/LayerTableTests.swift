import ScopeAnalysis
import ScopeBytes
import ScopeGraph
import Testing

@Suite struct LayerTableTests {
  /// Conv with a quantized weight, an Identity, an Add of both branches, and a shape computed from constants.
  private func model() -> Model {
    Model(
      graph: Graph(
        name: "g",
        nodes: [
          Node("DequantizeLinear", name: "wdq", inputs: ["wq", "s", "z"], outputs: ["w"]),
          Node("Conv", name: "block.conv", inputs: ["x", "w", "b"], outputs: ["a"]),
          Node("Identity", name: "id", inputs: ["a"], outputs: ["c"]),
          Node("Conv", name: "block.again", inputs: ["c", "w"], outputs: ["d"]),
          Node(
            "Concat", name: "shape", inputs: ["n", "m"], outputs: ["sizes"],
            attributes: ["axis": .int(0 as Int)]),
          Node("Add", name: "", inputs: ["d", "c"], outputs: ["e"]),
          Node("Reshape", name: "flat", inputs: ["e", "sizes"], outputs: ["y"]),
        ], inputs: [ValueInfo(name: "x", dataType: .float32, shape: [1, 2, 4, 4])],
        outputs: [ValueInfo(name: "y", dataType: .float32, shape: nil)],
        initializers: [
          "wq": .int8s([1, 2, 3, 4], [2, 2, 1, 1]), "s": .floats([0.5], []), "z": .int8s([0], []),
          "b": .floats([1, 2], [2]), "n": .int64s([1]), "m": .int64s([32]),
        ]))
  }

  @Test func listsWhatRunsAndJoinsThroughRenamings() throws {
    let table = try StructureAnalysis.analyze(model: model()).layers
    #expect(table.entries.map(\.name) == ["block.conv", "block.again", "e", "flat"])
    #expect(table.entries.map(\.inputs) == [[-1], [0], [1, 0], [2]])
    #expect(table.positions == [1: 0, 3: 1, 5: 2, 6: 3])
  }

  @Test func aSharedWeightCountsAtItsFirstReader() throws {
    let table = try StructureAnalysis.analyze(model: model()).layers
    #expect(
      table.entries.map(\.parameters) == [6, 0, 0, 0],
      "four weights and two biases; scale and zero point are none")
    #expect(table.entries[0].weightBytes == 12, "four bytes of int8 and two float32")
  }

  @Test func trafficOfActivations() throws {
    let table = try StructureAnalysis.analyze(model: model()).layers
    // 32 float32 each: one in and one out, two in and one out; a renaming moves nothing.
    #expect(table.entries.map(\.activationBytes) == [256, 256, 384, 0])
    #expect(table.entries[0].cost?.macs == 64)
  }
}
