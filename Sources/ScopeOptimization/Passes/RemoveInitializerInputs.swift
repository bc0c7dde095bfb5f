import ScopeBytes
import ScopeGraph

/// Makes the initializers that old exporters also list as graph inputs real constants. Until IR version 3 every
/// initializer had to be listed so; nobody feeds weights at run time, and only constants can be folded.
public struct RemoveInitializerInputs: Pass {
  public let name = "remove-initializer-inputs"
  public let summary = "Weights that were also listed as inputs made constant"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    let initializers = model.graph.initializers
    let kept = model.graph.inputs.filter { initializers[$0.name] == nil }
    guard kept.count < model.graph.inputs.count else { return false }
    model.graph.inputs = kept
    model.irVersion = max(model.irVersion, 4)
    return true
  }
}
