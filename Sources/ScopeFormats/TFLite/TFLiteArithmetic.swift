import ScopeBytes

/// Multiply-accumulates of a TensorFlow Lite graph, from the shapes that the converter wrote.
enum TFLiteArithmetic {
  private static let listed = 100

  static func count(_ graph: TFLiteSubgraph, _ codes: [TFLiteOperatorCode]) -> ModelDescription.Arithmetic {
    var result = ModelDescription.Arithmetic()
    for (index, node) in graph.operators.enumerated() {
      let code = codes[node.code]
      do throws(ScopeError) {
        result.macs = try checkedSum(
          result.macs, try macs(node, code, graph.tensors), what: "the total of multiply-accumulates")
        result.operatorsCounted += 1
      } catch {
        result.operatorsNotCounted += 1
        guard result.missing.count < listed else { continue }
        let name =
          node.outputs.first.flatMap { $0 >= 0 ? graph.tensors[$0].name : nil } ?? "operator \(index)"
        result.missing.append(.init(name: name, opType: code.name, reason: error.message))
      }
    }
    return result
  }

  private static func macs(
    _ node: TFLiteOperator, _ code: TFLiteOperatorCode, _ tensors: [TFLiteTensor]
  ) throws(ScopeError) -> Int {
    /// The shape of the input, or output, of that number.
    func shape(_ list: [Int], _ position: Int, rank: Int?) throws(ScopeError) -> [Int] {
      guard list.indices.contains(position), list[position] >= 0, case let tensor = tensors[list[position]],
        tensor.hasRank, rank == nil || tensor.shape.count == rank
      else { throw ScopeError(.unsupported, "a shape is not known") }
      return tensor.shape
    }
    switch code.name {
    case "CONV_2D":
      // [N, h, w, out] and weights [out, kh, kw, in / groups]
      let weights = try shape(node.inputs, 1, rank: 4)
      return try checkedProduct(try shape(node.outputs, 0, rank: 4) + weights[1...], what: "convolution")
    case "DEPTHWISE_CONV_2D":
      // weights [1, kh, kw, out]
      let weights = try shape(node.inputs, 1, rank: 4)
      return try checkedProduct(try shape(node.outputs, 0, rank: 4) + weights[1...2], what: "convolution")
    case "CONV_3D":
      // weights [kd, kh, kw, in / groups, out]
      let weights = try shape(node.inputs, 1, rank: 5)
      return try checkedProduct(try shape(node.outputs, 0, rank: 5) + weights[...3], what: "convolution")
    case "TRANSPOSE_CONV":
      // inputs: output shape, weights [out, kh, kw, in], data [N, h, w, in]; each input element meets every weight of
      // its channel
      let weights = try shape(node.inputs, 1, rank: 4)
      return try checkedProduct(try shape(node.inputs, 2, rank: 4) + weights[...2], what: "convolution")
    case "FULLY_CONNECTED":
      // weights [out, in]
      let weights = try shape(node.inputs, 1, rank: 2)
      return try checkedProduct(try shape(node.outputs, 0, rank: nil) + [weights[1]], what: "matrix product")
    case "BATCH_MATMUL":
      let left = try shape(node.inputs, 0, rank: nil)
      guard left.count >= 2 else { throw ScopeError(.unsupported, "a shape is not known") }
      let inner = left[left.count - (node.transposesLeft ? 2 : 1)]
      return try checkedProduct(try shape(node.outputs, 0, rank: nil) + [inner], what: "matrix product")
    case let name
    where code.isCustom || TFLiteOperators.unknownCost.contains(name)
      || !TFLiteOperators.names.contains(name):
      throw ScopeError(.unsupported, "the cost of this operator is not known")
    default: return 0
    }
  }
}
