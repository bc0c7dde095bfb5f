import ScopeBytes
import ScopeGraph

/// ConvTranspose followed by BatchNormalization, or by Mul, Div, Add or Sub with a constant per channel (or a scalar),
/// becomes one ConvTranspose.
///
/// Declines when the result or the weight is read elsewhere, and when the constant varies inside a channel.
public struct FoldIntoConvTranspose: Pass {
  public let name = "fold-conv-transpose"
  public let summary = "Normalisations, scales and offsets folded into the transposed convolution before them"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.graph.nodes.contains(where: { $0.isStandard("ConvTranspose") }) else { return false }
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() {
      guard let (producer, affine) = Self.match(node, index, editor), !editor.isEdited(producer) else {
        continue
      }
      var conv = model.graph.nodes[producer]
      guard let tensor = editor.constant(conv.input(1)), var weight = editor.floats(conv.input(1)) else {
        continue
      }
      // [C, M / group, k...]: output m of group g is written by the inputs of that group.
      let group = conv.int("group") ?? 1
      let perGroup = tensor.dimensions[1]
      let inputsPerGroup = tensor.dimensions[0] / group
      guard let (factor, shift) = affine.expanded(perGroup * group) else { continue }
      var bias = [Double](repeating: 0, count: factor.count)
      if let name = conv.input(2) {
        guard let values = editor.floats(name), values.count == bias.count else { continue }
        bias = values.map { Double($0) }
      }
      let kernel = tensor.dimensions.dropFirst(2).reduce(1, *)
      for input in 0..<tensor.dimensions[0] {
        for output in 0..<perGroup {
          let scale = factor[input / inputsPerGroup * perGroup + output]
          let start = (input * perGroup + output) * kernel
          for position in start..<start + kernel {
            weight[position] = Float(Double(weight[position]) * scale)
          }
        }
      }
      let sums = bias.indices.map { Float(bias[$0] * factor[$0] + shift[$0]) }
      let weightName = editor.replaceInitializer(conv.input(1), with: .floats(weight, tensor.dimensions))
      let biasName = editor.replaceInitializer(
        conv.input(2), with: .floats(sums, [sums.count]), stem: ConvParameters.biasName(weightName))
      conv.inputs = [conv.inputs[0], weightName, biasName]
      conv.outputs = [node.outputs[0]]
      editor.replace(producer, with: [conv])
      editor.remove(index)
    }
    return editor.apply(to: &model)
  }

  /// The ConvTranspose in front of `node` and what the node does to its channels.
  private static func match(_ node: Node, _ index: Int, _ editor: GraphEditor) -> (Int, ConstantAffine)? {
    for input in node.inputs.prefix(2) {
      guard let producer = editor.producers[input], editor.soleConsumer(input) == index else { continue }
      let conv = editor.graph.nodes[producer]
      guard conv.isStandard("ConvTranspose"), let name = conv.input(1), editor.soleConsumer(name) != nil,
        let tensor = editor.constant(name), tensor.dimensions.count >= 3,
        let group = conv.int("group") ?? 1 as Int?, group > 0, tensor.dimensions[0] % group == 0,
        tensor.dimensions[0] > 0, let affine = ConstantAffine(node, rank: tensor.dimensions.count, editor),
        affine.input == input, affine.axis ?? 1 == 1
      else { continue }
      return (producer, affine)
    }
    return nil
  }
}
