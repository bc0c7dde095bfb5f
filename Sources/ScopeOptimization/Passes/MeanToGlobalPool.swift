import ScopeBytes
import ScopeGraph

/// The mean over all spatial axes, as newer exporters write it, becomes GlobalAveragePool: the engine keeps its blocked
/// layout through it and has an integer kernel for it.
///
/// Declines unless the input is surely float32 [N, C, spatial...], all its spatial axes are reduced and they are kept.
public struct MeanToGlobalPool: Pass {
  public let name = "mean-to-global-pool"
  public let summary = "Means over all spatial axes written as global average pooling"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.graph.nodes.contains(where: { $0.isStandard("ReduceMean") }) else { return false }
    let facts = ShapeFacts(model)
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() where node.isStandard("ReduceMean") {
      guard let input = node.input(0), let rank = facts.rank(input), rank >= 4,
        facts.dataType(input) == .float32,
        node.int("keepdims") ?? 1 == 1,
        let axes = node.ints("axes") ?? editor.integers(node.input(1)),
        Set(axes.map { $0 < 0 ? $0 + rank : $0 }) == Set(2..<rank)
      else { continue }
      editor.replace(
        index, with: [Node("GlobalAveragePool", name: node.name, inputs: [input], outputs: node.outputs)])
    }
    return editor.apply(to: &model)
  }
}
