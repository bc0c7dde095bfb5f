import ScopeBytes
import ScopeGraph

/// A residual block of two convolutions: `sum = input + second(activation(first(input)))`.
package struct ResidualBlock: Sendable {
  /// Value that the first convolution and the sum read.
  package let input: String
  /// Node of the first convolution, of the activation behind it (nil for none), of the second convolution, of the sum.
  package let first: Int
  package let activation: Int?
  package let second: Int
  package let sum: Int
  /// Activations behind the sum, in order.
  package let tail: [Int]
  /// What the next block reads.
  package let output: String
  /// [M, C, k...] of the first and [C, M, k...] of the second convolution.
  package let firstDimensions: [Int]
  package let secondDimensions: [Int]

  /// Channels between the convolutions.
  package var hidden: Int { firstDimensions[0] }

  /// Element-wise operators of one input without parameters per channel.
  private static let activations: Set<String> = [
    "Relu", "LeakyRelu", "Elu", "Celu", "Selu", "Clip", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish",
    "Softplus",
    "Softsign", "ThresholdedRelu", "Gelu", "Mish",
  ]

  private static func isActivation(_ node: Node, _ editor: GraphEditor) -> Bool {
    activations.contains(node.opType) && node.isStandard(node.opType) && node.outputs.count == 1
      && node.inputs.dropFirst().allSatisfy { $0.isEmpty || editor.constant($0)?.elementCount == 1 }
  }

  /// The blocks of a graph in the order of its nodes.
  package static func find(_ graph: Graph) -> [ResidualBlock] {
    let editor = GraphEditor(graph)
    return graph.nodes.indices.compactMap { ResidualBlock(sum: $0, editor) }
  }

  private init?(sum: Int, _ editor: GraphEditor) {
    let nodes = editor.graph.nodes
    let node = nodes[sum]
    guard node.isStandard("Add"), node.inputs.count == 2, node.outputs.count == 1 else { return nil }
    for (branch, shortcut) in [(0, 1), (1, 0)] {
      let input = node.inputs[shortcut]
      guard let second = editor.producers[node.inputs[branch]],
        editor.soleConsumer(node.inputs[branch]) == sum,
        let secondWeight = ConvParameters(nodes[second], editor), secondWeight.group == 1,
        let hidden = nodes[second].input(0), editor.soleConsumer(hidden) == second,
        var first = editor.producers[hidden]
      else { continue }
      var activation: Int?
      if Self.isActivation(nodes[first], editor), let before = nodes[first].input(0),
        editor.soleConsumer(before) == first, let producer = editor.producers[before]
      {
        activation = first
        first = producer
      }
      guard let firstWeight = ConvParameters(nodes[first], editor), firstWeight.group == 1,
        nodes[first].input(0) == input, editor.constant(input) == nil,
        firstWeight.dimensions[0] == secondWeight.dimensions[1],
        firstWeight.dimensions[1] == secondWeight.dimensions[0],
        // With strides the sum could broadcast.
        [first, second].allSatisfy({ (nodes[$0].ints("strides") ?? []).allSatisfy { $0 == 1 } })
      else { continue }
      var tail: [Int] = []
      var output = node.outputs[0]
      while let reader = editor.soleConsumer(output), Self.isActivation(nodes[reader], editor) {
        tail.append(reader)
        output = nodes[reader].outputs[0]
      }
      self.input = input
      self.first = first
      self.activation = activation
      self.second = second
      self.sum = sum
      self.tail = tail
      self.output = output
      firstDimensions = firstWeight.dimensions
      secondDimensions = secondWeight.dimensions
      return
    }
    return nil
  }

  /// Whether `next` reads nothing but this block's output, nobody else reads it, and its layers have the same geometry,
  /// so that both branches can be computed by one pair of convolutions.
  func isFollowed(by next: ResidualBlock, _ editor: GraphEditor) -> Bool {
    let nodes = editor.graph.nodes
    func constants(_ node: Node) -> [[Float]?] { node.inputs.dropFirst().map { editor.floats($0) } }
    func same(_ a: Int, _ b: Int, weights: Bool) -> Bool {
      var (left, right) = (nodes[a], nodes[b])
      left.inputs = [input]
      right.inputs = [input]
      guard let signature = EliminateCommonSubexpressions.signature(left) else { return false }
      return signature == EliminateCommonSubexpressions.signature(right)
        && (weights || constants(nodes[a]) == constants(nodes[b]))
    }
    guard next.input == output, !editor.outputNames.contains(output), !editor.captured.contains(output),
      Set(editor.consumers[output] ?? []) == [next.first, next.sum],
      firstDimensions.dropFirst() == next.firstDimensions.dropFirst(),
      secondDimensions[0] == next.secondDimensions[0],
      secondDimensions.dropFirst(2) == next.secondDimensions.dropFirst(2),
      same(first, next.first, weights: true), same(second, next.second, weights: true)
    else { return false }
    switch (activation, next.activation) {
    case (nil, nil): return true
    case (let mine?, let other?): return same(mine, other, weights: false)
    default: return false
    }
  }

  /// Positions in `blocks` of each block that the next one can be merged into.
  package static func pairs(_ blocks: [ResidualBlock], _ graph: Graph) -> [(first: Int, second: Int)] {
    let editor = GraphEditor(graph)
    var result: [(first: Int, second: Int)] = []
    for (number, block) in blocks.enumerated() {
      if let next = blocks.firstIndex(where: { $0.input == block.output }),
        block.isFollowed(by: blocks[next], editor)
      {
        result.append((number, next))
      }
    }
    return result
  }
}
