import ScopeBytes
import ScopeGraph

/// Writes batch normalisations that could not be folded (a Relu stands between them and the convolution, as in
/// DenseNet) as depthwise 1 x 1 convolutions, which run in integers and absorb the Relu behind them.
///
/// Exact: `y = factor x + shift` per channel. One weight per channel loses nothing when it is quantized, as its scale
/// is its own. For models that will be quantized only: in float the normalisation is as fast.
package enum IntegerBatchNorm {
  /// - Returns: how many were rewritten.
  package static func run(_ model: inout Model) -> Int {
    var editor = GraphEditor(model.graph)
    var count = 0
    for (index, node) in model.graph.nodes.enumerated() {
      guard let coefficients = BatchNormCoefficients(node, editor), let input = node.input(0),
        let output = node.outputs.first, editor.constant(input) == nil,
        isPlane(input, editor, depth: 0) || feedsConvolution(output, editor)
      else { continue }
      let weights = coefficients.factor.map { Float($0) }
      let shifts = coefficients.shift.map { Float($0) }
      guard !weights.isEmpty, (weights + shifts).allSatisfy(\.isFinite) else { continue }
      let stem = node.input(1) ?? "scale"
      let weight = editor.addInitializer(.floats(weights, [weights.count, 1, 1, 1]), "\(stem)_factor")
      let bias = editor.addInitializer(.floats(shifts, [shifts.count]), "\(stem)_shift")
      editor.replace(
        index,
        with: [
          Node(
            "Conv", name: node.name, inputs: [input, weight, bias], outputs: [output],
            attributes: ["group": .int(weights.count), "kernel_shape": .ints([1, 1])])
        ])
      count += 1
    }
    _ = editor.apply(to: &model)
    return count
  }

  /// Whether the value surely is [N, C, H, W], by the operators behind it.
  private static func isPlane(_ value: String, _ editor: GraphEditor, depth: Int) -> Bool {
    guard depth < 8, let producer = editor.producers[value] else { return false }
    let node = editor.graph.nodes[producer]
    if node.isStandard("Conv") { return isPlanar(node, editor) }
    let keepsRank = ["Relu", "Clip", "Concat", "MaxPool", "AveragePool", "Add", "BatchNormalization", "Mul"]
    guard keepsRank.contains(node.opType), let input = node.input(0) else { return false }
    return isPlane(input, editor, depth: depth + 1)
  }

  private static func feedsConvolution(_ value: String, _ editor: GraphEditor) -> Bool {
    for reader in editor.consumers[value] ?? [] {
      let node = editor.graph.nodes[reader]
      if node.isStandard("Conv"), node.input(0) == value { return isPlanar(node, editor) }
      if node.isStandard("Relu") || node.isStandard("Clip"), let output = node.outputs.first {
        for next in editor.consumers[output] ?? [] where editor.graph.nodes[next].input(0) == output {
          if isPlanar(editor.graph.nodes[next], editor) { return true }
        }
      }
    }
    return false
  }

  private static func isPlanar(_ node: Node, _ editor: GraphEditor) -> Bool {
    node.isStandard("Conv") && editor.constant(node.input(1))?.dimensions.count == 4
  }
}
