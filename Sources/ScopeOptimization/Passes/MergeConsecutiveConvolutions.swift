import ScopeBytes
import ScopeGraph

/// A convolution followed directly by a 1x1 convolution (nothing between them) becomes one where that takes no more
/// multiplications: `W[o, i, k] = sum over m of W2[o, m] * W1[m, i, k]`.
///
/// Declines for groups, strided or padded second convolutions, and when the intermediate result is read elsewhere. A
/// bottleneck (low rank) is left as it is.
public struct MergeConsecutiveConvolutions: Pass {
  public let name = "merge-consecutive-conv"
  public let summary = "Linear convolutions that follow each other merged"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() where node.isStandard("Conv") {
      guard let input = node.input(0), let producer = editor.producers[input], !editor.isEdited(producer),
        !editor.isEdited(index), model.graph.nodes[producer].isStandard("Conv"),
        editor.soleConsumer(input) == index, ConvParameters.hasNoPadding(node), node.int("group") ?? 1 == 1,
        (node.ints("strides") ?? []).allSatisfy({ $0 == 1 }),
        let first = ConvParameters(model.graph.nodes[producer], editor),
        let second = ConvParameters(node, editor), first.group == 1,
        second.dimensions[2...].allSatisfy({ $0 == 1 }), second.dimensions[1] == first.dimensions[0],
        second.dimensions.count == first.dimensions.count
      else { continue }
      let (outputs, middle) = (second.dimensions[0], second.dimensions[1])
      let row = first.dimensions[1...].reduce(1, *)
      // Multiplications per position, which are also the numbers to store.
      guard outputs * row <= middle * row + outputs * middle else { continue }
      var merged = first
      merged.dimensions[0] = outputs
      merged.weight = []
      merged.weight.reserveCapacity(outputs * row)
      merged.bias = second.bias
      for output in 0..<outputs {
        var sums = [Double](repeating: 0, count: row)
        for channel in 0..<middle {
          let factor = Double(second.weight[output * middle + channel])
          for position in 0..<row {
            sums[position] += factor * Double(first.weight[channel * row + position])
          }
          merged.bias[output] += factor * first.bias[channel]
        }
        merged.weight += sums.map { Float($0) }
      }
      var conv = model.graph.nodes[producer]
      merged.store(in: &conv, &editor)
      conv.outputs = node.outputs
      editor.replace(producer, with: [conv])
      editor.remove(index)
    }
    return editor.apply(to: &model)
  }
}
