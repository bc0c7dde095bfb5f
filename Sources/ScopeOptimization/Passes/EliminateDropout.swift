import ScopeBytes
import ScopeGraph

/// Removes Dropout nodes, which do nothing at inference time.
///
/// Declines when the mask is used, or when the node's training mode is on or not a constant.
public struct EliminateDropout: Pass {
  public let name = "eliminate-dropout"
  public let summary = "Dropout nodes removed"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    try NodeBypass.run(&model) { node, editor in
      guard node.isStandard("Dropout"), let input = node.input(0) else { return nil }
      for mask in node.outputs.dropFirst() where !mask.isEmpty {
        if editor.consumers[mask] != nil || editor.outputNames.contains(mask) { return nil }
      }
      guard let training = node.input(2) else { return input }
      guard let flag = editor.constant(training), let values = try? flag.int64s() else { return nil }
      return values.allSatisfy { $0 == 0 } ? input : nil
    }
  }
}
