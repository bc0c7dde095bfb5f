import OrderedCollections
import ScopeGraph

/// What the numbers stored in a graph are.
///
/// A parameter is a floating-point initializer that a node reads, or a quantized tensor read as weight or bias.
/// Quantization scales and zero points, shapes, indices and masks of integer type are constants, not parameters.
/// Batch normalisation's running statistics are among them (PyTorch keeps them as buffers); ``statisticsCount`` tells
/// how many there are.
public struct ParameterSummary: Sendable {
  /// A stored tensor that counts as parameter.
  public struct Size: Sendable, Hashable {
    public var elements: Int
    public var bytes: Int
  }

  /// Parameters of the model as defined: tensors that the exporter stored once because they were equal count once
  /// per name.
  public var logicalCount = 0
  /// Parameters as stored in the file.
  public var storedCount = 0
  /// Stored parameters by element type, most elements first.
  public var byType: OrderedDictionary<DataType, Int> = [:]
  /// Stored parameters by value name, in file order.
  public var sizes: OrderedDictionary<String, Size> = [:]
  /// Element type of each of ``sizes``.
  public var types: [String: DataType] = [:]
  /// Elements of running means and variances that `BatchNormalization` nodes read.
  public var statisticsCount = 0
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
    var counts: [DataType: Int] = [:]
    collect(graph, roles, &counts)
    logicalCount = storedCount
    for (_, source) in roles.aliases where logicalCount <= Self.maximumCount {
      logicalCount += sizes[source]?.elements ?? 0
    }
    var statistics: Set<String> = []
    for node in graph.nodes where node.isStandard("BatchNormalization") {
      for index in [3, 4] {
        guard let name = node.input(index), statistics.insert(name).inserted else { continue }
        statisticsCount += sizes[roles.aliases[name] ?? name]?.elements ?? 0
      }
    }
    byType = OrderedDictionary(
      uniqueKeysWithValues: counts.sorted { ($0.value, $1.key.rawValue) > ($1.value, $0.key.rawValue) }.map {
        ($0.key, $0.value)
      })
  }

  private mutating func collect(_ graph: Graph, _ roles: GraphRoles, _ counts: inout [DataType: Int]) {
    for (name, tensor) in graph.initializers { add(name, tensor, isInitializer: true, roles, &counts) }
    for node in graph.nodes {
      // Some exporters write weights as Constant nodes.
      if node.isStandard("Constant"), let name = node.outputs.first, let tensor = node.tensor("value") {
        add(name, tensor, isInitializer: false, roles, &counts)
      }
      for subgraph in node.subgraphs { collect(subgraph, roles, &counts) }
    }
  }

  private mutating func add(
    _ name: String, _ tensor: Tensor, isInitializer: Bool, _ roles: GraphRoles,
    _ counts: inout [DataType: Int]
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
    counts[tensor.dataType, default: 0] += count
    types[name] = tensor.dataType
    sizes[name] = Size(elements: count, bytes: tensor.byteCount)
  }
}
