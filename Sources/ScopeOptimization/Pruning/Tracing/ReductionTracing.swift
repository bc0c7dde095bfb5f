import ScopeGraph

/// Pooling, normalisation and reductions: they carry channels on where each channel is treated apart.
extension ChannelTracer {
  mutating func traceReduction(_ index: Int, _ node: Node) -> Bool {
    switch node.opType {
    case "MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool":
      passChannelAxis(node)
    case "Resize", "Upsample": resize(index, node)
    case "BatchNormalization": normalizePerChannel(index, node, parameters: 1...4)
    case "InstanceNormalization": normalizePerChannel(index, node, parameters: 1...2)
    case "LayerNormalization", "Softmax", "LogSoftmax", "Hardmax": normalizeOverAxis(node)
    case _ where node.opType.hasPrefix("Reduce"): reduce(node)
    default: return false
    }
    return true
  }

  private mutating func passChannelAxis(_ node: Node) {
    guard let found = node.input(0).flatMap({ labels[$0] }), found.axes == [1] else {
      return blockInputs(node)
    }
    pass(node)
  }

  private mutating func resize(_ index: Int, _ node: Node) {
    guard let input = node.input(0), let output = node.outputs.first, let found = labels[input],
      let from = dimensions(input), let to = dimensions(output), node.ints("axes") == nil,
      found.axes.allSatisfy({ from[$0] == to[$0] })
    else { return blockInputs(node) }
    if node.input(3) != nil {
      guard integers(node.input(3)) != nil else { return blockInputs(node) }
      fixups.append(.shape(node: index, input: 3, firstAxis: 0))
    }
    pass(node)
  }

  private mutating func normalizePerChannel(_ index: Int, _ node: Node, parameters: ClosedRange<Int>) {
    guard let found = node.input(0).flatMap({ labels[$0] }), found.axes == [1],
      node.outputs.dropFirst().allSatisfy(\.isEmpty),
      parameters.allSatisfy({ constant(node.input($0))?.dimensions == [found.atoms.count] })
    else { return blockInputs(node, "\(Self.describe(node)) has computed parameters or further outputs") }
    for input in parameters {
      sites.append(ChannelSite(node: index, input: input, axis: 0, atoms: found.atoms, role: .follower))
    }
    pass(node)
  }

  /// Operators that mix everything from an axis on (LayerNormalization) or along it (Softmax).
  private mutating func normalizeOverAxis(_ node: Node) {
    guard let input = node.input(0), let rank = dimensions(input)?.count else { return blockInputs(node) }
    let mixesRest = node.opType == "LayerNormalization" || opset < 13
    let given = node.int("axis") ?? (node.opType == "LayerNormalization" || opset >= 13 ? -1 : 1)
    let axis = given < 0 ? given + rank : given
    guard let found = labels[input] else { return blockInputs(node) }
    if found.axes.contains(where: { mixesRest ? $0 >= axis : $0 == axis }) {
      block(found, "\(Self.describe(node)) mixes the channels")
    }
    pass(node)
  }

  private mutating func reduce(_ node: Node) {
    guard let input = node.input(0), let rank = dimensions(input)?.count, let found = labels[input],
      let given = node.ints("axes") ?? integers(node.input(1))
    else { return blockInputs(node, "\(Self.describe(node)) reduces over channels or computed axes") }
    let axes = Set(given.map { $0 < 0 ? $0 + rank : $0 })
    guard axes.isDisjoint(with: found.axes) else {
      return blockInputs(node, "\(Self.describe(node)) reduces over the channels")
    }
    let keeps = node.int("keepdims") ?? 1 != 0
    pass(node) { $0.renamed { axis in keeps ? axis : axis - axes.filter { $0 < axis }.count } }
  }
}
