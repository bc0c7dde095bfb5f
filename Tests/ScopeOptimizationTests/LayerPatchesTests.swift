import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import ScopeStatistics
import TestSupport
import Testing

/// Patches times weights must give what the engine computes.
@Suite(.enabled(if: OnnxRuntimeLibrary.path != nil, "needs ONNX Runtime (scripts/bootstrap)"))
struct LayerPatchesTests {
  @Test(
    arguments: [
      (["strides": [2, 1], "pads": [1, 0, 2, 1], "dilations": [1, 2]], 1, ""), ([:], 2, "SAME_UPPER"),
      (["strides": [2, 2]], 1, "SAME_LOWER"), ([:], 4, "VALID"),
    ] as [([String: [Int]], Int, String)])
  func convolution(lists: [String: [Int]], group: Int, padding: String) throws {
    var numbers = Numbers()
    let weight = numbers.tensor([8, 4 / group, 3, 2])
    var node = Node("Conv", inputs: ["x", "w"], outputs: ["y"])
    for (name, values) in lists.sorted(by: { $0.key < $1.key }) { node.attributes[name] = .ints(values) }
    node.attributes["group"] = .int(group)
    if !padding.isEmpty { node.attributes["auto_pad"] = .text(padding) }
    try check(node, weight, input: [2, 4, 7, 6], outputChannels: 8, &numbers)
  }

  @Test func matrixProducts() throws {
    var numbers = Numbers()
    let weight = numbers.tensor([5, 3])
    try check(
      Node("MatMul", inputs: ["x", "w"], outputs: ["y"]), weight, input: [2, 4, 5], outputChannels: 3,
      &numbers)
    try check(
      Node("Gemm", inputs: ["x", "w"], outputs: ["y"], attributes: ["transB": .int(1)]),
      numbers.tensor([3, 5]),
      input: [4, 5], outputChannels: 3, &numbers)
  }

  private func check(
    _ node: Node, _ weight: Tensor, input: [Int], outputChannels: Int, _ numbers: inout Numbers
  ) throws {
    let model = Graphs.model([node], input: input, constants: ["w": weight])
    let session = try Session(engine: try Engine.load(path: OnnxRuntimeLibrary.path), model: model)
    let x = HostArray(numbers.take(input.reduce(1, *)), input)
    let y = try #require(try session.run(["x": x])["y"])
    let patches = try #require(LayerPatches(node, weightDimensions: weight.dimensions))
    var generator = SplitMix64(seed: 1)
    let all = patches.positions(input, limit: .max, using: &generator)
    #expect(all.count * outputChannels == y.elementCount)
    let chosen = patches.positions(input, limit: 11, using: &generator)
    #expect(chosen.count == min(11, all.count))
    let values = try weight.floats()
    let perGroup = outputChannels / patches.group
    for positions in [all, chosen] {
      for group in 0..<patches.group {
        let rows = patches.rows(x, at: positions, group: group)
        let channels = Array(group * perGroup..<(group + 1) * perGroup)
        let expected = patches.outputs(y, at: positions, channels: channels)
        for row in positions.indices {
          for (column, channel) in channels.enumerated() {
            var sum = Float(0)
            for k in 0..<patches.length {
              let isRow = patches.isConvolution || node.int("transB") == 1
              sum +=
                rows[row * patches.length + k]
                * values[isRow ? channel * patches.length + k : k * outputChannels + channel]
            }
            #expect(abs(sum - expected[row * channels.count + column]) < 1e-4)
          }
        }
      }
    }
  }
}
