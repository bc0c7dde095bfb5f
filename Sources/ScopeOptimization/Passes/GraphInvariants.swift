import ScopeBytes
import ScopeGraph

/// What every pass may rely on and has to preserve: single assignment, topological order, no missing value.
public enum GraphInvariants {
  /// - Throws: `invalidGraph` naming the value concerned.
  public static func check(_ graph: Graph) throws(ScopeError) {
    var defined = Set(graph.initializers.keys)
    for input in graph.inputs { defined.insert(input.name) }
    for (index, node) in graph.nodes.enumerated() {
      let reads = Set(node.inputs).union(node.subgraphs.flatMap(\.captures))
      for name in reads where !name.isEmpty && !defined.contains(name) {
        throw ScopeError(
          .invalidGraph, "a node reads a value that nothing before it defines",
          place: "node \(index) (\(node.opType) \(node.name))", found: name)
      }
      for name in node.outputs where !name.isEmpty {
        guard defined.insert(name).inserted else {
          throw ScopeError(
            .invalidGraph, "a value is defined twice", place: "node \(index) (\(node.opType) \(node.name))",
            found: name)
        }
      }
    }
    // Values held in sparse initializers are kept as uninterpreted fields, so an output may be one of them.
    for output in graph.outputs where !defined.contains(output.name) && graph.unknownFields.isEmpty {
      throw ScopeError(.invalidGraph, "a graph output is not computed", found: output.name)
    }
  }
}
