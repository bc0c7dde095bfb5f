import ScopeBytes
import ScopeGraph

/// Mul or Div by a constant per channel before a Conv is folded into its weight, Add and Sub into its bias.
///
/// Declines when the value is read elsewhere, and for offsets when the convolution pads: the zeros it adds are not
/// shifted.
public struct FoldArithmeticBeforeConv: Pass {
  public let name = "fold-arithmetic-before"
  public let summary = "Constant scales and offsets folded into the convolution after them"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() where !editor.isEdited(index) {
      guard ["Mul", "Div", "Add", "Sub"].contains(where: node.isStandard),
        let consumer = editor.soleConsumer(node.outputs[0]), !editor.isEdited(consumer),
        model.graph.nodes[consumer].isStandard("Conv"),
        model.graph.nodes[consumer].inputs.first == node.outputs[0],
        let tensor = editor.constant(model.graph.nodes[consumer].input(1)),
        let affine = ConstantAffine(node, rank: tensor.dimensions.count, editor), affine.axis ?? 1 == 1,
        editor.soleConsumer(model.graph.nodes[consumer].inputs[1]) != nil
      else { continue }
      var conv = model.graph.nodes[consumer]
      guard ConvParameters.hasNoPadding(conv) || affine.shift.allSatisfy({ $0 == 0 }),
        var parameters = ConvParameters(conv, editor)
      else { continue }
      let channels = parameters.dimensions[1] * parameters.group
      guard let (factor, shift) = affine.expanded(channels) else { continue }
      parameters.absorb(inputFactor: factor, inputShift: shift)
      parameters.store(in: &conv, &editor)
      conv.inputs[0] = affine.input
      editor.replace(consumer, with: [conv])
      editor.remove(index)
    }
    return editor.apply(to: &model)
  }
}
