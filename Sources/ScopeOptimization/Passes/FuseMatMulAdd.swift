import ScopeBytes
import ScopeGraph

/// A product of two matrices and the Add of a bias become one Gemm.
///
/// Declines unless both operands are surely float32 matrices, when the bias would broadcast the product to another shape,
/// when the product is read elsewhere, and for dequantized operands, which the engine multiplies as integers.
public struct FuseMatMulAdd: Pass {
  public let name = "fuse-matmul-add"
  public let summary = "MatMul and Add of matrices fused into Gemm"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.opset >= 7, model.graph.nodes.contains(where: { $0.isStandard("MatMul") }) else {
      return false
    }
    let facts = ShapeFacts(model)
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() where node.isStandard("Add") && node.inputs.count == 2
    {
      for side in 0..<2 {
        let product = node.inputs[side]
        let bias = node.inputs[1 - side]
        guard let producer = editor.producers[product], !editor.isEdited(producer),
          editor.soleConsumer(product) == index, product != bias
        else { continue }
        let matmul = model.graph.nodes[producer]
        guard matmul.isStandard("MatMul"), matmul.inputs.count == 2,
          matmul.inputs.allSatisfy({ facts.rank($0) == 2 && facts.dataType($0) == .float32 }),
          !matmul.inputs.contains(where: { Self.isDequantized($0, editor) }),
          facts.haveSameShape(product, node.outputs[0]), let rank = facts.rank(bias), rank <= 2
        else { continue }
        editor.remove(producer)
        editor.replace(
          index,
          with: [
            Node("Gemm", name: matmul.name, inputs: matmul.inputs + [bias], outputs: node.outputs)
          ])
        break
      }
    }
    return editor.apply(to: &model)
  }

  private static func isDequantized(_ value: String, _ editor: GraphEditor) -> Bool {
    editor.producers[value].map { editor.graph.nodes[$0].opType == "DequantizeLinear" } ?? false
  }
}
