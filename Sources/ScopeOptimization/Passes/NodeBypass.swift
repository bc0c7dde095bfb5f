import ScopeBytes
import ScopeGraph

/// Removes nodes that hand one of their inputs through unchanged; readers take that input instead.
///
/// Where the result is a graph output, the node before it is made to produce that output directly. Declines when a
/// nested graph refers to the name that would go away, and when a graph input or constant would be handed straight to an
/// output.
enum NodeBypass {
  /// - Parameter handedThrough: the input that is the node's first result, nil for nodes that have to stay. Further
  ///   results of such a node must be unused.
  static func run(
    _ model: inout Model, _ handedThrough: (Node, GraphEditor) -> String?
  ) throws(ScopeError) -> Bool {
    var editor = GraphEditor(model.graph)
    var touched: Set<String> = []
    for (index, node) in model.graph.nodes.enumerated() {
      guard let output = node.outputs.first, !output.isEmpty, !editor.captured.contains(output),
        let input = handedThrough(node, editor)
      else { continue }
      if !editor.outputNames.contains(output) {
        editor.redirect(output, to: input)
        editor.remove(index)
        touched.formUnion([input, output])
        continue
      }
      // The output's name has to stay: rename what produces the input.
      guard let producer = editor.producers[input], !editor.outputNames.contains(input),
        !editor.captured.contains(input),
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
