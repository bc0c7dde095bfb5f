import ScopeBytes
import ScopeGraph

/// `clip(x + 3, 0, 6) / 6` becomes HardSigmoid, and `x * HardSigmoid(x)` becomes HardSwish, in whatever order an exporter
/// wrote the product and the division.
///
/// Declines for other constants, operator sets before 14, and values on the way that are read elsewhere.
public struct FuseHardSwish: Pass {
  public let name = "fuse-hard-swish"
  public let summary = "Parts of HardSigmoid and HardSwish fused"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.opset >= 14 else { return false }
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() where !editor.isEdited(index) {
      let match = Pattern(editor: editor, index: index)
      guard let (fused, removed) = match.hardSwish(node) ?? match.hardSigmoid(node),
        !removed.contains(where: editor.isEdited)
      else { continue }
      for other in removed { editor.remove(other) }
      editor.replace(index, with: [fused])
    }
    return editor.apply(to: &model)
  }

  private struct Pattern {
    let editor: GraphEditor
    let index: Int

    private func producer(_ value: String, _ opType: String, for reader: Int) -> Int? {
      guard let producer = editor.producers[value], editor.soleConsumer(value) == reader,
        editor.graph.nodes[producer].isStandard(opType)
      else { return nil }
      return producer
    }

    private func isScalar(_ name: String?, _ value: Float) -> Bool {
      guard let tensor = editor.constant(name), tensor.elementCount == 1, tensor.dimensions.count <= 1,
        let number = editor.floats(name)?.first
      else { return false }
      return abs(number - value) <= 1e-6 * max(1, abs(value))
    }

    /// `x` and the nodes of `clip(x + 3, 0, 6)`.
    private func clipped(_ value: String, for reader: Int) -> (String, [Int])? {
      guard let clip = producer(value, "Clip", for: reader) else { return nil }
      let node = editor.graph.nodes[clip]
      guard isScalar(node.input(1), 0), isScalar(node.input(2), 6), let input = node.input(0),
        let add = producer(input, "Add", for: clip)
      else { return nil }
      let inputs = editor.graph.nodes[add].inputs
      guard inputs.count == 2 else { return nil }
      if isScalar(inputs[1], 3) { return (inputs[0], [clip, add]) }
      if isScalar(inputs[0], 3) { return (inputs[1], [clip, add]) }
      return nil
    }

    /// The value that `node` divides by six.
    private func sixth(_ node: Node) -> String? {
      guard node.inputs.count == 2 else { return nil }
      if node.isStandard("Div"), isScalar(node.inputs[1], 6) { return node.inputs[0] }
      guard node.isStandard("Mul") else { return nil }
      if isScalar(node.inputs[1], 1 / 6) { return node.inputs[0] }
      return isScalar(node.inputs[0], 1 / 6) ? node.inputs[1] : nil
    }

    func hardSigmoid(_ node: Node) -> (Node, [Int])? {
      guard let value = sixth(node), let (input, removed) = clipped(value, for: index) else { return nil }
      let fused = Node(
        "HardSigmoid", name: node.name, inputs: [input], outputs: node.outputs,
        attributes: ["alpha": .float(1 / 6), "beta": .float(0.5)])
      return (fused, removed)
    }

    func hardSwish(_ node: Node) -> (Node, [Int])? {
      func fused(_ input: String) -> Node {
        Node("HardSwish", name: node.name, inputs: [input], outputs: node.outputs)
      }
      if let value = sixth(node), let product = producer(value, "Mul", for: index) {
        let inputs = editor.graph.nodes[product].inputs
        for side in inputs.indices where inputs.count == 2 {
          if let (input, removed) = clipped(inputs[side], for: product), inputs[1 - side] == input {
            return (fused(input), removed + [product])
          }
        }
      }
      guard node.isStandard("Mul"), node.inputs.count == 2 else { return nil }
      for side in 0..<2 {
        guard let gate = producer(node.inputs[side], "HardSigmoid", for: index) else { continue }
        let sigmoid = editor.graph.nodes[gate]
        guard abs((sigmoid.float("alpha") ?? 0.2) - 1 / 6) < 1e-6, sigmoid.float("beta") ?? 0.5 == 0.5,
          let input = sigmoid.input(0), node.inputs[1 - side] == input
        else { continue }
        return (fused(input), [gate])
      }
      return nil
    }
  }
}
