import ScopeBytes
import ScopeGraph

/// Removes Identity nodes; readers take the input instead.
///
/// Where the result is a graph output, the node before it is made to produce that output directly. Declines when a
/// nested graph refers to the name that would go away, and when a graph input or constant is handed straight to an
/// output.
public struct EliminateIdentity: Pass {
  public let name = "eliminate-identity"
  public let summary = "Identity nodes removed"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    try NodeBypass.run(&model) { node, _ in
      node.isStandard("Identity") && node.inputs.count == 1 ? node.input(0) : nil
    }
  }
}
