import ScopeGraph

/// Operators that move elements without choosing among them.
extension ChannelTracer {
  mutating func traceShape(_ index: Int, _ node: Node) -> Bool {
    switch node.opType {
    case "Reshape", "Flatten": reshape(index, node)
    case "Transpose":
      guard let rank = node.input(0).flatMap({ dimensions($0) })?.count else { return false }
      let order = node.ints("perm") ?? Array((0..<rank).reversed())
      pass(node) { $0.renamed { axis in order.firstIndex(of: axis) ?? axis } }
    case "Squeeze", "Unsqueeze", "Expand": realign(index, node)
    case "Shape": shapeOf(index, node)
    default: return false
    }
    return true
  }

  private mutating func reshape(_ index: Int, _ node: Node) {
    guard let input = node.input(0), let output = node.outputs.first, let found = labels[input],
      let from = dimensions(input), let to = dimensions(output),
      let result = found.reshaped(from: from, to: to)
    else { return blockInputs(node, "\(Self.describe(node)) has a shape that is not known or not followed") }
    if node.opType == "Reshape" {
      guard let shape = integers(node.input(1)), shape.count == to.count else {
        return blockInputs(node, "the shape of \(Self.describe(node)) is computed")
      }
      fixups.append(.shape(node: index, input: 1, firstAxis: 0))
    }
    labels[output] = result
  }

  /// Squeeze, Unsqueeze and Expand: axes of size 1 come and go, channels keep their order.
  private mutating func realign(_ index: Int, _ node: Node) {
    guard let input = node.input(0), let output = node.outputs.first, let found = labels[input],
      let from = dimensions(input), let to = dimensions(output)
    else { return blockInputs(node, "\(Self.describe(node)) has a shape that is not known") }
    if node.opType == "Expand" {
      let offset = to.count - from.count
      let result = found.renamed { $0 + offset }
      guard zip(result.axes, result.sizes).allSatisfy({ to[$0] == $1 }), let shape = integers(node.input(1))
      else {
        return blockInputs(node, "the shape of \(Self.describe(node)) is computed")
      }
      fixups.append(.shape(node: index, input: 1, firstAxis: to.count - shape.count))
      labels[output] = result
      return
    }
    guard let result = found.reshaped(from: from, to: to) else { return blockInputs(node) }
    labels[output] = result
  }

  /// Sizes are read: harmless where only sizes of other axes are picked out.
  private mutating func shapeOf(_ index: Int, _ node: Node) {
    guard let input = node.input(0), let output = node.outputs.first, let found = labels[input] else {
      return
    }
    let isHarmless = graph.nodes.allSatisfy { reader in
      guard reader.inputs.contains(output) else { return true }
      guard reader.isStandard("Gather"), reader.input(0) == output, let picked = integers(reader.input(1)),
        let rank = dimensions(input)?.count, node.int("start") == nil
      else { return false }
      return picked.allSatisfy { !found.axes.contains($0 < 0 ? $0 + rank : $0) }
    }
    if !isHarmless { block(found, "\(Self.describe(node)) reads the number of channels") }
  }
}
