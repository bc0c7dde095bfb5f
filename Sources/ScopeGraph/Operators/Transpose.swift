import ScopeBytes

/// Permutation of axes.
enum TransposeOperators {
  static let definitions: [OperatorDefinition] = [OperatorDefinition("Transpose", infer: infer, fold: fold)]

  private static func permutation(_ context: OperatorContext, rank: Int) throws(ScopeError) -> [Int] {
    let declared = context.node.ints("perm") ?? Array((0..<rank).reversed())
    var result: [Int] = []
    for axis in declared { result.append(try context.axis(axis, rank: rank)) }
    guard result.count == rank, Set(result).count == rank else {
      throw context.invalid(
        "perm is not a permutation of the input's axes", expected: "\(rank) axes", found: "\(declared)")
    }
    return result
  }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else {
      let rank = context.node.ints("perm")?.count
      return [ValueType(context.dataType(0), rank.map { Shape([Dimension](repeating: .unknown, count: $0)) })]
    }
    let axes = try permutation(context, rank: input.rank)
    var output = ValueType(context.dataType(0), Shape(axes.map { input.dimensions[$0] }))
    if input.rank <= 1 { output.partialElements = context.input(0).partialElements }
    return [output]
  }

  @Sendable static func fold(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let input = try context.constant(0)
    let axes = try permutation(context, rank: input.dimensions.count)
    let strides = TensorLayout.strides(input.dimensions)
    return [
      try TensorLayout.view(input, axes.map { input.dimensions[$0] }, strides: axes.map { strides[$0] })
    ]
  }
}
