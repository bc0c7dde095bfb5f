import ScopeBytes

/// Selection by index: Gather, GatherElements, GatherND.
enum GatherOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("Gather", infer: infer, fold: fold),
    OperatorDefinition("GatherElements", infer: inferElements, fold: foldElements),
    OperatorDefinition("GatherND", infer: inferND, fold: foldND),
  ]

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let data = context.shape(0), let indices = context.shape(1) else {
      return [ValueType(context.dataType(0))]
    }
    let axis = try context.axis(context.node.int("axis") ?? 0, rank: data.rank)
    var output = ValueType(
      context.dataType(0),
      Shape(Array(data.dimensions[..<axis]) + indices.dimensions + Array(data.dimensions[(axis + 1)...])))
    if data.rank == 1, let elements = context.elements(0), let positions = context.integers(1),
      positions.count <= 64
    {
      var chosen: [Dimension] = []
      for position in positions {
        guard position >= -elements.count, position < elements.count else {
          throw context.invalid(
            "an index lies outside the tensor", expected: "below \(elements.count)", found: "\(position)")
        }
        chosen.append(elements[position < 0 ? position + elements.count : position])
      }
      output.partialElements = chosen
    }
    return [output]
  }

  @Sendable static func fold(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let sizes = try context.outputSizes(infer)[0]
    let data = try context.constant(0)
    let axis = try context.axis(context.node.int("axis") ?? 0, rank: data.dimensions.count)
    let size = data.dimensions[axis]
    let inner = data.dimensions[(axis + 1)...].reduce(1, *)
    let outer = data.dimensions[..<axis].reduce(1, *)
    let indices = try normalized(try context.constant(1).ints(), size: size, context)
    var positions: [Int] = []
    positions.reserveCapacity(outer * indices.count * inner)
    for block in 0..<outer {
      for index in indices {
        let start = (block * size + index) * inner
        positions.append(contentsOf: start..<(start + inner))
      }
    }
    return [try TensorLayout.pick(data, positions, sizes)]
  }

  private static func normalized(_ indices: [Int], size: Int, _ context: OperatorContext) throws(ScopeError)
    -> [Int]
  {
    var result: [Int] = []
    result.reserveCapacity(indices.count)
    for index in indices {
      guard index >= -size, index < size else {
        throw context.invalid(
          "an index lies outside the tensor", expected: "below \(size)", found: "\(index)")
      }
      result.append(index < 0 ? index + size : index)
    }
    return result
  }

  @Sendable static func inferElements(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(context.dataType(0), context.shape(1))]
  }

  @Sendable static func foldElements(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let data = try context.constant(0)
    let indexTensor = try context.constant(1)
    guard indexTensor.dimensions.count == data.dimensions.count,
      zip(indexTensor.dimensions, data.dimensions).enumerated().allSatisfy({
        $0.offset == (context.node.int("axis") ?? 0) || $0.element.0 <= $0.element.1
          || $0.offset == (context.node.int("axis") ?? 0) + data.dimensions.count
      })
    else { throw context.invalid("the indices do not fit the data") }
    let axis = try context.axis(context.node.int("axis") ?? 0, rank: data.dimensions.count)
    let indices = try normalized(try indexTensor.ints(), size: data.dimensions[axis], context)
    var strides = TensorLayout.strides(data.dimensions)
    let step = strides[axis]
    strides[axis] = 0
    let starts = TensorLayout.positions(indexTensor.dimensions, strides: strides)
    return [try TensorLayout.pick(data, zip(starts, indices).map { $0 + $1 * step }, indexTensor.dimensions)]
  }

  @Sendable static func inferND(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let data = context.shape(0), let indices = context.shape(1), let last = indices.dimensions.last
    else {
      return [ValueType(context.dataType(0))]
    }
    let batch = context.node.int("batch_dims") ?? 0
    guard let depth = last.value else { return [ValueType(context.dataType(0))] }
    guard batch >= 0, depth >= 0, batch + depth <= data.rank else {
      throw context.invalid("the indices do not fit the data", found: "\(indices) into \(data)")
    }
    return [
      ValueType(
        context.dataType(0), Shape(indices.dimensions.dropLast() + data.dimensions[(batch + depth)...]))
    ]
  }

  /// GatherND without batch axes.
  @Sendable static func foldND(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    guard context.node.int("batch_dims") ?? 0 == 0 else {
      throw ScopeError(.unsupported, "batch axes of GatherND are not followed at compile time")
    }
    let sizes = try context.outputSizes(inferND)[0]
    let data = try context.constant(0)
    let (starts, slice) = try SliceIndices.resolve(
      try context.constant(1), into: data.dimensions[...], context)
    let width = slice.reduce(1, *)
    return [try TensorLayout.pick(data, starts.flatMap { $0..<$0 + width }, sizes)]
  }
}
