import ScopeBytes
import ScopeGraph

/// A chain of Reshape, Flatten, Squeeze and Unsqueeze becomes one: the later one reads what the earlier one reads. A
/// Transpose that only moves axes of size 1 counts as a Reshape and becomes one.
///
/// Declines when the final shape cannot be written as a constant (two sizes are open, or the tensor may be empty).
public struct MergeViews: Pass {
  public let name = "merge-views"
  public let summary = "Chains of reshapes merged"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.opset >= 5,
      model.graph.nodes.contains(where: { $0.isStandard("Transpose") || Self.isView($0) })
    else { return false }
    let facts = ShapeFacts(model)
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() {
      if node.isStandard("Transpose") {
        if let reshape = Self.asReshape(node, facts, &editor) { editor.replace(index, with: [reshape]) }
        continue
      }
      guard Self.isView(node), let input = node.input(0), let producer = editor.producers[input] else {
        continue
      }
      let before = model.graph.nodes[producer]
      guard Self.isView(before) || Self.movesOnlyUnitAxes(before, facts), let source = before.input(0),
        let merged = Self.merged(before, node, source, facts, &editor, opset: model.opset)
      else { continue }
      editor.replace(index, with: [merged])
    }
    return editor.apply(to: &model)
  }

  static func isView(_ node: Node) -> Bool {
    node.isStandard("Reshape") || node.isStandard("Flatten") || node.isStandard("Squeeze")
      || node.isStandard("Unsqueeze")
  }

  private static func merged(
    _ before: Node, _ node: Node, _ source: String, _ facts: ShapeFacts, _ editor: inout GraphEditor,
    opset: Int
  ) -> Node? {
    guard let output = facts.shape(node.outputs[0]) else { return nil }
    if before.isStandard("Unsqueeze"), node.isStandard("Unsqueeze"), opset >= 13,
      let first = facts.axes(before, rank: facts.rank(before.outputs[0])),
      let second = facts.axes(node, rank: output.rank)
    {
      // The first node's axes are counted among those that the second leaves.
      let free = (0..<output.rank).filter { !second.contains($0) }
      guard first.allSatisfy({ $0 < free.count }) else { return nil }
      let axes = (second + first.map { free[$0] }).sorted()
      return Node(
        "Unsqueeze", name: node.name, inputs: [source, editor.addInitializer(.int64s(axes), "axes")],
        outputs: node.outputs)
    }
    guard let input = facts.shape(source) else { return nil }
    let infers = node.isStandard("Reshape") && (facts.integers(node.input(1))?.contains(-1) ?? false)
    return reshape(source, input, output, infers, node, &editor)
  }

  private static func reshape(
    _ source: String, _ input: Shape, _ output: Shape, _ mayInfer: Bool, _ node: Node,
    _ editor: inout GraphEditor
  ) -> Node? {
    guard let target = ReshapeTarget.make(from: input, to: output, mayInfer: mayInfer) else { return nil }
    return Node(
      "Reshape", name: node.name, inputs: [source, editor.addInitializer(.int64s(target), "shape")],
      outputs: node.outputs)
  }

  /// The Reshape that does the same as a Transpose which keeps the order of all axes longer than 1.
  private static func asReshape(_ node: Node, _ facts: ShapeFacts, _ editor: inout GraphEditor) -> Node? {
    guard movesOnlyUnitAxes(node, facts), let source = node.input(0), let input = facts.shape(source),
      let output = facts.shape(node.outputs[0])
    else { return nil }
    return reshape(source, input, output, false, node, &editor)
  }

  private static func movesOnlyUnitAxes(_ node: Node, _ facts: ShapeFacts) -> Bool {
    guard node.isStandard("Transpose"), let input = facts.shape(node.input(0)) else { return false }
    let permutation = node.ints("perm") ?? Array((0..<input.rank).reversed())
    guard permutation.count == input.rank, permutation.allSatisfy({ $0 >= 0 && $0 < input.rank }) else {
      return false
    }
    let moved = permutation.filter { input.dimensions[$0] != .known(1) }
    return moved == moved.sorted() && permutation != Array(permutation.indices)
  }
}
