import OrderedCollections
import ScopeAnalysis
import ScopeFormats
import ScopeGraph
import Testing

struct WeightsAnalysisTests {
  @Test func buffersAndTiedTensorsAreNotParameters() {
    func zeros(_ sizes: Int...) -> Tensor { .floats([Float](repeating: 0, count: sizes.reduce(1, *)), sizes) }
    let weights = StateDict(
      tensors: [
        "conv.weight": zeros(8, 3, 3, 3), "bn.weight": zeros(8), "bn.bias": zeros(8),
        "bn.running_mean": zeros(8),
        "bn.running_var": zeros(8), "bn.num_batches_tracked": .int64s([7], []), "embed.weight": zeros(10, 4),
        "head.weight": zeros(10, 4), "position_ids": .int64s([0, 1, 2]), "scale": zeros(1),
      ], sharedWith: ["head.weight": "embed.weight"])
    let analysis = WeightsAnalysis.analyze(weights)
    #expect(analysis.parameters == 216 + 16 + 40 + 1)
    #expect(analysis.bufferElements == 8 + 8 + 1 + 3)
    #expect(analysis.tiedNames == ["head.weight"])
    #expect(analysis.bytes == (216 + 16 + 16 + 40 + 1) * 4 + 8 + 24)
    #expect(analysis.modules.map(\.name) == ["conv", "bn", "embed", ""])
    #expect(analysis.modules[1].parameters == 16)
    #expect(analysis.modules[1].tensors == 5)
    #expect(analysis.weightLayers == 2)
    #expect(analysis.byType == [.float32: 273])
  }
}
