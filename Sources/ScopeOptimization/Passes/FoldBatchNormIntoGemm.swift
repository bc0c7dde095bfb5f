import ScopeBytes
import ScopeGraph

/// Gemm followed by BatchNormalization becomes one Gemm: column `n` of the weight is multiplied by the
/// normalisation's factor, the addend becomes `factor * beta * C + shift`.
///
/// Declines when the weight or addend is not constant, the addend is not per column, or the product is read elsewhere.
public struct FoldBatchNormIntoGemm: Pass {
  public let name = "fold-batch-norm-gemm"
  public let summary = "Batch normalisation folded into the linear layer before it"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() where node.isStandard("BatchNormalization") {
      guard let input = node.input(0), let producer = editor.producers[input], !editor.isEdited(producer),
        model.graph.nodes[producer].isStandard("Gemm"), editor.soleConsumer(input) == index,
        let norm = BatchNormCoefficients(node, editor)
      else { continue }
      var gemm = model.graph.nodes[producer]
      guard let tensor = editor.constant(gemm.input(1)), tensor.dimensions.count == 2,
        var weight = editor.floats(gemm.input(1))
      else { continue }
      let transposed = gemm.int("transB") ?? 0 != 0
      let columns = tensor.dimensions[transposed ? 0 : 1]
      guard columns == norm.factor.count else { continue }
      var addend = [Double](repeating: 0, count: columns)
      if let name = gemm.input(2) {
        guard let values = editor.floats(name), values.count == columns || values.count == 1 else { continue }
        let beta = Double(gemm.float("beta") ?? 1)
        for column in addend.indices { addend[column] = beta * Double(values[values.count == 1 ? 0 : column]) }
      }
      if transposed {
        weight = ChannelScaling.scaleRows(weight, by: norm.factor)
      } else {
        for position in weight.indices {
          weight[position] = Float(Double(weight[position]) * norm.factor[position % columns])
        }
      }
      for column in addend.indices { addend[column] = addend[column] * norm.factor[column] + norm.shift[column] }
      let stem = gemm.input(1) ?? "weight"
      let weightName = editor.addInitializer(.floats(weight, tensor.dimensions), "\(stem)_folded")
      let biasName = editor.addInitializer(.floats(addend.map { Float($0) }, [columns]), "\(stem)_bias")
      gemm.inputs = [gemm.inputs[0], weightName, biasName]
      gemm.attributes["beta"] = nil
      gemm.outputs = [node.outputs[0]]
      editor.replace(producer, with: [gemm])
      editor.remove(index)
    }
    return editor.apply(to: &model)
  }
}
