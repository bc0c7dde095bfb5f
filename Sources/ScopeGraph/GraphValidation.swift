import ScopeBytes

/// Checks that a graph is well formed: single assignment, every value defined before it is used, no cycle.
public enum GraphValidation {
  private static let maximumDepth = 64

  /// - Throws: `invalidGraph` naming the node and the value.
  public static func check(_ model: Model) throws(ScopeError) {
    try check(model.graph, outer: [], depth: 0)
    for function in model.functions {
      var graph = Graph(name: function.name, nodes: function.nodes)
      graph.inputs = function.inputs.map { ValueInfo(name: $0, dataType: nil, shape: nil) }
      graph.outputs = function.outputs.map { ValueInfo(name: $0, dataType: nil, shape: nil) }
      do throws(ScopeError) {
        try check(graph, outer: [], depth: 0)
      } catch {
        throw error.at("function \(function.name)")
      }
    }
  }

  /// `outer`: the names visible from each enclosing graph, innermost last.
  private static func check(_ graph: Graph, outer: [Set<String>], depth: Int) throws(ScopeError) {
    guard depth <= maximumDepth else {
      throw ScopeError(
        .limitExceeded, "subgraphs are nested too deeply", expected: "at most \(maximumDepth) levels")
    }
    var defined = Set(graph.initializers.keys)
    var inputNames: Set<String> = []
    for input in graph.inputs {
      guard inputNames.insert(input.name).inserted else {
        throw ScopeError(.invalidGraph, "two graph inputs have the same name", place: "input \(input.name)")
      }
      defined.insert(input.name)
    }
    for (index, node) in graph.nodes.enumerated() {
      for name in node.inputs where !name.isEmpty && !isDefined(name, defined, outer) {
        throw missing(name, index, graph)
      }
      for subgraph in node.subgraphs {
        do throws(ScopeError) {
          try check(subgraph, outer: outer + [defined], depth: depth + 1)
        } catch {
          throw error.at(OperatorContext.place(node))
        }
      }
      for name in node.outputs where !name.isEmpty {
        // ONNX: names are unique over a graph and the graphs inside it.
        if outer.contains(where: { $0.contains(name) }) {
          throw ScopeError(
            .invalidGraph, "the value \(name) is already defined in a graph around this one",
            place: place(node, index),
            remedy: "Export the model again; every value of an ONNX graph is assigned once")
        }
        guard defined.insert(name).inserted else {
          throw ScopeError(
            .invalidGraph, "the value \(name) is defined twice", place: place(node, index),
            remedy: "Export the model again; every value of an ONNX graph is assigned once")
        }
      }
    }
    for output in graph.outputs where !isDefined(output.name, defined, outer) {
      throw ScopeError(
        .invalidGraph, "no node computes the graph output \(output.name)", place: "output \(output.name)")
    }
  }

  private static func isDefined(_ name: String, _ defined: Set<String>, _ outer: [Set<String>]) -> Bool {
    defined.contains(name) || outer.contains { $0.contains(name) }
  }

  private static func place(_ node: Node, _ index: Int) -> String {
    "node[\(index)] \(node.name.isEmpty ? node.opType : "\(node.name) (\(node.opType))")"
  }

  /// Whether the value is missing altogether, comes too late, or depends on itself.
  private static func missing(_ name: String, _ index: Int, _ graph: Graph) -> ScopeError {
    let node = graph.nodes[index]
    guard let producer = graph.producers[name] else {
      return ScopeError(
        .invalidGraph, "the value \(name) is used but nothing defines it", place: place(node, index),
        remedy: "Export the model again")
    }
    if isReachable(from: index, to: producer, graph) {
      return ScopeError(
        .invalidGraph, "the value \(name) depends on itself", place: place(node, index),
        found: "a cycle through \(place(graph.nodes[producer], producer))")
    }
    return ScopeError(
      .invalidGraph, "the value \(name) is used before it is defined", place: place(node, index),
      expected: "nodes in topological order",
      found: "its definition at \(place(graph.nodes[producer], producer))",
      remedy: "Export the model again")
  }

  private static func isReachable(from start: Int, to target: Int, _ graph: Graph) -> Bool {
    let consumers = graph.consumers
    var seen: Set<Int> = [start]
    var pending = [start]
    while let index = pending.popLast() {
      if index == target { return true }
      for output in graph.nodes[index].outputs where !output.isEmpty {
        for next in consumers[output] ?? [] where seen.insert(next).inserted { pending.append(next) }
      }
    }
    return false
  }
}
