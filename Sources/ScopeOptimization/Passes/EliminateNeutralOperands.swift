import ScopeBytes
import ScopeGraph

/// Removes arithmetic that changes nothing: `x + 0`, `x - 0`, `x * 1`, `x / 1`, `x ^ 1`, `x and true`, `x or false`,
/// and sums, maxima, minima and means of one value.
///
/// Declines when the constant would broadcast the other side to another shape.
public struct EliminateNeutralOperands: Pass {
  public let name = "eliminate-neutral"
  public let summary = "Additions of zero, products with one and the like removed"
  public let safety = PassSafety.exact

  /// Operator, its neutral element, and whether that may also stand on the left.
  private static let neutral: [String: (value: Float, commutes: Bool)] = [
    "Add": (0, true), "Sub": (0, false), "Mul": (1, true), "Div": (1, false), "Pow": (1, false),
    "And": (1, true), "Or": (0, true),
  ]
  private static let variadic: Set<String> = ["Sum", "Max", "Min", "Mean"]

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    // Shapes are needed only where a constant is neutral, which is rare.
    let editor = GraphEditor(model.graph)
    guard model.graph.nodes.contains(where: { !Self.candidates($0, editor).isEmpty }) else { return false }
    let facts = ShapeFacts(model)
    return try NodeBypass.run(&model) { node, editor in
      for (kept, constant) in Self.candidates(node, editor) {
        guard let constant else { return kept }
        let isScalar = constant.elementCount == 1
        if isScalar, constant.dimensions.count <= facts.rank(kept) ?? 0 { return kept }
        if facts.haveSameShape(kept, node.outputs[0]) { return kept }
      }
      return nil
    }
  }

  /// Inputs that may be handed through, each with the constant on the other side.
  private static func candidates(_ node: Node, _ editor: GraphEditor) -> [(String, Tensor?)] {
    guard node.domain.isEmpty || node.domain == "ai.onnx", let first = node.input(0) else { return [] }
    if variadic.contains(node.opType) { return node.inputs.count == 1 ? [(first, nil)] : [] }
    guard let rule = neutral[node.opType], node.inputs.count == 2, let second = node.input(1) else {
      return []
    }
    var result: [(String, Tensor?)] = []
    if let tensor = editor.constant(second), holdsOnly(rule.value, tensor) { result.append((first, tensor)) }
    if rule.commutes, let tensor = editor.constant(first), holdsOnly(rule.value, tensor) {
      result.append((second, tensor))
    }
    return result
  }

  private static func holdsOnly(_ value: Float, _ tensor: Tensor) -> Bool {
    // Neutral constants are scalars, or vectors such as an untrained bias; a table is not looked through.
    guard tensor.elementCount > 0, tensor.elementCount <= 1 << 16, let values = try? tensor.floats() else {
      return false
    }
    return values.allSatisfy { $0 == value }
  }
}
