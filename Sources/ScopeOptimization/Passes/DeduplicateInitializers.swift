import ScopeBytes
import ScopeGraph

/// Initializers with equal type, shape and bytes are kept once.
///
/// Declines for names that a nested graph reads or that are graph inputs or outputs.
public struct DeduplicateInitializers: Pass {
  public let name = "deduplicate-initializers"
  public let summary = "Equal constants stored once"
  public let safety = PassSafety.exact

  public init() {}

  private struct Key: Hashable {
    var dataType: DataType
    var dimensions: [Int]
    var digest: String
  }

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    var editor = GraphEditor(model.graph)
    // Hash only tensors that share type and shape with another one.
    var bySignature: [String: [String]] = [:]
    for (name, tensor) in model.graph.initializers {
      guard editor.constant(name) != nil, !editor.captured.contains(name), !editor.outputNames.contains(name) else {
        continue
      }
      bySignature["\(tensor.dataType.rawValue) \(tensor.dimensions)", default: []].append(name)
    }
    var first: [Key: String] = [:]
    for (name, tensor) in model.graph.initializers {
      guard let group = bySignature["\(tensor.dataType.rawValue) \(tensor.dimensions)"], group.count > 1,
        group.contains(name), let bytes = try? tensor.packedBytes()
      else { continue }
      let key = Key(dataType: tensor.dataType, dimensions: tensor.dimensions, digest: bytes.sha256)
      if let original = first[key] {
        guard editor.consumers[name] != nil else { continue }
        editor.redirect(name, to: original)
      } else {
        first[key] = name
      }
    }
    return editor.apply(to: &model)
  }
}
