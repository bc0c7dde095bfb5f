import ScopeBytes

/// Repetition of elements: Expand and Tile.
enum ExpandOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("Expand", infer: inferExpand, fold: foldExpand),
    OperatorDefinition("Tile", infer: inferTile, fold: foldTile),
  ]

  @Sendable static func inferExpand(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [ValueType(context.dataType(0))] }
    guard let target = context.elements(1) else {
      guard let rank = context.shape(1)?.elementCount, rank <= 64 else {
        return [ValueType(context.dataType(0))]
      }
      return [
        ValueType(context.dataType(0), Shape([Dimension](repeating: .unknown, count: max(rank, input.rank))))
      ]
    }
    // Exporters of PyTorch write -1 for "keep".
    let wanted = Shape(target.map { $0 == .known(-1) ? .known(1) : $0 })
    if let negative = wanted.dimensions.first(where: { ($0.value ?? 0) < 0 }) {
      throw context.invalid("a size is negative", found: "\(negative)")
    }
    var output = ValueType(context.dataType(0), try Broadcasting.shape([input, wanted], at: context))
    if let elements = context.input(0).partialElements, elements.count == 1, output.shape?.rank == 1,
      let count = output.shape?.elementCount, count <= 64
    {
      output.partialElements = [Dimension](repeating: elements[0], count: count)
    }
    return [output]
  }

  @Sendable static func foldExpand(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let sizes = try context.outputSizes(inferExpand)[0]
    let input = try context.constant(0)
    return [try TensorLayout.view(input, sizes, strides: Broadcasting.strides(input.dimensions, to: sizes))]
  }

  @Sendable static func inferTile(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [ValueType(context.dataType(0))] }
    guard let repeats = context.elements(1) else {
      return [ValueType(context.dataType(0), Shape(input.dimensions.map { _ in .unknown }))]
    }
    guard repeats.count == input.rank, repeats.allSatisfy({ ($0.value ?? 0) >= 0 }) else {
      throw context.invalid(
        "the repeats do not fit the input", expected: "\(input.rank) counts", found: "\(repeats)")
    }
    return [ValueType(context.dataType(0), Shape(zip(input.dimensions, repeats).map { .product([$0, $1]) }))]
  }

  @Sendable static func foldTile(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let sizes = try context.outputSizes(inferTile)[0]
    let input = try context.constant(0)
    let repeats = try context.constant(1).ints()
    // [r0, d0, r1, d1 ...] with stride 0 along the repeats.
    let strides = TensorLayout.strides(input.dimensions)
    var dimensions: [Int] = []
    var steps: [Int] = []
    for axis in input.dimensions.indices {
      dimensions += [repeats[axis], input.dimensions[axis]]
      steps += [0, strides[axis]]
    }
    return [try TensorLayout.pick(input, TensorLayout.positions(dimensions, strides: steps), sizes)]
  }
}
