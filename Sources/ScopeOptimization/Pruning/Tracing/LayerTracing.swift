import ScopeGraph

/// Convolutions and matrix products: they read channels and make new ones.
extension ChannelTracer {
  mutating func traceLayer(_ index: Int, _ node: Node) -> Bool {
    switch node.opType {
    case "Conv": convolution(index, node)
    case "ConvTranspose": transposedConvolution(index, node)
    case "Gemm": gemm(index, node)
    case "MatMul": matrixProduct(index, node)
    default: return false
    }
    return true
  }

  /// New channels along `axis` of the node's output, made by `axis` of the weight and, where there is one, the bias.
  private mutating func produce(
    _ index: Int, count: Int, outputAxis: Int, weightAxis: Int, bias: Int? = nil
  ) {
    let node = graph.nodes[index]
    // A single channel cannot be removed.
    guard count > 1, let output = node.outputs.first else { return }
    let atoms = newAtoms(count, maker: index)
    sites.append(ChannelSite(node: index, input: 1, axis: weightAxis, atoms: atoms, role: .producer))
    if let bias, let name = node.input(bias) {
      if let tensor = constant(name), tensor.dimensions.count <= 2 {
        if let last = tensor.dimensions.last, last == count {
          sites.append(
            ChannelSite(
              node: index, input: bias, axis: tensor.dimensions.count - 1, atoms: atoms, role: .producer))
        }
      } else {
        block(atoms, "the bias of \(Self.describe(node)) is not constant")
      }
    }
    labels[output] = ChannelLabels(axis: outputAxis, atoms: atoms)
  }

  private mutating func consume(_ index: Int, _ found: ChannelLabels?, axis: Int, weightAxis: Int) {
    guard let found else { return }
    guard found.axes == [axis] else {
      block(found, "\(Self.describe(graph.nodes[index])) reads the channels along another axis")
      return
    }
    sites.append(
      ChannelSite(node: index, input: 1, axis: weightAxis, atoms: found.atoms, role: .consumer))
  }

  private mutating func convolution(_ index: Int, _ node: Node) {
    let found = node.input(0).flatMap { labels[$0] }
    guard let weight = constant(node.input(1)), weight.dimensions.count >= 3 else {
      return blockInputs(node, "the weight of \(Self.describe(node)) is not constant")
    }
    let (outputs, perGroup, group) = (weight.dimensions[0], weight.dimensions[1], node.int("group") ?? 1)
    guard group > 1 else {
      consume(index, found, axis: 1, weightAxis: 1)
      return produce(index, count: outputs, outputAxis: 1, weightAxis: 0, bias: 2)
    }
    guard let found else { return }
    guard found.axes == [1], found.atoms.count == group * perGroup, outputs % group == 0 else {
      return block(found, "the groups of \(Self.describe(node)) do not fit its input")
    }
    // Each group is removed as a whole; in a depthwise convolution a group is one channel.
    if perGroup > 1 || outputs / group > 1 {
      for number in 0..<group {
        let first = found.atoms[number * perGroup]
        merge(
          [Int](repeating: first, count: perGroup),
          Array(found.atoms[number * perGroup..<(number + 1) * perGroup]),
          .groupedConvolution)
      }
    }
    let each = outputs / group
    let atoms = (0..<outputs).map { found.atoms[$0 / each * perGroup] }
    sites.append(ChannelSite(node: index, input: 1, axis: 0, atoms: atoms, role: .follower))
    if let name = node.input(2) {
      guard let bias = constant(name), bias.dimensions == [outputs] else {
        return block(found, "the bias of \(Self.describe(node)) is not constant")
      }
      sites.append(ChannelSite(node: index, input: 2, axis: 0, atoms: atoms, role: .follower))
    }
    fixups.append(.group(node: index, atoms: found.atoms, perGroup: perGroup))
    if let output = node.outputs.first { labels[output] = ChannelLabels(axis: 1, atoms: atoms) }
  }

  private mutating func transposedConvolution(_ index: Int, _ node: Node) {
    guard let weight = constant(node.input(1)), weight.dimensions.count >= 3, node.int("group") ?? 1 == 1
    else {
      return blockInputs(node, "\(Self.describe(node)) has groups or a computed weight")
    }
    consume(index, node.input(0).flatMap { labels[$0] }, axis: 1, weightAxis: 0)
    produce(index, count: weight.dimensions[1], outputAxis: 1, weightAxis: 1, bias: 2)
  }

  private mutating func gemm(_ index: Int, _ node: Node) {
    guard let weight = constant(node.input(1)), weight.dimensions.count == 2 else { return blockInputs(node) }
    let isTransposed = node.int("transB") ?? 0 != 0
    consume(
      index, node.input(0).flatMap { labels[$0] }, axis: node.int("transA") ?? 0 != 0 ? 0 : 1,
      weightAxis: isTransposed ? 1 : 0)
    for input in node.inputs.dropFirst(2) { block(labels[input], "\(Self.describe(node)) adds it as a bias") }
    produce(
      index, count: weight.dimensions[isTransposed ? 0 : 1], outputAxis: 1, weightAxis: isTransposed ? 0 : 1,
      bias: 2)
  }

  private mutating func matrixProduct(_ index: Int, _ node: Node) {
    guard let left = node.input(0), let right = node.input(1), let leftDimensions = dimensions(left),
      let rightDimensions = dimensions(right), leftDimensions.count >= 1, rightDimensions.count >= 1
    else { return blockInputs(node) }
    if let weight = constant(right), weight.dimensions.count == 2, leftDimensions.count >= 2 {
      let last = leftDimensions.count - 1
      consume(index, labels[left], axis: last, weightAxis: 0)
      return produce(index, count: weight.dimensions[1], outputAxis: last, weightAxis: 1)
    }
    guard labels[left] != nil || labels[right] != nil else { return }
    guard leftDimensions.count >= 2, rightDimensions.count >= 2, constant(left) == nil, constant(right) == nil
    else { return blockInputs(node) }
    productOfActivations(node, (left, leftDimensions), (right, rightDimensions))
  }

  /// `left` [..., M, K] times `right` [..., K, N], both computed.
  private mutating func productOfActivations(
    _ node: Node, _ left: (name: String, dimensions: [Int]), _ right: (name: String, dimensions: [Int])
  ) {
    let rank = max(left.dimensions.count, right.dimensions.count)
    var a = labels[left.name]?.renamed { $0 + rank - left.dimensions.count }
    var b = labels[right.name]?.renamed { $0 + rank - right.dimensions.count }
    // The contracted axis is the last of A and the last but one of B.
    let (contractedA, contractedB) = (rank - 1, rank - 2)
    let isLabelledA = a?.axes.contains(contractedA) ?? false
    let isLabelledB = b?.axes.contains(contractedB) ?? false
    guard isLabelledA == isLabelledB else {
      return blockInputs(node, "\(Self.describe(node)) sums over channels with a value that has none")
    }
    if isLabelledA, let first = a, let second = b {
      if first.axes == [contractedA], second.axes == [contractedB] {
        merge(first.atoms, second.atoms, .attention)
        (a, b) = (nil, nil)
      } else {
        a = collapse(first, along: contractedA, .attention)
        b = collapse(second, along: contractedB, .attention)
      }
    }
    combine(
      node,
      [
        (a, [Int](repeating: 1, count: rank - left.dimensions.count) + left.dimensions.dropLast() + [1]),
        (
          b,
          [Int](repeating: 1, count: rank - right.dimensions.count) + right.dimensions.dropLast(2)
            + [1, right.dimensions[right.dimensions.count - 1]]
        ),
      ], .attention)
  }
}
