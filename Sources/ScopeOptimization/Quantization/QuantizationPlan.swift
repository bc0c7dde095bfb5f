import ScopeBytes
import ScopeGraph

/// Which nodes of a float graph run in integers and which values get quantized; independent of the recipe.
package struct QuantizationPlan: Sendable {
  package var layers: [Int: QuantizedLayer] = [:]
  /// Activation node (Relu, or Clip from zero) by the node before it, whose quantization does its work: codes start at
  /// zero and end at or below the clip.
  package var absorbedActivations: [Int: Int] = [:]
  /// Values that are rounded to integers.
  package var quantizedValues: Set<String> = []
  /// A value that shares the parameters of another (MaxPool, Flatten ... do not change numbers).
  package var parameterSource: [String: String] = [:]
  /// Why nodes with weights stay in float.
  package var declined: [String] = []

  /// Operators that only move or select numbers; ONNX Runtime runs them on the integers.
  private static let passThrough: Set<String> = [
    "MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "DepthToSpace",
    "SpaceToDepth",
  ]
  /// Operators for which ONNX Runtime has integer kernels with their own output scale.
  private static let arithmetic: Set<String> = ["Add", "Mul", "GlobalAveragePool", "AveragePool", "Concat"]

  /// - Parameter floatLayers: output values of layers that stay in float.
  package init(_ graph: Graph, floatLayers: Set<String> = []) {
    let editor = GraphEditor(graph)
    for (index, node) in graph.nodes.enumerated() {
      switch QuantizedLayer.recognize(node, index: index, editor) {
      case .layer(let layer):
        guard editor.constant(layer.input) == nil, !floatLayers.contains(node.outputs[0]) else { continue }
        layers[index] = layer
        quantizedValues.insert(layer.input)
        // Only a Conv needs a rounded output to run in integers; matrix products can return floats.
        if node.isStandard("Conv") { quantizedValues.insert(resultValue(of: index, graph, editor)) }
      case .declined(let reason):
        declined.append(
          "\(node.opType) \(node.name.isEmpty ? node.outputs.first ?? "" : node.name): \(reason)")
      case .notALayer: break
      }
    }
    for (index, node) in graph.nodes.enumerated() where node.domain.isEmpty || node.domain == "ai.onnx" {
      guard layers[index] == nil, let output = node.outputs.first,
        node.outputs.dropFirst().allSatisfy(\.isEmpty),
        let first = node.input(0), quantizedValues.contains(first)
      else { continue }
      if Self.passThrough.contains(node.opType) {
        guard isRead(output, graph, editor) else { continue }
        parameterSource[output] = parameterSource[first] ?? first
        quantizedValues.insert(output)
      } else if Self.arithmetic.contains(node.opType),
        node.inputs.allSatisfy({ quantizedValues.contains($0) })
      {
        let result = resultValue(of: index, graph, editor)
        guard isRead(result, graph, editor) else { continue }
        quantizedValues.insert(result)
      }
    }
    // An activation goes into the rounding only where its result is rounded.
    for (index, node) in graph.nodes.enumerated()
    where layers[index] != nil || Self.arithmetic.contains(node.opType) {
      guard let activation = absorbable(after: index, graph, editor),
        quantizedValues.contains(graph.nodes[activation].outputs[0])
      else { continue }
      if layers[index] == nil, !node.inputs.allSatisfy({ quantizedValues.contains($0) }) { continue }
      absorbedActivations[index] = activation
    }
  }

  /// Values to observe in calibration: every value with parameters of its own, and the input of every layer.
  package func observedValues(_ graph: Graph) -> [String] {
    var wanted = quantizedValues.subtracting(parameterSource.keys)
    wanted.formUnion(layers.values.map(\.input))
    let produced = Set(graph.nodes.flatMap(\.outputs)).union(graph.inputs.map(\.name))
    return wanted.filter { produced.contains($0) }.sorted()
  }

  private func isRead(_ value: String, _ graph: Graph, _ editor: GraphEditor) -> Bool {
    editor.consumers[value] != nil && !editor.outputNames.contains(value)
  }

  /// The value that holds a node's result after an activation that can be absorbed.
  private func resultValue(of index: Int, _ graph: Graph, _ editor: GraphEditor) -> String {
    absorbable(after: index, graph, editor).map { graph.nodes[$0].outputs[0] }
      ?? graph.nodes[index].outputs[0]
  }

  /// The Relu or zero-based Clip that alone reads a node's output.
  private func absorbable(after index: Int, _ graph: Graph, _ editor: GraphEditor) -> Int? {
    guard let next = editor.soleConsumer(graph.nodes[index].outputs[0]) else { return nil }
    let node = graph.nodes[next]
    if node.isStandard("Relu") { return next }
    guard node.isStandard("Clip") else { return nil }
    if let low = node.float("min") { return low == 0 ? next : nil }
    guard let low = editor.floats(node.input(1)), low.count == 1, low[0] == 0 else { return nil }
    if let name = node.input(2), editor.floats(name) == nil { return nil }
    return next
  }
}
