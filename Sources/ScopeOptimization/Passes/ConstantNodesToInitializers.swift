import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Turns Constant nodes that hold a dense tensor or numbers into initializers, where the other passes look for them.
///
/// Declines for sparse and string values, and when the constant is a graph output.
public struct ConstantNodesToInitializers: Pass {
  public let name = "constants-to-initializers"
  public let summary = "Constant nodes turned into initializers"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    let outputs = Set(model.graph.outputs.map(\.name))
    var kept: [Node] = []
    var modified = false
    for node in model.graph.nodes {
      guard node.isStandard("Constant"), node.outputs.count == 1, !outputs.contains(node.outputs[0]),
        node.attributes.count == 1, let tensor = Self.value(node)
      else {
        kept.append(node)
        continue
      }
      model.graph.initializers[node.outputs[0]] = tensor
      modified = true
    }
    model.graph.nodes = kept
    return modified
  }

  private static func value(_ node: Node) -> Tensor? {
    if let tensor = node.tensor("value") {
      // Without the serialised form: it carries the attribute tensor's own name.
      return try? Tensor(dataType: tensor.dataType, dimensions: tensor.dimensions, storage: tensor.storage)
    }
    if let value = node.float("value_float") { return .floats([value], []) }
    if let value = node.int("value_int") { return .int64s([value], []) }
    if let values = node.floats("value_floats") { return .floats(values, [values.count]) }
    if let values = node.ints("value_ints") { return .int64s(values) }
    return nil
  }
}
