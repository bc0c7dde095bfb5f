import ScopeBytes
import ScopeGraph

/// Removes nodes whose results nobody reads, then initializers and type declarations that nothing refers to.
public struct EliminateDeadNodes: Pass {
  public let name = "eliminate-dead"
  public let summary = "Unused nodes and constants removed"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    var needed = Set(model.graph.outputs.map(\.name))
    var keptReversed: [Node] = []
    for node in model.graph.nodes.reversed() {
      guard node.outputs.contains(where: { !$0.isEmpty && needed.contains($0) }) else { continue }
      needed.formUnion(node.inputs)
      for graph in node.subgraphs { needed.formUnion(graph.captures) }
      keptReversed.append(node)
    }
    var modified = keptReversed.count != model.graph.nodes.count
    model.graph.nodes = keptReversed.reversed()
    let unused = model.graph.initializers.keys.filter { !needed.contains($0) }
    for name in unused { model.graph.initializers[name] = nil }
    modified = modified || !unused.isEmpty
    let alive = Set(model.graph.nodes.flatMap(\.outputs)).union(model.graph.initializers.keys)
    let declared = model.graph.valueInfo.count
    model.graph.valueInfo.removeAll { !alive.contains($0.name) }
    return modified || model.graph.valueInfo.count != declared
  }
}
