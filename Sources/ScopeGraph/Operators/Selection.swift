import ScopeBytes

/// Sorting, searching and counting. Cost: one comparison per input element where every element is looked at.
enum SelectionOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition(
      "ArgMax", infer: inferArgument, cost: OperatorDefinition.perInputElement(1, .reduction)),
    OperatorDefinition(
      "ArgMin", infer: inferArgument, cost: OperatorDefinition.perInputElement(1, .reduction)),
    OperatorDefinition("TopK", infer: inferTopK, cost: OperatorDefinition.perInputElement(1, .reduction)),
    OperatorDefinition(
      "NonZero", infer: inferNonZero, cost: OperatorDefinition.perInputElement(1, .reduction),
      fold: foldNonZero),
    OperatorDefinition("Unique", infer: inferUnique, cost: OperatorDefinition.perInputElement(1, .reduction)),
    // One comparison per score; how many boxes are compared with one another depends on the scores.
    OperatorDefinition("NonMaxSuppression", infer: inferSuppression, cost: costSuppression),
    OperatorDefinition("OneHot", infer: inferOneHot),
    OperatorDefinition(
      "CumSum", infer: OperatorDefinition.sameAsFirstInput,
      cost: OperatorDefinition.perOutputElement(1, .elementwise),
      fold: foldCumSum),
    OperatorDefinition(
      "CumProd", infer: OperatorDefinition.sameAsFirstInput,
      cost: OperatorDefinition.perOutputElement(1, .elementwise)),
    OperatorDefinition(
      "Multinomial", infer: inferMultinomial, cost: OperatorDefinition.perInputElement(1, .other)),
    OperatorDefinition("Trilu", infer: OperatorDefinition.sameAsFirstInput, fold: foldTrilu),
    OperatorDefinition("ReverseSequence", infer: OperatorDefinition.sameAsFirstInput),
    OperatorDefinition("Compress", infer: inferCompress),
  ]

  /// [selected, 3]; no box is selected when at most zero are wanted per class (the default).
  @Sendable static func inferSuppression(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    if let boxes = context.shape(0), boxes.rank != 3 || boxes.dimensions[2].value ?? 4 != 4 {
      throw context.invalid("boxes must be [batch, boxes, 4]", found: "\(boxes)")
    }
    if let scores = context.shape(1), scores.rank != 3 {
      throw context.invalid("scores must be [batch, classes, boxes]", found: "\(scores)")
    }
    let perClass = context.has(2) ? context.integers(2)?.first : 0
    return [ValueType(.int64, Shape([perClass.map { $0 <= 0 } ?? false ? .known(0) : .unknown, .known(3)]))]
  }

  @Sendable static func costSuppression(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    context.shape(1)?.symbolicCount.map { SymbolicCost(.reduction, $0) }
  }

  @Sendable static func inferMultinomial(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let samples = context.node.int("sample_size") ?? 1
    guard samples > 0 else { throw context.invalid("sample_size must be positive", found: "\(samples)") }
    let type =
      context.node.int("dtype").flatMap { Int32(exactly: $0) }.flatMap(DataType.init(rawValue:)) ?? .int32
    return [ValueType(type, Shape([context.shape(0)?.dimensions.first ?? .unknown, .known(samples)]))]
  }

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
    let k = context.node.int("k").map(Dimension.known) ?? context.elements(1)?.first ?? .unknown
    if let count = k.value {
      guard count >= 0, count <= output[axis].value ?? .max else {
        throw context.invalid("k is not possible", expected: "at most \(output[axis])", found: "\(count)")
      }
    }
    output[axis] = k
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
    guard diagonal > -(1 << 40), diagonal < 1 << 40 else {
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
