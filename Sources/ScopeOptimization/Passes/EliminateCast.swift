import ScopeBytes
import ScopeGraph

/// Removes Cast nodes whose input already has the wanted type.
///
/// Declines when the input's type is not known.
public struct EliminateCast: Pass {
  public let name = "eliminate-cast"
  public let summary = "Casts to the same type removed"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.graph.nodes.contains(where: { $0.isStandard("Cast") }) else { return false }
    let facts = ShapeFacts(model)
    return try NodeBypass.run(&model) { node, _ in
      guard node.isStandard("Cast"), let input = node.input(0), let target = node.int("to"),
        let type = facts.dataType(input), Int(type.rawValue) == target
      else { return nil }
      return input
    }
  }
}
