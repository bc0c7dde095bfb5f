import ScopeBytes
import ScopeGraph

/// `0.5 * x * (1 + erf(x / sqrt(2)))` and `0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`, in whatever order
/// an exporter wrote the products, become Gelu.
///
/// Declines for operator sets before 20, other constants, and values on the way that are read elsewhere.
public struct FuseGelu: Pass {
  public let name = "fuse-gelu"
  public let summary = "Parts of Gelu fused"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.opset >= 20 else { return false }
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated()
    where (node.isStandard("Erf") || node.isStandard("Tanh")) && !editor.isEdited(index) {
      guard let match = GeluPattern(editor: editor, core: index),
        !match.nodes.contains(where: editor.isEdited),
        let last = match.nodes.last
      else { continue }
      for removed in match.nodes.dropLast() { editor.remove(removed) }
      let approximation = node.opType == "Erf" ? "none" : "tanh"
      editor.replace(
        last,
        with: [
          Node(
            "Gelu", name: model.graph.nodes[last].name, inputs: [match.input],
            outputs: model.graph.nodes[last].outputs, attributes: ["approximate": .text(approximation)])
        ])
    }
    return editor.apply(to: &model)
  }
}

/// A Gelu found around its Erf or Tanh.
private struct GeluPattern {
  var input = ""
  /// In the graph's order, the node that produces the result last.
  var nodes: [Int] = []
  private let editor: GraphEditor

  init?(editor: GraphEditor, core: Int) {
    self.editor = editor
    let node = editor.graph.nodes[core]
    guard let argument = node.input(0) else { return nil }
    nodes = [core]
    let isExact = node.isStandard("Erf")
    guard
      let value = isExact ? scaled(argument, core, by: 1 / 2.0.squareRoot()) : tanhArgument(argument, core)
    else {
      return nil
    }
    input = value
    // What follows: 1 is added, and the sum, x and 0.5 are multiplied in any order.
    guard let sum = editor.soleConsumer(node.outputs[0]), constant(sum, "Add", beside: node.outputs[0]) == 1
    else {
      return nil
    }
    nodes.append(sum)
    var current = editor.graph.nodes[sum].outputs[0]
    var hasHalf = false
    var hasInput = false
    while !hasHalf || !hasInput {
      guard let next = editor.soleConsumer(current), editor.graph.nodes[next].isStandard("Mul") else {
        return nil
      }
      let inputs = editor.graph.nodes[next].inputs
      guard inputs.count == 2 else { return nil }
      let other = inputs[0] == current ? inputs[1] : inputs[0]
      if !hasHalf, number(other) == 0.5 {
        hasHalf = true
      } else if !hasInput, other == input {
        hasInput = true
      } else if !hasInput, !hasHalf, let half = editor.producers[other], editor.soleConsumer(other) == next,
        constant(half, "Mul", beside: input) == 0.5
      {
        (hasHalf, hasInput) = (true, true)
        nodes.append(half)
      } else {
        return nil
      }
      nodes.append(next)
      current = editor.graph.nodes[next].outputs[0]
    }
    let last = nodes[nodes.count - 1]
    nodes = nodes.filter { $0 != last } + [last]
  }

  /// The one number of a constant.
  private func number(_ name: String) -> Double? {
    guard let tensor = editor.constant(name), tensor.elementCount == 1, tensor.dimensions.count <= 1,
      let value = editor.floats(name)?.first
    else { return nil }
    return Double(value)
  }

  /// The constant operand of a commutative node whose other operand is `value`.
  private func constant(_ index: Int, _ opType: String, beside value: String) -> Double? {
    let node = editor.graph.nodes[index]
    guard node.isStandard(opType), node.inputs.count == 2 else { return nil }
    if node.inputs[0] == value { return number(node.inputs[1]) }
    return node.inputs[1] == value ? number(node.inputs[0]) : nil
  }

  /// What is multiplied by `factor` (or divided by its inverse) to give `value`; notes the node.
  private mutating func scaled(_ value: String, _ reader: Int, by factor: Double) -> String? {
    guard let producer = editor.producers[value], editor.soleConsumer(value) == reader else { return nil }
    let node = editor.graph.nodes[producer]
    guard node.inputs.count == 2 else { return nil }
    func isClose(_ number: Double?, _ wanted: Double) -> Bool {
      number.map { abs($0 / wanted - 1) < 1e-6 } ?? false
    }
    nodes.append(producer)
    if node.isStandard("Div"), isClose(number(node.inputs[1]), 1 / factor) { return node.inputs[0] }
    guard node.isStandard("Mul") else { return nil }
    if isClose(number(node.inputs[1]), factor) { return node.inputs[0] }
    return isClose(number(node.inputs[0]), factor) ? node.inputs[1] : nil
  }

  /// `x` of `sqrt(2 / pi) * (x + 0.044715 * x^3)`.
  private mutating func tanhArgument(_ argument: String, _ core: Int) -> String? {
    guard let sum = scaled(argument, core, by: (2 / Double.pi).squareRoot()), let scale = nodes.last,
      let add = editor.producers[sum], editor.soleConsumer(sum) == scale
    else { return nil }
    let node = editor.graph.nodes[add]
    guard node.isStandard("Add"), node.inputs.count == 2 else { return nil }
    nodes.append(add)
    for side in 0..<2 {
      let start = nodes
      if let cube = scaled(node.inputs[side], add, by: 0.044715), let product = nodes.last,
        let power = editor.producers[cube], editor.soleConsumer(cube) == product
      {
        let pow = editor.graph.nodes[power]
        if pow.isStandard("Pow"), pow.inputs.count == 2, number(pow.inputs[1]) == 3,
          pow.inputs[0] == node.inputs[1 - side]
        {
          nodes.append(power)
          return pow.inputs[0]
        }
      }
      nodes = start
    }
    return nil
  }
}
