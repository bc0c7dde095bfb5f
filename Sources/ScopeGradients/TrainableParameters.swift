import ScopeBytes
import ScopeGraph

/// The initializers of a model that training may change.
///
/// A float32 initializer counts when exactly one node reads it, in a place where operators keep their weights: kernel
/// and bias of Conv and ConvTranspose, matrices and bias of Gemm and MatMul, scale and bias of BatchNormalization and
/// LayerNormalization, slopes of PRelu, and vectors along one axis that Add or Mul apply (biases and scales written
/// apart). Constants shared by several nodes, statistics, masks and scalars stay as they are.
public struct TrainableParameters: Sendable {
  /// In the order of the graph's initializers.
  public var names: [String] = []
  /// Constants in a weight's place that stay as they are, with the reason.
  public var untouched: [(name: String, reason: String)] = []
  /// Elements of ``names`` together.
  public var elementCount = 0

  /// Weight inputs per operator.
  private static let places: [String: Set<Int>] = [
    "Conv": [1, 2], "ConvTranspose": [1, 2], "Gemm": [0, 1, 2], "MatMul": [0, 1],
    "BatchNormalization": [1, 2], "LayerNormalization": [1, 2], "PRelu": [1], "Add": [0, 1], "Mul": [0, 1],
  ]

  /// - Parameter logits: the value that the loss is taken of; initializers that it does not depend on are left out.
  ///   Nil takes the first output.
  public init(_ graph: Graph, logits: String? = nil) {
    let live = Self.valuesLeading(to: logits ?? graph.outputs.first?.name ?? "", in: graph)
    let consumers = graph.consumers
    let outputs = Set(graph.outputs.map(\.name))
    let captured = graph.nodes.reduce(into: Set<String>()) { names, node in
      for subgraph in node.subgraphs { names.formUnion(subgraph.captures) }
    }
    for (name, tensor) in graph.initializers where live.contains(name) {
      guard let readers = consumers[name], let index = readers.first else { continue }
      let node = graph.nodes[index]
      let positions = node.inputs.indices.filter { node.inputs[$0] == name }
      guard let position = positions.first, node.domain.isEmpty || node.domain == "ai.onnx" else { continue }
      if node.isStandard("DequantizeLinear"), position == 0 {
        untouched.append((name, "its weights are integers behind DequantizeLinear"))
        continue
      }
      guard Self.places[node.opType]?.contains(position) == true, Self.hasPlace(tensor, in: node) else {
        continue
      }
      guard tensor.dataType == .float32 else {
        untouched.append((name, "it is \(tensor.dataType.name)"))
        continue
      }
      guard Set(readers).count == 1, positions.count == 1, !captured.contains(name), !outputs.contains(name)
      else {
        untouched.append((name, "several places share it"))
        continue
      }
      names.append(name)
      elementCount += tensor.elementCount
    }
  }

  /// Whether a constant of this shape is a weight of `node`.
  private static func hasPlace(_ tensor: Tensor, in node: Node) -> Bool {
    guard tensor.elementCount > 0 else { return false }
    switch node.opType {
    case "Add", "Mul":
      // A vector along one axis; masks, embeddings and scalars are not.
      return tensor.elementCount > 1 && tensor.dimensions.count { $0 != 1 } == 1
    case "MatMul": return tensor.dimensions.count == 2
    default: return true
    }
  }

  /// Every value that `output` is computed from.
  private static func valuesLeading(to output: String, in graph: Graph) -> Set<String> {
    var wanted: Set<String> = [output]
    for node in graph.nodes.reversed() where !wanted.isDisjoint(with: node.outputs) {
      wanted.formUnion(node.inputs)
      for subgraph in node.subgraphs { wanted.formUnion(subgraph.captures) }
    }
    return wanted
  }
}
