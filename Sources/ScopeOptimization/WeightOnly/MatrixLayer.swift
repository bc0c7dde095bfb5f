import ScopeBytes
import ScopeGraph

/// A MatMul or Gemm whose second factor is a constant matrix.
struct MatrixLayer {
  let nodeIndex: Int
  let name: String
  /// The value it multiplies.
  let input: String
  let weightName: String
  /// Whether the weight is stored [outputs, inputs] rather than [inputs, outputs].
  let isTransposed: Bool
  let inputs: Int
  let outputs: Int
  /// Factor on the product (Gemm's alpha).
  let alpha: Float
  /// Gemm's third input, nil without one, and the factor on it.
  let addend: String?
  let beta: Float

  enum Recognition {
    case layer(MatrixLayer)
    case declined(String)
    case notALayer
  }

  /// - Returns: why a matrix product cannot be rewritten, `notALayer` for anything without a constant factor of its own.
  static func recognize(_ node: Node, index: Int, _ editor: GraphEditor) -> Recognition {
    let isGemm = node.isStandard("Gemm")
    guard isGemm || node.isStandard("MatMul"), let input = node.input(0), var weight = node.input(1) else {
      return .notALayer
    }
    var transposed = isGemm && node.int("transB") ?? 0 != 0
    if editor.constant(weight) == nil {
      // A transposition of a constant, as tied embeddings are often written.
      guard let producer = editor.producers[weight] else {
        return editor.constant(input) == nil ? .notALayer : .declined("its constant is the first factor")
      }
      let before = editor.graph.nodes[producer]
      guard before.isStandard("Transpose"), before.ints("perm") ?? [1, 0] == [1, 0],
        let name = before.input(0), editor.constant(name) != nil
      else {
        return editor.constant(input) == nil ? .notALayer : .declined("its constant is the first factor")
      }
      weight = name
      transposed.toggle()
    }
    guard editor.constant(input) == nil, let tensor = editor.constant(weight) else {
      return .notALayer
    }
    guard tensor.dataType == .float32 else {
      return .declined("its weight is \(tensor.dataType.name), not float32")
    }
    guard tensor.dimensions.count == 2, tensor.elementCount > 0 else {
      return .declined("its weight has the shape \(tensor.dimensions), which is no matrix")
    }
    if case .external(let external) = tensor.storage {
      return .declined("its weight lies in a file that was not opened, \(external.location)")
    }
    guard !isGemm || node.int("transA") ?? 0 == 0 else { return .declined("it transposes its input") }
    let alpha = isGemm ? node.float("alpha") ?? 1 : 1
    let beta = isGemm ? node.float("beta") ?? 1 : 1
    let addend = isGemm && beta != 0 ? node.input(2) : nil
    guard alpha.isFinite, beta.isFinite else { return .declined("its alpha or beta is not a finite number") }
    if beta != 1, let addend, editor.floats(addend) == nil {
      return .declined("it scales an addend that is no constant")
    }
    return .layer(
      MatrixLayer(
        nodeIndex: index, name: node.layerName, input: input, weightName: weight, isTransposed: transposed,
        inputs: tensor.dimensions[transposed ? 1 : 0], outputs: tensor.dimensions[transposed ? 0 : 1],
        alpha: alpha, addend: addend, beta: beta))
  }

  /// The weight, [outputs, inputs] row-major.
  func rows(_ editor: GraphEditor) -> [Float]? {
    guard let values = editor.floats(weightName) else { return nil }
    return isTransposed ? values : values.transposed(rows: inputs, columns: outputs)
  }

  /// The nodes that add the addend to `product`, giving `result`; none without an addend, whose product must be named
  /// `result` already.
  func addendNodes(_ product: String, result: String, _ rewriter: inout WeightRewriter) -> [Node] {
    guard var addend else { return [] }
    if beta != 1, let tensor = rewriter.editor.constant(addend), let values = rewriter.editor.floats(addend) {
      addend = rewriter.constant(.floats(values.map { $0 * beta }, tensor.dimensions), "\(addend)_scaled")
    }
    return [Node("Add", name: "", inputs: [product, addend], outputs: [result])]
  }
}

/// A look-up of rows of a constant matrix: Gather along the first axis.
struct EmbeddingLayer {
  let nodeIndex: Int
  let name: String
  let indices: String
  let weightName: String
  /// Rows of the table.
  let entries: Int
  /// Length of a row.
  let width: Int

  static func recognize(_ node: Node, index: Int, _ editor: GraphEditor) -> EmbeddingLayer? {
    guard node.isStandard("Gather"), node.int("axis") ?? 0 == 0, let weight = node.input(0),
      let indices = node.input(1), editor.constant(indices) == nil, let tensor = editor.constant(weight),
      tensor.dataType == .float32, tensor.dimensions.count == 2, tensor.elementCount > 0
    else { return nil }
    if case .external = tensor.storage { return nil }
    return EmbeddingLayer(
      nodeIndex: index, name: node.layerName, indices: indices, weightName: weight,
      entries: tensor.dimensions[0], width: tensor.dimensions[1])
  }

  /// Looks up 8-bit rows and their scales and multiplies them: `Cast(Gather(codes)) * Gather(scales)`.
  ///
  /// - Parameters:
  ///   - codes: int8 constant [entries, width].
  ///   - scales: float32 constant [entries, 1].
  func nodes(codes: String, scales: String, result: String, _ rewriter: inout WeightRewriter) -> [Node] {
    let picked = rewriter.fresh("\(result)_q")
    let pickedScales = rewriter.fresh("\(result)_scale")
    let reals = rewriter.fresh("\(result)_codes")
    return [
      Node("Gather", name: name, inputs: [codes, indices], outputs: [picked]),
      Node("Gather", inputs: [scales, indices], outputs: [pickedScales]),
      Node(
        "Cast", inputs: [picked], outputs: [reals], attributes: ["to": .int(Int(DataType.float32.rawValue))]),
      Node("Mul", inputs: [reals, pickedScales], outputs: [result]),
    ]
  }
}
