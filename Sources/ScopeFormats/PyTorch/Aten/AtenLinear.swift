import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Matrix products.
enum AtenLinear {
  static let operators: [AtenOperator] = [
    .tensor("linear", "input weight bias") { (builder, arguments) throws(ScopeError) in
      try builder.linear(
        try arguments.tensor("input"), weight: try arguments.tensor("weight"),
        bias: try arguments.optionalTensor("bias"))
    },
    .tensor("matmul mm bmm mv dot", "self other") { (builder, arguments) throws(ScopeError) in
      // The second argument is named mat2, vec, other or tensor.
      try builder.emit("MatMul", [try arguments.tensor("self"), try arguments.tensor("other")])
    },
    .tensor("addmm", "self mat1 mat2 beta alpha") { (builder, arguments) throws(ScopeError) in
      let bias = try arguments.tensor("self")
      let (left, right) = (try arguments.tensor("mat1"), try arguments.tensor("mat2"))
      let alpha = try arguments.double("alpha", 1)
      let beta = try arguments.double("beta", 1)
      var attributes: OrderedDictionary<String, AttributeValue> = [:]
      if alpha != 1 { attributes["alpha"] = .float(Float(alpha)) }
      if beta != 1 { attributes["beta"] = .float(Float(beta)) }
      if let weight = builder.untransposed(right) {
        attributes["transB"] = .int(1 as Int)
        return try builder.emit("Gemm", [left, weight, bias], attributes)
      }
      return try builder.emit("Gemm", [left, right, bias], attributes)
    },
    .tensor("baddbmm", "self batch1 batch2 beta alpha") { (builder, arguments) throws(ScopeError) in
      let product = try builder.emit(
        "MatMul", [try arguments.tensor("batch1"), try arguments.tensor("batch2")])
      let (beta, alpha) = (try arguments.double("beta", 1), try arguments.double("alpha", 1))
      let scaled = try builder.scaled(product, by: alpha)
      if beta == 0 { return scaled }
      return try builder.emit("Add", [try builder.scaled(try arguments.tensor("self"), by: beta), scaled])
    },
    .tensor("einsum", "equation tensors path") { (builder, arguments) throws(ScopeError) in
      let equation = try arguments.string("equation", "").filter { $0 != " " }
      return try builder.emit("Einsum", try arguments.tensors("tensors"), ["equation": .text(equation)])
    },
    .tensor("outer", "self vec2") { (builder, arguments) throws(ScopeError) in
      let column = try builder.emit("Unsqueeze", [try arguments.tensor("self"), builder.literal([1])])
      return try builder.emit("Mul", [column, try arguments.tensor("vec2")])
    },
  ]
}

extension AtenBuilder {
  /// x Wᵀ + b, `weight` as [out, in].
  mutating func linear(
    _ input: AtenTensor, weight: AtenTensor, bias: AtenTensor?
  ) throws(ScopeError) -> AtenTensor {
    if input.shape?.rank == 2, weight.shape?.rank == 2 {
      return try emit("Gemm", [input, weight, bias], ["transB": .int(1 as Int)])
    }
    let product: AtenTensor
    if weight.shape?.rank == 1 {
      product = try emit("MatMul", [input, weight])
    } else {
      product = try emit("MatMul", [input, try transposedMatrix(weight)])
    }
    guard let bias else { return product }
    return try emit("Add", [product, bias])
  }

  /// The parameter that a constant is the transposed view of.
  func untransposed(_ value: AtenTensor) -> AtenTensor? {
    transposedParameters.first { $0.value.name == value.name }.map { tensor($0.key) }
  }

  /// The value times a number; itself for one.
  mutating func scaled(_ value: AtenTensor, by factor: Double) throws(ScopeError) -> AtenTensor {
    factor == 1 ? value : try emit("Mul", [value, try scalar(factor, value.dataType ?? .float32)])
  }
}
