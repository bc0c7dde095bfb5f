import ScopeGraph

/// A node that multiplies its input with stored weights: what practitioners count as a layer.
public struct WeightLayer: Sendable {
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case convolution
    case transposedConvolution
    /// Fully connected: a matrix product with a constant operand.
    case linear
    case recurrent
  }

  public var kind: Kind
  public var nodeIndex: Int
  public var nodeName: String
  public var opType: String
  /// Shape of the weight; nil when it is computed from other constants.
  public var weightShape: Shape?
  /// Multiply-accumulates per inference; nil when a shape is not known.
  public var macs: Int?

  /// The layers of a graph in graph order.
  static func find(_ graph: Graph, roles: GraphRoles, types: InferredTypes) -> [WeightLayer] {
    graph.nodes.enumerated().compactMap { index, node in
      guard let kind = kind(node) else { return nil }
      let candidates: [Int] =
        switch node.opType {
        case "QLinearConv", "QLinearMatMul", "QGemm": [3]
        case "MatMul", "FusedMatMul", "Gemm", "FusedGemm": [1, 0]
        default: [1]
        }
      guard
        let weight = candidates.compactMap({ node.input($0) }).first(where: { roles.constants.contains($0) })
      else {
        return nil
      }
      return WeightLayer(
        kind: kind, nodeIndex: index, nodeName: node.name, opType: node.opType,
        weightShape: types.shape(weight),
        macs: types.costs[index]?.macs)
    }
  }

  private static func kind(_ node: Node) -> Kind? {
    switch node.opType {
    case "Conv", "ConvInteger", "QLinearConv", "FusedConv", "DeformConv": .convolution
    case "ConvTranspose": .transposedConvolution
    case "MatMul", "Gemm", "MatMulInteger", "QLinearMatMul", "QGemm", "FusedMatMul", "FusedGemm",
      "MatMulNBits",
      "MatMulIntegerToFloat", "DynamicQuantizeMatMul":
      .linear
    case "Attention" where node.domain == "com.microsoft": .linear
    case "LSTM", "GRU", "RNN": .recurrent
    default: nil
    }
  }
}
