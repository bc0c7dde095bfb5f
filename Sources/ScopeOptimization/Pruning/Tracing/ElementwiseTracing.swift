import ScopeGraph

/// Operators that work element by element: they carry channels on and tie those of their inputs together.
extension ChannelTracer {
  static let unary: Set<String> = [
    "Relu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Erf", "Gelu", "Elu", "Celu", "Selu",
    "LeakyRelu",
    "ThresholdedRelu", "Softplus", "Softsign", "Mish", "Swish", "Identity", "Cast", "Dropout", "Sqrt", "Exp",
    "Log",
    "Neg", "Abs", "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Not", "Sin", "Cos", "IsNaN",
  ]
  static let nary: Set<String> = [
    "Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean", "Where", "PRelu", "Equal", "Greater",
    "Less", "And",
    "Or",
  ]

  mutating func traceElementwise(_ index: Int, _ node: Node) -> Bool {
    if Self.unary.contains(node.opType) {
      pass(node)
      for input in node.inputs.dropFirst() {
        block(labels[input], "\(Self.describe(node)) reads it as a parameter")
      }
      return true
    }
    guard Self.nary.contains(node.opType) else { return false }
    elementwise(index, node)
    return true
  }

  private mutating func elementwise(_ index: Int, _ node: Node) {
    guard let output = node.outputs.first, let rank = dimensions(output)?.count else {
      return blockInputs(node)
    }
    var operands: [(labels: ChannelLabels?, dimensions: [Int])] = []
    var constants: [(input: Int, offset: Int)] = []
    for (number, name) in node.inputs.enumerated() where !name.isEmpty {
      guard let dimensions = dimensions(name), dimensions.count <= rank else { return blockInputs(node) }
      let offset = rank - dimensions.count
      if constant(name) != nil {
        constants.append((number, offset))
      } else {
        operands.append(
          (labels[name]?.renamed { $0 + offset }, [Int](repeating: 1, count: offset) + dimensions))
      }
    }
    let coupling: ChannelCoupling? =
      switch node.opType {
      case "Add", "Sub", "Sum", "Mean": .residual
      case "Mul", "Div": .gate
      default: nil
      }
    combine(node, operands, coupling)
    guard labels[output] != nil else { return }
    for use in constants { constantUses.append((index, use.input, use.offset, output)) }
  }

  /// Ties the operands' channels together, broadcasting them against each other, and labels the node's first output.
  ///
  /// - Parameter operands: labels and sizes with the output's rank.
  mutating func combine(
    _ node: Node, _ operands: [(labels: ChannelLabels?, dimensions: [Int])], _ coupling: ChannelCoupling?
  ) {
    let known = operands.compactMap(\.labels)
    let axes = Set(known.flatMap(\.axes)).sorted()
    guard let output = node.outputs.first, !axes.isEmpty else { return }
    let sizes = axes.map { axis in known.compactMap { $0.size(along: axis) }.max() ?? 1 }
    guard sizes.reduce(1, *) <= ChannelLabels.maximumElements else { return blockInputs(node) }
    for (found, dimensions) in operands where found == nil {
      if axes.contains(where: { dimensions[$0] != 1 }) {
        for labels in known {
          block(labels, "\(Self.describe(node)) combines the channels with a value that has none")
        }
      }
    }
    var first: [Int]?
    for labels in known {
      guard zip(axes, sizes).allSatisfy({ labels.size(along: $0) ?? $1 == $1 }) else {
        return blockInputs(node)
      }
      let atoms = labels.expanded(over: axes, sizes: sizes)
      if let first { merge(first, atoms, coupling) } else { first = atoms }
    }
    guard let first else { return }
    labels[output] = ChannelLabels(axes: axes, sizes: sizes, atoms: first).simplified()
  }
}
