import ScopeBytes
import ScopeGraph

/// Sizes that are computed again and again from shapes (`Shape`, `Gather`, `Concat` ...) are computed once: values of
/// which shape inference shows that they hold the same open sizes are shared.
///
/// Equal names of open sizes are equal sizes, as the ONNX specification says. Declines for values with a part that is
/// not followed, and for graph outputs and values that nested graphs read.
public struct ShareSizes: Pass {
  public let name = "share-sizes"
  public let summary = "Sizes computed once instead of from several shapes"
  public let safety = PassSafety.exact

  private struct Key: Hashable {
    var dataType: DataType
    var sizes: [Int]
    var elements: [Dimension]
  }

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.graph.nodes.contains(where: { $0.isStandard("Shape") }) else { return false }
    let facts = ShapeFacts(model)
    var editor = GraphEditor(model.graph)
    var first: [Key: String] = [:]
    for node in model.graph.nodes {
      for output in node.outputs where !output.isEmpty {
        guard let key = Self.key(output, facts) else { continue }
        guard let original = first[key] else {
          first[key] = output
          continue
        }
        // A value that only dead code reads is left to dead code elimination.
        if editor.consumers[output] != nil, !editor.outputNames.contains(output),
          !editor.captured.contains(output)
        {
          editor.redirect(output, to: original)
        }
      }
    }
    return editor.apply(to: &model)
  }

  private static func key(_ value: String, _ facts: ShapeFacts) -> Key? {
    guard let type = facts.types[value], let dataType = type.dataType,
      dataType == .int64 || dataType == .int32,
      type.constant == nil, let elements = type.partialElements, !elements.contains(.unknown),
      elements.contains(where: { $0.value == nil }), let sizes = type.shape?.sizes
    else { return nil }
    return Key(dataType: dataType, sizes: sizes, elements: elements)
  }
}
