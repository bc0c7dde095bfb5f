import ScopeBytes
import ScopeGraph

/// Removes operators that only move or select elements and here leave everything in place: Reshape, Flatten, Squeeze,
/// Unsqueeze, Expand, Tile, Slice and Pad to the shape that is there already, Transpose in the same order, Concat of one
/// input and Split to one output.
///
/// Declines when a size that matters is not known.
public struct EliminateViews: Pass {
  public let name = "eliminate-views"
  public let summary = "Reshapes, slices, paddings and the like that change nothing removed"
  public let safety = PassSafety.exact

  private static let types: Set<String> = [
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile", "Slice", "Pad", "Transpose", "Concat",
    "Split",
  ]

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.graph.nodes.contains(where: { Self.types.contains($0.opType) }) else { return false }
    let facts = ShapeFacts(model)
    return try NodeBypass.run(&model) { node, _ in
      guard node.domain.isEmpty || node.domain == "ai.onnx", let input = node.input(0),
        Self.changesNothing(node, input, facts)
      else { return nil }
      return input
    }
  }

  private static func changesNothing(_ node: Node, _ input: String, _ facts: ShapeFacts) -> Bool {
    let isSame = { facts.haveSameShape(input, node.outputs[0]) }
    switch node.opType {
    case "Concat": return node.inputs.count == 1
    case "Split": return node.outputs.count == 1
    case "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile": return isSame()
    case "Transpose":
      guard let permutation = node.ints("perm") else { return facts.rank(input).map { $0 < 2 } ?? false }
      return permutation == Array(permutation.indices)
    case "Pad":
      guard let pads = node.ints("pads") ?? facts.integers(node.input(1)) else { return false }
      return pads.allSatisfy { $0 == 0 }
    case "Slice":
      let steps = node.input(4) == nil ? [] : facts.integers(node.input(4))
      guard let steps, steps.allSatisfy({ $0 > 0 }) else { return false }
      return isSame() || isUnlimited(node, steps, facts)
    default: return false
    }
  }

  /// Whether a Slice goes from the first to beyond the last element, however many there are.
  private static func isUnlimited(_ node: Node, _ steps: [Int], _ facts: ShapeFacts) -> Bool {
    guard steps.allSatisfy({ $0 == 1 }), let starts = node.ints("starts") ?? facts.integers(node.input(1)),
      let ends = node.ints("ends") ?? facts.integers(node.input(2))
    else { return false }
    return starts.allSatisfy { $0 == 0 } && ends.allSatisfy { $0 >= Int(Int32.max) }
  }
}
