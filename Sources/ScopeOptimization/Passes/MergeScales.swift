import ScopeBytes
import ScopeGraph

/// Products with constants that meet are multiplied once: `(x * a) * b`, `(x + a) + b`, and the two scaled operands of a
/// matrix product, as attention is exported (`(q * s) @ (k * s)`).
///
/// Declines when the inner result is read elsewhere, and for constants that are neither equal in shape nor one number.
public struct MergeScales: Pass {
  public let name = "merge-scales"
  public let summary = "Products and sums with several constants merged"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() where !editor.isEdited(index) {
      if node.isStandard("MatMul") {
        Self.mergeOperands(index, node, &editor)
      } else if let outer = Self.scale(index, editor), let inner = editor.producers[outer.value],
        !editor.isEdited(inner), editor.soleConsumer(outer.value) == index,
        let first = Self.scale(inner, editor), first.isProduct == outer.isProduct,
        let merged = Self.combined(first, outer)
      {
        let constant = editor.addInitializer(merged, "\(first.constant)_merged")
        editor.remove(inner)
        editor.replace(
          index,
          with: [
            Node(
              outer.isProduct ? "Mul" : "Add", name: node.name, inputs: [first.value, constant],
              outputs: node.outputs)
          ])
      }
    }
    return editor.apply(to: &model)
  }

  /// `value * numbers` or `value + numbers`.
  private struct Scale {
    var value: String
    var constant: String
    var numbers: [Double]
    var dimensions: [Int]
    var isProduct: Bool
  }

  private static func scale(_ index: Int, _ editor: GraphEditor) -> Scale? {
    let node = editor.graph.nodes[index]
    guard ["Mul", "Div", "Add", "Sub"].contains(where: node.isStandard), node.inputs.count == 2 else {
      return nil
    }
    let side = editor.constant(node.inputs[1]) != nil ? 1 : 0
    if side == 0, node.opType == "Div" || node.opType == "Sub" { return nil }
    guard let tensor = editor.constant(node.inputs[side]), tensor.elementCount <= 1 << 16,
      editor.constant(node.inputs[1 - side]) == nil, let values = editor.floats(node.inputs[side])
    else { return nil }
    var numbers = values.map { Double($0) }
    if node.opType == "Div" { numbers = numbers.map { 1 / $0 } }
    if node.opType == "Sub" { numbers = numbers.map { -$0 } }
    guard numbers.allSatisfy(\.isFinite) else { return nil }
    return Scale(
      value: node.inputs[1 - side], constant: node.inputs[side], numbers: numbers,
      dimensions: tensor.dimensions,
      isProduct: node.opType == "Mul" || node.opType == "Div")
  }

  private static func combined(_ first: Scale, _ second: Scale) -> Tensor? {
    let isSame = first.dimensions == second.dimensions
    guard isSame || first.dimensions.isEmpty || second.dimensions.isEmpty else { return nil }
    let count = max(first.numbers.count, second.numbers.count)
    guard count > 0 else { return nil }
    let numbers = (0..<count).map { position in
      let a = first.numbers[first.numbers.count == 1 ? 0 : position]
      let b = second.numbers[second.numbers.count == 1 ? 0 : position]
      return Float(first.isProduct ? a * b : a + b)
    }
    guard numbers.allSatisfy(\.isFinite) else { return nil }
    return .floats(numbers, first.dimensions.isEmpty ? second.dimensions : first.dimensions)
  }

  /// `(a * s) @ (b * t)` becomes `(a * st) @ b`.
  private static func mergeOperands(_ index: Int, _ node: Node, _ editor: inout GraphEditor) {
    guard node.inputs.count == 2, let left = editor.producers[node.inputs[0]],
      let right = editor.producers[node.inputs[1]], left != right,
      !editor.isEdited(left), !editor.isEdited(right), editor.soleConsumer(node.inputs[0]) == index,
      editor.soleConsumer(node.inputs[1]) == index, let a = scale(left, editor), let b = scale(right, editor),
      a.isProduct, b.isProduct, a.numbers.count == 1, b.numbers.count == 1, a.dimensions.count <= 1,
      b.dimensions.count <= 1,
      let merged = combined(a, b)
        ?? combined(a, Scale(value: "", constant: "", numbers: b.numbers, dimensions: [], isProduct: true))
    else { return }
    let constant = editor.addInitializer(merged, "\(a.constant)_merged")
    let leftNode = editor.graph.nodes[left]
    editor.replace(
      left, with: [Node("Mul", name: leftNode.name, inputs: [a.value, constant], outputs: leftNode.outputs)])
    var product = node
    product.inputs[1] = b.value
    editor.remove(right)
    editor.replace(index, with: [product])
  }
}
