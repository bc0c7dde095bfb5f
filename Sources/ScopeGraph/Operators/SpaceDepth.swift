import ScopeBytes

/// Moving blocks between space and channels.
enum SpaceDepthOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("DepthToSpace", infer: infer, fold: fold),
    OperatorDefinition("SpaceToDepth", infer: infer, fold: fold),
  ]

  private static func block(_ context: OperatorContext) throws(ScopeError) -> Int {
    guard let size = context.node.int("blocksize"), size > 0, size < 1 << 16 else {
      throw context.invalid("blocksize must be positive", found: "\(context.node.int("blocksize") ?? 0)")
    }
    return size
  }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let block = try block(context)
    guard let input = context.shape(0) else { return [ValueType(context.dataType(0))] }
    guard input.rank == 4 else { throw context.invalid("the input must be [N, C, H, W]", found: "\(input)") }
    let toSpace = context.node.opType == "DepthToSpace"
    let factor = toSpace ? block * block : block
    for axis in toSpace ? 1..<2 : 2..<4 {
      if let size = input.dimensions[axis].value, size % factor != 0 {
        throw context.invalid(
          "axis \(axis) is not a multiple of the block", expected: "a multiple of \(factor)", found: "\(size)"
        )
      }
    }
    var output = input.dimensions
    if toSpace {
      output[1] = .quotient(output[1], .known(block * block))
      for axis in 2..<4 { output[axis] = .product([output[axis], .known(block)]) }
    } else {
      output[1] = .product([output[1], .known(block * block)])
      for axis in 2..<4 { output[axis] = .quotient(output[axis], .known(block)) }
    }
    return [ValueType(context.dataType(0), Shape(output))]
  }

  @Sendable static func fold(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let sizes = try context.outputSizes(infer)[0]
    let input = try context.constant(0)
    let b = try block(context)
    let (n, c, h, w) = (input.dimensions[0], input.dimensions[1], input.dimensions[2], input.dimensions[3])
    let split: [Int]
    let order: [Int]
    if context.node.opType == "SpaceToDepth" {
      split = [n, c, h / b, b, w / b, b]
      order = [0, 3, 5, 1, 2, 4]
    } else if context.node.string("mode") == "CRD" {
      split = [n, c / (b * b), b, b, h, w]
      order = [0, 1, 4, 2, 5, 3]
    } else {
      split = [n, b, b, c / (b * b), h, w]
      order = [0, 3, 4, 1, 5, 2]
    }
    let strides = TensorLayout.strides(split)
    let positions = TensorLayout.positions(order.map { split[$0] }, strides: order.map { strides[$0] })
    return [try TensorLayout.pick(input, positions, sizes)]
  }
}
