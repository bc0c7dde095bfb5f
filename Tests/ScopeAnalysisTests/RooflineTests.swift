import ScopeAnalysis
import ScopeGraph
import ScopeRuntime
import Testing

struct RooflineTests {
  /// 100 GFLOP/s, 10 GB/s: the roofs meet at 10 operations per byte.
  private let roofs = MachineRoofs(
    gigaflopsPerSecond: 100, gigabytesPerSecond: 10, dispatchMicroseconds: 2, threads: 1)

  @Test func ratesAndBoundsFollowFromTheNumbers() throws {
    // 2 million operations in 100 us are 20 GFLOP/s; 100,000 bytes are 1 GB/s; 20 operations per byte.
    let compute = try #require(
      RoofPlace(
        KernelCost(macs: 1_000_000, operations: 2_000_000, bytes: 100_000), microseconds: 100, roofs: roofs))
    #expect(abs(compute.gigaflopsPerSecond - 20) < 1e-9)
    #expect(abs(compute.gigabytesPerSecond - 1) < 1e-9)
    #expect(abs(compute.intensity - 20) < 1e-9)
    #expect(abs(compute.roofShare - 0.2) < 1e-9)
    #expect(compute.bound == .compute)
    let memory = try #require(
      RoofPlace(KernelCost(macs: 0, operations: 500_000, bytes: 500_000), microseconds: 100, roofs: roofs))
    #expect(memory.bound == .memory)
    #expect(abs(memory.roofShare - 0.5) < 1e-9)
    let tiny = try #require(
      RoofPlace(KernelCost(macs: 0, operations: 10, bytes: 40), microseconds: 3, roofs: roofs))
    #expect(tiny.bound == .overhead)
    #expect(RoofPlace(KernelCost(macs: 0, operations: 10, bytes: nil), microseconds: 3, roofs: roofs) == nil)
    #expect(RoofPlace(KernelCost(macs: 0, operations: 10, bytes: 4), microseconds: 0, roofs: roofs) == nil)
  }

  @Test func sentencesSayWhatLimitsAKernel() {
    func kernel(_ name: String) -> KernelDescription {
      KernelDescription(name: name, module: name, sizes: "7x7, 3->64", opType: "Conv", isInserted: false)
    }
    let found = Bottlenecks.sentences(
      times: [100, 400, 200, 3, 0],
      costs: [
        KernelCost(macs: 0, operations: 710_000, bytes: 710_000),
        KernelCost(macs: 16_400_000, operations: 32_800_000, bytes: 100_000),
        KernelCost(macs: 0, operations: 1000, bytes: 20_000),
        KernelCost(macs: 0, operations: 10, bytes: 40), nil,
      ], descriptions: ["conv1", "layer4", "softmax", "add", "none"].map(kernel), roofs: roofs)
    #expect(found.map(\.kernel) == [1, 2, 0])
    #expect(
      found[0].sentence
        == "layer4 (Conv, 7x7, 3->64), 57% of the time: compute-bound at 82% of the measured peak; INT8 arithmetic can make it faster"
    )
    #expect(found[1].sentence.contains("far below both roofs (1%)"))
    #expect(
      found[2].sentence.hasSuffix(
        "memory-bound at 71% of the measured bandwidth; INT8 arithmetic will not make it faster; fewer or smaller activations would"
      ))
    #expect(
      Bottlenecks.sentences(times: [0], costs: [nil], descriptions: [kernel("a")], roofs: roofs).isEmpty)
  }

  /// x[1,4] -> MatMul w[4,8] -> Add b[8] -> Relu in one kernel: the values between are not traffic.
  @Test func trafficIsWhatEntersAndLeavesAKernel() throws {
    var graph = Graph(
      name: "g", inputs: [ValueInfo(name: "x", dataType: .float32, shape: [1, 4])],
      outputs: [ValueInfo(name: "y", dataType: .float32, shape: [1, 8])])
    graph.initializers = [
      "w": .floats([Float](repeating: 1, count: 32), [4, 8]),
      "b": .floats([Float](repeating: 1, count: 8), [8]),
    ]
    graph.nodes = [
      Node("MatMul", name: "fc", inputs: ["x", "w"], outputs: ["m"]),
      Node("Add", name: "bias", inputs: ["m", "b"], outputs: ["a"]),
      Node("Relu", name: "act", inputs: ["a"], outputs: ["y"]),
    ]
    var optimized = graph
    optimized.nodes = [Node("FusedGemm", name: "fused fc", inputs: ["x", "w", "b"], outputs: ["y"])]
    let mapping = KernelMapping(model: graph, optimized: optimized)
    #expect(mapping.kernels.map(\.sources) == [[0, 1, 2]])
    let structure = try StructureAnalysis.analyze(model: Model(graph: graph))
    let cost = try #require(KernelCost.all(mapping, graph: graph, structure: structure)[0])
    #expect(cost.macs == 32)
    #expect(cost.operations == 64 + 8 + 8)
    #expect(cost.bytes == 4 * (4 + 32 + 8 + 8))
    #expect(cost.weightBytes == 4 * (32 + 8))
    let description = KernelDescription(
      mapping.kernels[0], graph: graph, structure: structure, fallbackName: "k")
    #expect(description.text == "fc (MatMul, 4->8)")
  }

  @Test func modulesAreSplitUntilNoneDominates() {
    let blocks = (0..<4).flatMap { block in
      ["conv1", "conv2"].map { (module: "layers.\(block).\($0)" as String?, time: 10.0) }
    }
    let groups = TimeByModule.group(
      blocks + [(module: nil, time: 1), (module: "", time: 2), (module: "head", time: 50)])
    #expect(
      groups.map(\.name) == [
        "head", "layers.0", "layers.1", "layers.2", "layers.3", "(no module)", "(inserted by the engine)",
      ])
    #expect(groups[1].kernels == 2)
    #expect(groups.reduce(0) { $0 + $1.time } == 133)
    #expect(TimeByModule.group([]).isEmpty)
  }
}
