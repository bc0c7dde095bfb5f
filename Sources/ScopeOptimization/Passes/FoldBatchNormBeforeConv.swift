import ScopeBytes
import ScopeGraph

/// BatchNormalization followed by Conv becomes one Conv: `W'[o, i] = W[o, i] * factor[i]`,
/// `b'[o] = b[o] + sum W[o, i] * shift[i]`.
///
/// Declines when the convolution pads: the zeros it adds are not normalised, so the shift would be wrong at the border.
public struct FoldBatchNormBeforeConv: Pass {
  public let name = "fold-batch-norm-before"
  public let summary = "Batch normalisation folded into the unpadded convolution after it"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() where node.isStandard("BatchNormalization") {
      guard let consumer = editor.soleConsumer(node.outputs[0]), !editor.isEdited(consumer),
        !editor.isEdited(index),
        model.graph.nodes[consumer].inputs.first == node.outputs[0],
        let norm = BatchNormCoefficients(node, editor),
        var parameters = ConvParameters(model.graph.nodes[consumer], editor)
      else { continue }
      var conv = model.graph.nodes[consumer]
      let perGroup = parameters.dimensions[1]
      guard perGroup * parameters.group == norm.factor.count,
        ConvParameters.hasNoPadding(conv) || norm.shift.allSatisfy({ $0 == 0 })
      else { continue }
      parameters.absorb(inputFactor: norm.factor, inputShift: norm.shift)
      parameters.store(in: &conv, &editor)
      conv.inputs[0] = node.inputs[0]
      editor.replace(consumer, with: [conv])
      editor.remove(index)
    }
    return editor.apply(to: &model)
  }
}
