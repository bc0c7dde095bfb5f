import ScopeBytes
import ScopeGraph

/// Removes Identity nodes; readers take the input instead.
///
/// Where the result is a graph output, the node before it is made to produce that output directly. Declines when a
/// nested graph refers to the name that would go away, and when a graph input or constant is handed straight to an
/// output.
public struct EliminateIdentity: Pass {
  public let name = "eliminate-identity"
  public let summary = "Identity nodes removed"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    try NodeBypass.run(&model) { node, _ in node.isStandard("Identity") && node.inputs.count == 1 }
  }
}

/// Removes nodes that hand their first input through unchanged.
enum NodeBypass {
  static func run(_ model: inout Model, where isPassThrough: (Node, GraphEditor) -> Bool) throws(ScopeError) -> Bool {
    var editor = GraphEditor(model.graph)
    var touched: Set<String> = []
    for (index, node) in model.graph.nodes.enumerated() {
      guard let input = node.input(0), let output = node.outputs.first, !output.isEmpty, isPassThrough(node, editor),
        !editor.captured.contains(output)
      else { continue }
      if !editor.outputNames.contains(output) {
        editor.redirect(output, to: input)
        editor.remove(index)
        touched.formUnion([input, output])
        continue
      }
      // The output's name has to stay: rename what produces the input.
      guard let producer = editor.producers[input], !editor.outputNames.contains(input), !editor.captured.contains(input),
        !editor.isEdited(producer), !touched.contains(input), !touched.contains(output)
      else { continue }
      var source = model.graph.nodes[producer]
      source.outputs = source.outputs.map { $0 == input ? output : $0 }
      editor.replace(producer, with: [source])
      editor.redirect(input, to: output)
      editor.remove(index)
      touched.formUnion([input, output])
    }
    return editor.apply(to: &model)
  }
}
