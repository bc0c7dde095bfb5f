import ScopeBytes
import ScopeGraph

/// Values that do not depend on the model's inputs, computed on demand.
package struct ConstantTable {
  private let initializers: [String: Tensor]
  private let nodes: [Node]
  private let producers: [String: Int]
  private let types: InferredTypes

  package init(_ graph: Graph, _ types: InferredTypes) {
    initializers = Dictionary(uniqueKeysWithValues: graph.initializers.elements.map { ($0.key, $0.value) })
    nodes = graph.nodes
    producers = graph.producers
    self.types = types
  }

  /// The tensor called `name`, when it is an initializer, a Constant, or computed from such by the operators that
  /// exporters and quantizers put before weights (Identity, DequantizeLinear, Cast to float32, Reshape).
  package func tensor(_ name: String, depth: Int = 0) throws(ScopeError) -> Tensor? {
    if let tensor = initializers[name] { return tensor }
    if let tensor = types[name]?.constant { return tensor }
    guard depth < 8, let index = producers[name] else { return nil }
    let node = nodes[index]
    guard node.domain.isEmpty || node.domain == "ai.onnx" else { return nil }
    switch node.opType {
    case "Constant": return node.tensor("value")
    case "Identity":
      return try node.input(0).map { name throws(ScopeError) in try tensor(name, depth: depth + 1) } ?? nil
    case "DequantizeLinear": return try dequantized(node, depth + 1)
    default: return nil
    }
  }

  /// Elements of a constant float value.
  package func floats(_ name: String) throws(ScopeError) -> [Float]? {
    guard let tensor = try tensor(name) else { return nil }
    return try tensor.floats()
  }

  /// Elements of a constant integer value.
  package func integers(_ name: String) throws(ScopeError) -> [Int]? {
    guard let tensor = try tensor(name) else { return nil }
    return try tensor.ints()
  }

  private func dequantized(_ node: Node, _ depth: Int) throws(ScopeError) -> Tensor? {
    guard let source = node.input(0), let scaleName = node.input(1),
      let quantized = try tensor(source, depth: depth), let scale = try tensor(scaleName, depth: depth),
      (node.int("block_size") ?? 0) == 0, scale.dimensions.count <= 1
    else { return nil }
    let scales = try scale.floats()
    var zeros = [Float](repeating: 0, count: scales.count)
    if let name = node.input(2) {
      guard let zero = try tensor(name, depth: depth) else { return nil }
      zeros = try zero.floats()
    }
    var values = try quantized.floats()
    let dimensions = quantized.dimensions
    var axis = node.int("axis") ?? 1
    if axis < 0 { axis += dimensions.count }
    // Per tensor: one scale over everything. Per axis: `inner` consecutive elements share a scale.
    var inner = max(values.count, 1)
    if scales.count > 1 {
      guard dimensions.indices.contains(axis), dimensions[axis] == scales.count else { return nil }
      inner = dimensions[(axis + 1)...].reduce(1, *)
    }
    guard zeros.count == scales.count, !scales.isEmpty, inner > 0 else { return nil }
    for index in values.indices {
      let channel = (index / inner) % scales.count
      values[index] = (values[index] - zeros[channel]) * scales[channel]
    }
    return .floats(values, dimensions)
  }
}
