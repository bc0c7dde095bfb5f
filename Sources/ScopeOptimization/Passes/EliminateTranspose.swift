import ScopeBytes
import ScopeGraph

/// Transposes that follow each other become one, or none when they undo each other. Elementwise operators between two
/// Transposes are moved in front of the first one, so that the two meet: constants on the way are transposed instead.
///
/// Declines when a result on the way is read elsewhere, and where ranks are not known.
public struct EliminateTranspose: Pass {
  public let name = "eliminate-transpose"
  public let summary = "Transposes that undo each other removed, others merged"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.graph.nodes.count(where: { $0.isStandard("Transpose") }) > 1 else { return false }
    let facts = ShapeFacts(model)
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() {
      guard let outer = Self.permutation(node, facts), let input = node.input(0), !editor.isEdited(index)
      else {
        continue
      }
      if let producer = editor.producers[input], !editor.isEdited(producer),
        let inner = Self.permutation(model.graph.nodes[producer], facts), inner.count == outer.count
      {
        // y[i] = x[inner[outer[i]]]
        var merged = node
        merged.inputs[0] = model.graph.nodes[producer].inputs[0]
        merged.attributes["perm"] = .ints(outer.map { inner[$0] })
        editor.replace(index, with: [merged])
        continue
      }
      var chain = TransposeChain(permutation: outer, facts: facts)
      if chain.collect(input, editor, depth: 0), !chain.sources.isEmpty {
        chain.rewrite(node, index, &editor)
      }
    }
    return editor.apply(to: &model)
  }

  /// The permutation of a Transpose, its axes counted from the front.
  static func permutation(_ node: Node, _ facts: ShapeFacts) -> [Int]? {
    guard node.isStandard("Transpose") else { return nil }
    let rank = facts.rank(node.input(0))
    guard let permutation = node.ints("perm") ?? rank.map({ Array((0..<$0).reversed()) }),
      Set(permutation) == Set(permutation.indices), permutation.count == rank ?? permutation.count
    else { return nil }
    return permutation
  }
}

/// Elementwise operators above a Transpose, up to Transposes that it undoes.
private struct TransposeChain {
  /// Of the Transpose at the end.
  let permutation: [Int]
  let facts: ShapeFacts
  /// Elementwise nodes, in the order they were met (from the end).
  var nodes: [Int] = []
  /// Transposes at the beginning.
  var sources: [Int] = []
  /// Constants that have to be permuted, by name.
  var constants: Set<String> = []

  private static let maximumDepth = 16
  private static let unary: Set<String> = [
    "Relu", "Sigmoid", "Tanh", "Exp", "Log", "Sqrt", "Abs", "Neg", "Erf", "Gelu", "HardSwish", "HardSigmoid",
    "LeakyRelu", "Elu", "Selu", "Softplus", "Softsign", "Mish", "Reciprocal", "Cast", "Clip", "Floor", "Ceil",
    "QuantizeLinear", "DequantizeLinear", "Not",
  ]
  private static let binary: Set<String> = ["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min"]

  init(permutation: [Int], facts: ShapeFacts) {
    self.permutation = permutation
    self.facts = facts
  }

  /// Whether everything that leads to `value` is elementwise down to Transposes that the last one undoes.
  mutating func collect(_ value: String, _ editor: GraphEditor, depth: Int) -> Bool {
    guard depth < Self.maximumDepth, let producer = editor.producers[value], !editor.isEdited(producer),
      editor.soleConsumer(value) != nil, !nodes.contains(producer), !sources.contains(producer)
    else { return false }
    let node = editor.graph.nodes[producer]
    if let inner = EliminateTranspose.permutation(node, facts) {
      guard inner.count == permutation.count, permutation.map({ inner[$0] }) == Array(inner.indices) else {
        return false
      }
      sources.append(producer)
      return true
    }
    guard node.domain.isEmpty || node.domain == "ai.onnx", facts.rank(value) == permutation.count,
      node.outputs.count == 1, let first = node.input(0)
    else { return false }
    if Self.unary.contains(node.opType) {
      // Scales and zero points per axis would have to move with the axis.
      for (position, parameter) in node.inputs.enumerated() where position > 0 && !parameter.isEmpty {
        guard let tensor = editor.constant(parameter), tensor.elementCount == 1 else { return false }
      }
      nodes.append(producer)
      return collect(first, editor, depth: depth + 1)
    }
    guard Self.binary.contains(node.opType), node.inputs.count == 2 else { return false }
    nodes.append(producer)
    for input in node.inputs {
      if let tensor = editor.constant(input) {
        guard tensor.dimensions.count <= permutation.count else { return false }
        if tensor.elementCount > 1 { constants.insert(input) }
      } else {
        guard facts.rank(input) == permutation.count, collect(input, editor, depth: depth + 1) else {
          return false
        }
      }
    }
    return true
  }

  /// Makes the elementwise nodes work on what the first Transposes read and removes all Transposes.
  func rewrite(_ last: Node, _ index: Int, _ editor: inout GraphEditor) {
    let graph = editor.graph
    guard let end = nodes.first, !nodes.contains(where: editor.isEdited),
      !sources.contains(where: editor.isEdited)
    else { return }
    var moved: [String: Tensor] = [:]
    for name in constants {
      guard let tensor = editor.constant(name), let permuted = permuted(tensor) else { return }
      moved[name] = permuted
    }
    var replaced: [String: String] = [:]
    for source in sources { replaced[graph.nodes[source].outputs[0]] = graph.nodes[source].inputs[0] }
    for (name, tensor) in moved.sorted(by: { $0.key < $1.key }) {
      replaced[name] = editor.addInitializer(tensor, "\(name)_transposed")
    }
    // Inner values change their shape: they get new names, so that no declaration contradicts them.
    for node in nodes where node != end {
      let output = graph.nodes[node].outputs[0]
      replaced[output] = editor.names.fresh("\(output)_untransposed")
    }
    for node in nodes {
      var changed = graph.nodes[node]
      changed.inputs = changed.inputs.map { replaced[$0] ?? $0 }
      changed.outputs = node == end ? last.outputs : changed.outputs.map { replaced[$0] ?? $0 }
      editor.replace(node, with: [changed])
    }
    for source in sources { editor.remove(source) }
    editor.remove(index)
  }

  /// The constant as it broadcasts against the axes before the first Transpose.
  private func permuted(_ tensor: Tensor) -> Tensor? {
    let rank = permutation.count
    let aligned = [Int](repeating: 1, count: rank - tensor.dimensions.count) + tensor.dimensions
    let strides = TensorLayout.strides(aligned)
    return try? TensorLayout.view(
      tensor, permutation.map { aligned[$0] }, strides: permutation.map { strides[$0] })
  }
}
