import ScopeGraph
import ScopeRuntime

/// Arithmetic and least traffic of a kernel, from the nodes that are fused into it.
public struct KernelCost: Sendable, Hashable {
  public var macs: Int
  /// Two per multiply-accumulate, and the rest.
  public var operations: Int
  /// Weights and activations that enter and leave, once each; nil when a size is not known.
  public var bytes: Int?
  /// The weights among them.
  public var weightBytes = 0

  public init(macs: Int, operations: Int, bytes: Int?, weightBytes: Int = 0) {
    self.macs = macs
    self.operations = operations
    self.bytes = bytes
    self.weightBytes = weightBytes
  }

  /// Costs of all kernels, in order; nil where a node's cost is unknown, for what the engine inserted, and for parts of
  /// a node that is counted at another kernel.
  public static func all(
    _ mapping: KernelMapping, graph: Graph, structure: StructureAnalysis
  ) -> [KernelCost?] {
    let roles = GraphRoles(graph)
    let consumers = graph.consumers
    let outputs = Set(graph.outputs.map(\.name))
    return mapping.kernels.map { kernel in
      guard !kernel.sources.isEmpty, !kernel.isPart else { return nil }
      var total = StructureAnalysis.CountedOperations(
        macs: 0, biasAdditions: 0, otherOperations: 0, nodesCounted: 0, nodesNotCounted: 0)
      for source in kernel.sources where structure.nodeCosts.indices.contains(source) {
        total.add(structure.nodeCosts[source].cost)
      }
      guard total.isComplete else { return nil }
      var cost = KernelCost(macs: total.macs, operations: total.floatingPointOperations, bytes: 0)
      let sources = Set(kernel.sources)
      var counted: Set<String> = []
      func add(_ name: String, atMost limit: Int? = nil) {
        guard !name.isEmpty, counted.insert(name).inserted else { return }
        guard let size = structure.types[name]?.byteCount, let sum = cost.bytes else {
          cost.bytes = nil
          return
        }
        let bytes = min(size, limit ?? size)
        let (next, overflow) = sum.addingReportingOverflow(bytes)
        cost.bytes = overflow ? nil : next
        if roles.constants.contains(name) { cost.weightBytes += bytes }
      }
      let made = Set(kernel.sources.flatMap { graph.nodes[$0].outputs })
      for source in kernel.sources {
        let node = graph.nodes[source]
        for output in node.outputs where !output.isEmpty {
          let leaves =
            outputs.contains(output) || (consumers[output] ?? []).contains { !sources.contains($0) }
          if leaves { add(output) }
        }
        // A look-up reads the rows it returns, not the table.
        let rows =
          node.opType.hasPrefix("Gather")
          ? node.outputs.first.flatMap { structure.types[$0]?.byteCount } : nil
        for (position, input) in node.inputs.enumerated() where !made.contains(input) {
          add(input, atMost: position == 0 ? rows : nil)
        }
      }
      return cost
    }
  }
}

/// Where a kernel stands under the roofs of the machine.
public struct RoofPlace: Sendable, Hashable {
  public enum Bound: String, Sendable, Hashable { case compute, memory, overhead }

  /// Times the engine's dispatch time up to which a kernel's own work does not matter.
  public static let overheadFactor = 2.0

  public var gigaflopsPerSecond: Double
  public var gigabytesPerSecond: Double
  /// Operations per byte.
  public var intensity: Double
  /// Achieved share of what the roofline allows at this intensity. Above 1 when the data come from the caches, which are
  /// faster than the memory that was measured.
  public var roofShare: Double
  public var bound: Bound

  /// Nil when the traffic is not known or nothing was timed.
  public init?(_ cost: KernelCost, microseconds: Double, roofs: MachineRoofs) {
    guard let bytes = cost.bytes, bytes > 0, microseconds > 0, roofs.gigaflopsPerSecond > 0,
      roofs.gigabytesPerSecond > 0
    else { return nil }
    gigaflopsPerSecond = Double(cost.operations) / microseconds / 1e3
    gigabytesPerSecond = Double(bytes) / microseconds / 1e3
    intensity = Double(cost.operations) / Double(bytes)
    let ridge = roofs.gigaflopsPerSecond / roofs.gigabytesPerSecond
    // On the slanted roof the shares of rate and of bandwidth are the same.
    let isMemory = intensity < ridge
    roofShare =
      isMemory
      ? gigabytesPerSecond / roofs.gigabytesPerSecond : gigaflopsPerSecond / roofs.gigaflopsPerSecond
    bound =
      microseconds <= Self.overheadFactor * roofs.dispatchMicroseconds
      ? .overhead : isMemory ? .memory : .compute
  }
}
