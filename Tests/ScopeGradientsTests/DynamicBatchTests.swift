import ScopeBytes
import ScopeGradients
import ScopeGraph
import Testing

@Suite struct DynamicBatchTests {
  @Test func freesTheBatchOfInputAndReshape() throws {
    let model = try GradientFixtures.model("residual_fixed_batch")
    #expect(model.graph.inputs[0].shape?.dimensions[0] == .known(1))
    let (free, changed) = try DynamicBatch.rewrite(model)
    #expect(changed)
    #expect(free.graph.inputs[0].shape?.dimensions[0].value == nil)
    let reshape = try #require(free.graph.nodes.first { $0.opType == "Reshape" })
    #expect(try free.graph.initializers[reshape.inputs[1]]?.ints() == [0, -1])
    // The original constant stays for other readers.
    #expect(try free.graph.initializers["shape"]?.ints() == [1, -1])
  }

  @Test func leavesADynamicBatchAlone() throws {
    #expect(try !DynamicBatch.rewrite(try GradientFixtures.model("relu")).changed)
  }
}
