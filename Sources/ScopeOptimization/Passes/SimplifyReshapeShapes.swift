import ScopeBytes
import ScopeGraph

/// A Reshape whose target is computed from its own input's sizes gets a constant target: 0 copies a size, one -1 is
/// inferred. The nodes that computed the target become dead.
///
/// Declines when two sizes remain open, and for `allowzero`.
public struct SimplifyReshapeShapes: Pass {
  public let name = "constant-reshape"
  public let summary = "Computed reshape targets made constant"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    var editor = GraphEditor(model.graph)
    func isComputed(_ node: Node) -> Bool {
      node.isStandard("Reshape") && node.int("allowzero") ?? 0 == 0 && node.input(1) != nil
        && editor.constant(node.input(1)) == nil
    }
    guard model.graph.nodes.contains(where: isComputed) else { return false }
    let facts = ShapeFacts(model)
    for (index, node) in model.graph.nodes.enumerated() where isComputed(node) {
      guard let target = Self.target(node, facts) else { continue }
      var reshape = node
      reshape.inputs[1] = editor.addInitializer(.int64s(target), "shape")
      editor.replace(index, with: [reshape])
    }
    return editor.apply(to: &model)
  }

  private static func target(_ node: Node, _ facts: ShapeFacts) -> [Int]? {
    guard let name = node.input(1), let elements = facts.types[name]?.integerElements,
      facts.sizes(name) == [elements.count]
    else { return nil }
    let input = facts.shape(node.input(0))
    var result: [Int] = []
    for (axis, element) in elements.enumerated() {
      if let size = element.value {
        guard size >= -1 else { return nil }
        result.append(size)
      } else if element != .unknown, let input, axis < input.rank, input.dimensions[axis] == element {
        result.append(0)
      } else {
        // Inferring is the same only where nothing else is inferred or copied: an empty tensor would not allow it.
        let others = elements.indices.filter { $0 != axis }.map { elements[$0].value ?? 0 }
        guard others.allSatisfy({ $0 > 0 }) else { return nil }
        result.append(-1)
      }
    }
    return result
  }
}
