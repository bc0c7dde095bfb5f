import ScopeBytes

/// Sorting, searching and counting. Cost: one comparison per input element where every element is looked at.
enum SelectionOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("ArgMax", infer: inferArgument, cost: OperatorDefinition.perInputElement(1)),
    OperatorDefinition("ArgMin", infer: inferArgument, cost: OperatorDefinition.perInputElement(1)),
    OperatorDefinition("TopK", infer: inferTopK, cost: OperatorDefinition.perInputElement(1)),
    OperatorDefinition(
      "NonZero", infer: inferNonZero, cost: OperatorDefinition.perInputElement(1), fold: foldNonZero),
    OperatorDefinition("Unique", infer: inferUnique, cost: OperatorDefinition.perInputElement(1)),
    OperatorDefinition(
      "NonMaxSuppression",
      infer: { (_) throws(ScopeError) in [ValueType(.int64, Shape([.unknown, .known(3)]))] }),
    OperatorDefinition("OneHot", infer: inferOneHot),
    OperatorDefinition(
      "CumSum", infer: OperatorDefinition.sameAsFirstInput, cost: OperatorDefinition.perOutputElement(1),
      fold: foldCumSum),
    OperatorDefinition("Trilu", infer: OperatorDefinition.sameAsFirstInput, fold: foldTrilu),
    OperatorDefinition("ReverseSequence", infer: OperatorDefinition.sameAsFirstInput),
    OperatorDefinition("Compress", infer: inferCompress),
  ]

  @Sendable static func inferArgument(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [ValueType(.int64)] }
    let axis = try context.axis(context.node.int("axis") ?? 0, rank: input.rank)
    var output = input.dimensions
    if context.node.int("keepdims") == 0 { output.remove(at: axis) } else { output[axis] = .known(1) }
    return [ValueType(.int64, Shape(output))]
  }

  @Sendable static func inferTopK(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [ValueType(context.dataType(0)), ValueType(.int64)] }
    let axis = try context.axis(context.node.int("axis") ?? -1, rank: input.rank)
    var output = input.dimensions
    output[axis] = context.node.int("k").map(Dimension.known) ?? context.elements(1)?.first ?? .unknown
    return [ValueType(context.dataType(0), Shape(output)), ValueType(.int64, Shape(output))]
  }

  @Sendable static func inferNonZero(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    if let constant = context.input(0).constant, constant.elementCount <= ValueType.maximumElements,
      let values = try? NumericArray(constant).asFloats
    {
      return [ValueType(.int64, [max(constant.dimensions.count, 1), values.count { $0 != 0 }])]
    }
    return [
      ValueType(.int64, Shape([context.shape(0).map { .known(max($0.rank, 1)) } ?? .unknown, .unknown]))
    ]
  }

  @Sendable static func foldNonZero(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let array = try context.array(0)
    let strides = TensorLayout.strides(array.dimensions)
    let hits = array.asFloats.enumerated().filter { $0.element != 0 }.map(\.offset)
    guard !array.dimensions.isEmpty else { return [.int64s(hits, [1, hits.count])] }
    var result: [Int] = []
    for axis in array.dimensions.indices {
      result += hits.map { $0 / strides[axis] % array.dimensions[axis] }
    }
    return [.int64s(result, [array.dimensions.count, hits.count])]
  }

  @Sendable static func inferUnique(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let unknown = Shape([.unknown])
    var values = unknown
    if let axis = context.node.int("axis"), let input = context.shape(0) {
      values = input
      values.dimensions[try context.axis(axis, rank: input.rank)] = .unknown
    }
    return [ValueType(context.dataType(0), values)]
      + [ValueType](repeating: ValueType(.int64, unknown), count: 3)
  }

  @Sendable static func inferOneHot(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let indices = context.shape(0) else { return [ValueType(context.dataType(2))] }
    let axis = try context.axis(context.node.int("axis") ?? -1, rank: indices.rank + 1)
    var output = indices.dimensions
    output.insert(context.elements(1)?.first ?? .unknown, at: axis)
    return [ValueType(context.dataType(2), Shape(output))]
  }

  @Sendable static func inferCompress(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let axis = context.node.int("axis"), let input = context.shape(0) else {
      return [ValueType(context.dataType(0), context.node.int("axis") == nil ? Shape([.unknown]) : nil)]
    }
    var output = input.dimensions
    output[try context.axis(axis, rank: input.rank)] = .unknown
    return [ValueType(context.dataType(0), Shape(output))]
  }

  @Sendable static func foldCumSum(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    guard (context.node.int("exclusive") ?? 0) == 0, (context.node.int("reverse") ?? 0) == 0,
      let requested = context.integers(1)?.first
    else { throw ScopeError(.unsupported, "this form of CumSum is not evaluated at compile time") }
    var array = try context.array(0)
    let axis = try context.axis(requested, rank: array.dimensions.count)
    let stride = TensorLayout.strides(array.dimensions)[axis]
    let size = array.dimensions[axis]
    switch array.values {
    case .floats(var values):
      for index in values.indices where index / stride % size > 0 { values[index] += values[index - stride] }
      array.values = .floats(values)
    case .integers(var values):
      for index in values.indices where index / stride % size > 0 { values[index] &+= values[index - stride] }
      array.values = .integers(values)
    }
    return [try array.tensor()]
  }

  @Sendable static func foldTrilu(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let input = try context.constant(0)
    let rank = input.dimensions.count
    guard rank >= 2 else { throw context.invalid("Trilu needs a matrix") }
    let (rows, columns) = (input.dimensions[rank - 2], input.dimensions[rank - 1])
    let diagonal = context.has(1) ? try context.constant(1).ints().first ?? 0 : 0
    guard abs(diagonal) < 1 << 40 else {
      throw context.invalid("the diagonal is not possible", found: "\(diagonal)")
    }
    let upper = context.node.int("upper") != 0
    let positions = (0..<input.elementCount).map { position -> Int in
      let (row, column) = (position / columns % rows, position % columns)
      return (upper ? column >= row + diagonal : column <= row + diagonal) ? position : -1
    }
    return [try TensorLayout.pick(input, positions, input.dimensions)]
  }
}
