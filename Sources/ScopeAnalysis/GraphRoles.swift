import ScopeGraph

/// Which values of a graph are the same for every input, and what initializers are used for.
struct GraphRoles {
  /// Values that do not depend on the graph's inputs: initializers, constants and what is computed from them alone.
  var constants: Set<String> = []
  /// Initializers behind `Identity` nodes: the exporter stores equal tensors once and names the others this way.
  var aliases: [String: String] = [:]
  /// Values read as quantization scale, zero point or range.
  var quantization: Set<String> = []
  /// Values read as weight or bias, in whatever type they are stored.
  var weights: Set<String> = []
  /// Elements of weights that MatMulNBits reads several to a byte.
  var packedElements: [String: Int] = [:]
  /// Values read by a node or returned.
  var used: Set<String> = []

  init(_ graph: Graph) {
    constants = Set(graph.initializers.keys)
    // An initializer that is also a graph input may be overridden by the caller, but is a weight all the same.
    collect(graph)
    for output in graph.outputs { used.insert(output.name) }
  }

  private mutating func collect(_ graph: Graph) {
    for node in graph.nodes {
      for name in node.inputs where !name.isEmpty { used.insert(name) }
      quantization.formUnion(Self.quantizationInputs(node).compactMap { node.input($0) })
      weights.formUnion(Self.weightInputs(node).compactMap { node.input($0) })
      if node.opType == "MatMulNBits", let name = node.input(1), let rows = node.int("K"),
        let columns = node.int("N"),
        case (let count, let overflow) = rows.multipliedReportingOverflow(by: columns), !overflow, count > 0
      {
        packedElements[name] = count
      }
      for subgraph in node.subgraphs {
        constants.formUnion(subgraph.initializers.keys)
        for output in subgraph.outputs { used.insert(output.name) }
        collect(subgraph)
      }
      let isRandom =
        node.opType.hasPrefix("Random") || node.opType == "Multinomial" || node.opType == "Bernoulli"
      guard node.subgraphs.isEmpty, !isRandom, !node.inputs.isEmpty || node.isStandard("Constant"),
        node.inputs.allSatisfy({ $0.isEmpty || constants.contains($0) })
      else { continue }
      constants.formUnion(node.outputs)
      if node.isStandard("Identity"), let source = node.input(0), let name = node.outputs.first {
        aliases[name] = aliases[source] ?? source
      }
    }
    // A name that only carries weights further (Identity, DequantizeLinear, Transpose ...) makes its source a weight.
    for node in graph.nodes.reversed()
    where node.outputs.contains(where: { weights.contains($0) && constants.contains($0) }) {
      if let source = node.input(0) { weights.insert(source) }
    }
  }

  /// Inputs that hold scales and zero points.
  static func quantizationInputs(_ node: Node) -> [Int] {
    switch node.opType {
    case "QuantizeLinear", "DequantizeLinear": [1, 2]
    case "QLinearConv", "QLinearMatMul": [1, 2, 4, 5, 6, 7]
    case "ConvInteger", "MatMulInteger", "MatMulNBits": [2, 3]
    case "QGemm": [1, 2, 4, 5, 7, 8]
    case "MatMulIntegerToFloat": [2, 3, 4, 5]
    case "DynamicQuantizeMatMul": [2, 3]
    case "QLinearAdd", "QLinearMul": [1, 2, 4, 5, 6, 7]
    case "QLinearSigmoid", "QLinearLeakyRelu", "QLinearGlobalAveragePool", "QLinearAveragePool",
      "QLinearSoftmax":
      [1, 2, 3, 4]
    case "QLinearConcat": [0, 1] + (2..<max(node.inputs.count, 2)).filter { $0 % 3 != 2 }
    default: []
    }
  }

  /// Inputs that hold weights and biases.
  static func weightInputs(_ node: Node) -> [Int] {
    switch node.opType {
    case "Conv", "ConvTranspose", "FusedConv", "Gemm", "FusedGemm": [1, 2]
    case "ConvInteger", "MatMulInteger", "MatMulNBits": [1]
    case "QLinearConv": [3, 8]
    case "QGemm": [3, 6]
    case "QLinearMatMul": [3]
    case "MatMul", "FusedMatMul", "MatMulIntegerToFloat", "DynamicQuantizeMatMul": [0, 1]
    case "DequantizeLinear": [0]
    case "LSTM", "GRU", "RNN": [1, 2, 3]
    default: []
    }
  }
}
