import ScopeGraph

/// Which values depend on the differentiated ones (the image, or the weights), and which nodes lie between them and an
/// output.
package struct Reach {
  /// Values that depend on the differentiated ones, these included.
  package private(set) var values: Set<String>

  /// Operators whose result is about shapes or is flat everywhere: the gradient ends there.
  private static let flat: Set<String> = [
    "Shape", "Size", "ConstantOfShape", "ArgMax", "ArgMin", "Greater", "Less", "GreaterOrEqual",
    "LessOrEqual",
    "Equal", "Not", "And", "Or", "Xor", "IsNaN", "IsInf", "NonZero", "Sign", "Floor", "Ceil", "Round",
    "OneHot",
    "EyeLike", "RandomNormalLike", "RandomUniformLike",
  ]

  package init(_ graph: Graph, from input: String) { self.init(graph, from: [input]) }

  package init(_ graph: Graph, from sources: Set<String>) {
    values = sources
    for node in graph.nodes where !(Reach.flat.contains(node.opType) && node.domain.isEmpty) {
      if !values.isDisjoint(with: node.inputs)
        || node.subgraphs.contains(where: { !values.isDisjoint(with: $0.captures) })
      {
        values.formUnion(node.outputs)
      }
    }
    values.remove("")
  }

  /// Indices of the nodes that carry a gradient from any of `outputs` to the differentiated values, last first.
  package func nodes(leadingTo outputs: Set<String>, in graph: Graph) -> [Int] {
    var wanted = outputs
    var result: [Int] = []
    for index in graph.nodes.indices.reversed() {
      let node = graph.nodes[index]
      guard !wanted.isDisjoint(with: node.outputs), !values.isDisjoint(with: node.outputs) else { continue }
      result.append(index)
      wanted.formUnion(node.inputs.filter { values.contains($0) })
    }
    return result
  }
}
