import ScopeBytes
import ScopeGraph

/// `Gemm`, Y = alpha A' B' + beta C: products with the transposed factor.
enum GemmRule: GradientRule {
  static let operators = ["Gemm"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    let (a, b) = (node.inputs[0], node.inputs[1])
    let transA = node.int("transA") ?? 0
    let transB = node.int("transB") ?? 0
    let alpha = node.float("alpha") ?? 1
    let gradient = application.gradient
    func product(_ left: String, _ right: String, _ transLeft: Int, _ transRight: Int) -> String {
      context.emit(
        "Gemm", [left, right],
        ["alpha": .float(alpha), "transA": .int(transLeft), "transB": .int(transRight)])
    }
    var results = [String?](repeating: nil, count: node.inputs.count)
    if application.isWanted(0) {
      results[0] = transA == 0 ? product(gradient, b, 0, 1 - transB) : product(b, gradient, transB, 1)
    }
    if application.isWanted(1) {
      results[1] = transB == 0 ? product(a, gradient, 1 - transA, 0) : product(gradient, a, 1, transA)
    }
    if application.isWanted(2) {
      let beta = node.float("beta") ?? 1
      let scaled = beta == 1 ? gradient : context.multiply(gradient, context.scalar(beta, like: a))
      results[2] = try context.unbroadcast(
        scaled, from: node.outputs[0], to: node.inputs[2], for: application)
    }
    return results
  }
}

/// `MatMul` of matrices or stacks of matrices.
enum MatMulRule: GradientRule {
  static let operators = ["MatMul"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    let ranks = (
      try context.shape(node.inputs[0], for: application).rank,
      try context.shape(node.inputs[1], for: application).rank
    )
    guard ranks.0 >= 2, ranks.1 >= 2 else {
      throw application.unsupported("an operand is a vector", remedy: "Export with two-dimensional operands")
    }
    func transposed(_ value: String, _ rank: Int) -> String {
      let order = Array(0..<rank - 2) + [rank - 1, rank - 2]
      return context.emit("Transpose", [value], ["perm": .ints(order)])
    }
    var results: [String?] = [nil, nil]
    if application.isWanted(0) {
      let product = context.emit("MatMul", [application.gradient, transposed(node.inputs[1], ranks.1)])
      results[0] = try context.unbroadcast(
        product, from: node.outputs[0], to: node.inputs[0], for: application)
    }
    if application.isWanted(1), ranks.0 > 2, ranks.1 == 2,
      let sizes = try context.shape(node.inputs[1], for: application).sizes
    {
      // One matrix for the whole stack: one product over all its rows.
      let rows = context.emit("Reshape", [node.inputs[0], context.integers([-1, sizes[0]])])
      let gradients = context.emit("Reshape", [application.gradient, context.integers([-1, sizes[1]])])
      results[1] = context.emit("Gemm", [rows, gradients], ["transA": .int(1)])
    } else if application.isWanted(1) {
      let product = context.emit("MatMul", [transposed(node.inputs[0], ranks.0), application.gradient])
      results[1] = try context.unbroadcast(
        product, from: node.outputs[0], to: node.inputs[1], for: application)
    }
    return results
  }
}
