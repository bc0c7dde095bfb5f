import OrderedCollections
import ScopeGraph

/// What the numbers stored in a graph are.
///
/// A parameter is a floating-point initializer that a node reads, or a quantized tensor read as weight or bias.
/// Quantization scales and zero points, shapes, indices and masks of integer type are constants, not parameters.
/// Batch normalisation's running statistics are indistinguishable from parameters in a graph and are counted.
public struct ParameterSummary: Sendable {
  /// Parameters of the model as defined: tensors that the exporter stored once because they were equal count once
  /// per name.
  public var logicalCount = 0
  /// Parameters as stored in the file.
  public var storedCount = 0
  /// Stored parameters by element type, largest first.
  public var byType: OrderedDictionary<DataType, Int> = [:]
  /// Bytes of the stored parameters.
  public var bytes = 0
  /// Numbers that are stored but are no parameters: scales, zero points, shapes, indices.
  public var constantCount = 0
  public var constantBytes = 0
  /// Initializers that nothing reads.
  public var unusedNames: [String] = []
  public var unusedBytes = 0

  /// Far beyond any real model, so that sums over hostile declarations cannot overflow.
  private static let maximumCount = 1 << 56

  init(_ graph: Graph, roles: GraphRoles) {
    var types: [DataType: Int] = [:]
    var sizes: [String: Int] = [:]
    collect(graph, roles, &types, &sizes)
    logicalCount = storedCount
    for (_, source) in roles.aliases where logicalCount <= Self.maximumCount {
      logicalCount += sizes[source] ?? 0
    }
    byType = OrderedDictionary(
      uniqueKeysWithValues: types.sorted { ($0.value, $1.key.rawValue) > ($1.value, $0.key.rawValue) }.map {
        ($0.key, $0.value)
      })
  }

  private mutating func collect(
    _ graph: Graph, _ roles: GraphRoles, _ types: inout [DataType: Int], _ sizes: inout [String: Int]
  ) {
    for (name, tensor) in graph.initializers { add(name, tensor, isInitializer: true, roles, &types, &sizes) }
    for node in graph.nodes {
      // Some exporters write weights as Constant nodes.
      if node.isStandard("Constant"), let name = node.outputs.first, let tensor = node.tensor("value") {
        add(name, tensor, isInitializer: false, roles, &types, &sizes)
      }
      for subgraph in node.subgraphs { collect(subgraph, roles, &types, &sizes) }
    }
  }

  private mutating func add(
    _ name: String, _ tensor: Tensor, isInitializer: Bool, _ roles: GraphRoles,
    _ types: inout [DataType: Int],
    _ sizes: inout [String: Int]
  ) {
    guard roles.used.contains(name) else {
      if isInitializer {
        unusedNames.append(name)
        unusedBytes &+= tensor.byteCount
      }
      return
    }
    let isWeight = roles.weights.contains(name)
    let isNumber = tensor.dataType.isFloatingPoint && (isInitializer || isWeight)
    guard isNumber || isWeight, !roles.quantization.contains(name) else {
      constantCount &+= tensor.elementCount
      constantBytes &+= tensor.byteCount
      return
    }
    let count = roles.packedElements[name] ?? tensor.elementCount
    guard count <= Self.maximumCount, storedCount <= Self.maximumCount else { return }
    storedCount += count
    bytes &+= tensor.byteCount
    types[tensor.dataType, default: 0] += count
    sizes[name] = count
  }
}
