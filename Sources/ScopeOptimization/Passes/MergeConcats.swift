import ScopeBytes
import ScopeGraph

/// A Concat that only feeds another Concat along the same axis is merged into it.
///
/// Declines when the inner result is read elsewhere, or the axes cannot be compared.
public struct MergeConcats: Pass {
  public let name = "merge-concats"
  public let summary = "Nested concatenations merged"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    var editor = GraphEditor(model.graph)
    func inner(_ value: String) -> Int? {
      guard let producer = editor.producers[value], model.graph.nodes[producer].isStandard("Concat"),
        editor.soleConsumer(value) != nil
      else { return nil }
      return producer
    }
    let outer = model.graph.nodes.indices.filter { index in
      let node = model.graph.nodes[index]
      return node.isStandard("Concat") && node.inputs.contains { inner($0) != nil }
    }
    guard !outer.isEmpty else { return false }
    let facts = ShapeFacts(model)
    for index in outer where !editor.isEdited(index) {
      var node = model.graph.nodes[index]
      guard let axis = Self.axis(node, facts) else { continue }
      var inputs: [String] = []
      var merged = false
      for input in node.inputs {
        if let producer = inner(input), !editor.isEdited(producer),
          Self.axis(model.graph.nodes[producer], facts) == axis
        {
          inputs += model.graph.nodes[producer].inputs
          editor.remove(producer)
          merged = true
        } else {
          inputs.append(input)
        }
      }
      guard merged else { continue }
      node.inputs = inputs
      editor.replace(index, with: [node])
    }
    return editor.apply(to: &model)
  }

  /// Counted from the front where the rank is known; a negative axis otherwise means the same in both.
  private static func axis(_ node: Node, _ facts: ShapeFacts) -> Int? {
    guard let axis = node.int("axis") else { return nil }
    guard axis < 0 else { return axis }
    return facts.rank(node.outputs[0]).map { axis + $0 }
  }
}
