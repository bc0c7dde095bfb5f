import ScopeBytes
import ScopeGraph

/// Conv followed by BatchNormalization becomes one Conv:
/// `W' = W * gamma / sqrt(var + eps)`, `b' = (b - mean) * gamma / sqrt(var + eps) + beta` (per output channel).
///
/// Declines when the convolution's result is read elsewhere or a parameter is not constant.
public struct FoldBatchNormIntoConv: Pass {
  public let name = "fold-batch-norm"
  public let summary = "Batch normalisation folded into the convolution before it"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() where node.isStandard("BatchNormalization") {
      guard let input = node.input(0), let producer = editor.producers[input], !editor.isEdited(producer),
        editor.soleConsumer(input) == index, let norm = BatchNormCoefficients(node, editor),
        var parameters = ConvParameters(model.graph.nodes[producer], editor),
        parameters.dimensions[0] == norm.factor.count
      else { continue }
      parameters.weight = ChannelScaling.scaleRows(parameters.weight, by: norm.factor)
      for channel in norm.factor.indices {
        parameters.bias[channel] = parameters.bias[channel] * norm.factor[channel] + norm.shift[channel]
      }
      var conv = model.graph.nodes[producer]
      parameters.store(in: &conv, &editor)
      conv.outputs = [node.outputs[0]]
      editor.replace(producer, with: [conv])
      editor.remove(index)
    }
    return editor.apply(to: &model)
  }
}
