import ScopeGraph

/// The nodes of a graph that do something at run time, with what each reads, makes and costs.
///
/// Left out are nodes that depend on constants alone (the engine computes them once, while loading) and `Identity`.
public struct LayerTable: Sendable {
  public struct Entry: Sendable {
    public var nodeIndex: Int
    /// Node name, or the value it makes where the node has none.
    public var name: String
    /// See ``ModulePath``; empty when unknown.
    public var module: String
    /// With its domain when that is not the default one.
    public var opType: String
    /// Positions in ``LayerTable/entries`` of the nodes whose outputs this one reads, -1 for a graph input; each once.
    public var inputs: [Int]
    /// Of the first output.
    public var outputShape: Shape?
    public var outputType: DataType?
    /// Parameters that this node is the first to read.
    public var parameters: Int
    public var weightBytes: Int
    public var weightTensors: Int
    /// Nil when it could not be counted.
    public var cost: OperatorCost?
    /// Bytes of activations read and written, each once; 0 for renamings; nil when a size is not known.
    public var activationBytes: Int?
  }

  public var entries: [Entry] = []
  /// Position in ``entries`` by node index.
  public var positions: [Int: Int] = [:]

  init(
    _ graph: Graph, roles: GraphRoles, types: InferredTypes, costs: [OperatorCost?],
    parameters: ParameterSummary
  ) {
    /// Layer that makes a value; -1 for graph inputs, absent for constants.
    var makers: [String: Int] = [:]
    for input in graph.requiredInputs { makers[input.name] = -1 }
    let stored = ConstantSources(graph, roles: roles, parameters: parameters)
    var taken: Set<String> = []
    for (index, node) in graph.nodes.enumerated() {
      let outputs = node.outputs.filter { !$0.isEmpty }
      if !outputs.isEmpty, outputs.allSatisfy({ roles.constants.contains($0) }) { continue }
      if node.isStandard("Identity"), let source = node.input(0), let output = outputs.first {
        makers[output] = makers[source]
        continue
      }
      let read = node.inputs.filter { !$0.isEmpty } + node.subgraphs.flatMap(\.captures).sorted()
      var inputs: [Int] = []
      for name in read {
        if let maker = makers[name], !inputs.contains(maker) { inputs.append(maker) }
      }
      var entry = Entry(
        nodeIndex: index, name: node.name.isEmpty ? outputs.first ?? node.opType : node.name,
        module: ModulePath.of(node: node), opType: StructureAnalysis.operatorName(node), inputs: inputs,
        outputShape: outputs.first.flatMap { types.shape($0) },
        outputType: outputs.first.flatMap { types.dataType($0) }, parameters: 0, weightBytes: 0,
        weightTensors: 0, cost: costs.indices.contains(index) ? costs[index] : nil,
        activationBytes: Self.traffic(node, read: read, types: types, roles: roles))
      for name in read {
        for source in stored.sources(of: name) where taken.insert(source).inserted {
          guard let size = parameters.sizes[source] else { continue }
          entry.parameters += size.elements
          entry.weightBytes += size.bytes
          entry.weightTensors += 1
        }
      }
      for output in outputs { makers[output] = entries.count }
      positions[index] = entries.count
      entries.append(entry)
    }
  }

  private static func traffic(
    _ node: Node, read: [String], types: InferredTypes, roles: GraphRoles
  ) -> Int? {
    if OperatorRegistry.definition(of: node)?.memory == .view { return 0 }
    var total = 0
    for name in Set(read + node.outputs) where !name.isEmpty && !roles.constants.contains(name) {
      guard let bytes = types[name]?.byteCount,
        case (let sum, let overflow) = total.addingReportingOverflow(bytes), !overflow
      else { return nil }
      total = sum
    }
    return total
  }
}

/// The stored parameters behind values that are computed from constants alone (`Identity`, `DequantizeLinear`,
/// `Transpose` of a weight).
private struct ConstantSources {
  private var memo: [String: [String]] = [:]

  init(_ graph: Graph, roles: GraphRoles, parameters: ParameterSummary) {
    for name in parameters.sizes.keys { memo[name] = [name] }
    // Nodes are in topological order: what a node reads has been seen. Subgraphs hold initializers of their own.
    for node in graph.nodes {
      var sources: [String] = []
      for name in node.inputs where roles.constants.contains(name) {
        for source in memo[name] ?? [] where !sources.contains(source) && sources.count < 64 {
          sources.append(source)
        }
      }
      for output in node.outputs where roles.constants.contains(output) && memo[output] == nil {
        memo[output] = sources
      }
    }
  }

  func sources(of name: String) -> [String] { memo[name] ?? [] }
}
