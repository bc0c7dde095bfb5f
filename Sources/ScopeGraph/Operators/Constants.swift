import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Constants, shapes as values, ranges and random tensors.
enum ConstantOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("Constant", infer: inferConstant, fold: { (c) throws(ScopeError) in [try value(c)] }),
    OperatorDefinition("Shape", infer: inferShape),
    OperatorDefinition("Size", infer: inferSize),
    OperatorDefinition("ConstantOfShape", infer: inferFilled, fold: foldFilled),
    OperatorDefinition("Range", infer: inferRange, fold: foldRange),
    OperatorDefinition(
      "Bernoulli", infer: inferLike, cost: OperatorDefinition.perOutputElement(1, .elementwise)),
    OperatorDefinition("EyeLike", infer: inferLike),
    OperatorDefinition("RandomNormalLike", infer: inferLike),
    OperatorDefinition("RandomUniformLike", infer: inferLike),
    OperatorDefinition("RandomNormal", infer: inferRandom),
    OperatorDefinition("RandomUniform", infer: inferRandom),
  ]

  /// The tensor of a Constant node, whichever attribute holds it.
  package static func value(_ context: OperatorContext) throws(ScopeError) -> Tensor {
    let node = context.node
    if let tensor = node.tensor("value") { return tensor }
    if let value = node.int("value_int") { return .int64s([value], []) }
    if let values = node.ints("value_ints") { return .int64s(values) }
    if let value = node.float("value_float") { return .floats([value], []) }
    if let values = node.floats("value_floats") { return .floats(values, [values.count]) }
    if case .string(let bytes)? = node.attributes["value_string"] {
      return try Tensor(dataType: .string, dimensions: [], storage: .strings([bytes]))
    }
    if case .strings(let strings)? = node.attributes["value_strings"] {
      return try Tensor(dataType: .string, dimensions: [strings.count], storage: .strings(strings))
    }
    throw ScopeError(.unsupported, "the constant has no dense value", place: OperatorContext.place(node))
  }

  @Sendable static func inferConstant(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(constant: try value(context))]
  }

  @Sendable static func inferShape(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [ValueType(.int64, Shape([.unknown]))] }
    func bound(_ position: Int) -> Int {
      min(max(position < 0 ? position + input.rank : position, 0), input.rank)
    }
    let start = bound(context.node.int("start") ?? 0)
    let end = max(start, bound(context.node.int("end") ?? input.rank))
    let elements = Array(input.dimensions[start..<end])
    if let sizes = Shape(elements).sizes { return [ValueType(constant: .int64s(sizes))] }
    var output = ValueType(.int64, [elements.count])
    output.partialElements = elements
    return [output]
  }

  @Sendable static func inferSize(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [ValueType(.int64, [])] }
    if let count = input.elementCount { return [ValueType(constant: .int64s([count], []))] }
    var output = ValueType(.int64, [])
    output.partialElements = [.product(input.dimensions)]
    return [output]
  }

  @Sendable static func inferFilled(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.node.tensor("value")?.dataType ?? .float32
    if let elements = context.elements(0) {
      if let negative = elements.first(where: { ($0.value ?? 0) < 0 }) {
        throw context.invalid("a size is negative", found: "\(negative)")
      }
      return [ValueType(type, Shape(elements))]
    }
    guard let rank = context.shape(0)?.elementCount, rank <= 64 else { return [ValueType(type)] }
    return [ValueType(type, Shape([Dimension](repeating: .unknown, count: rank)))]
  }

  @Sendable static func foldFilled(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let sizes = try context.outputSizes(inferFilled)[0]
    let value = context.node.tensor("value") ?? Tensor.floats([0], [1])
    return [try TensorLayout.pick(value, [Int](repeating: 0, count: sizes.reduce(1, *)), sizes)]
  }

  @Sendable static func inferRange(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    guard context.inputs.count == 3 else { throw context.invalid("Range needs start, limit and delta") }
    if (0..<3).allSatisfy({ context.input($0).constant != nil }) {
      return [ValueType(type, [try rangeCount(context)])]
    }
    if let start = context.elements(0)?.first, let limit = context.elements(1)?.first,
      let step = context.elements(2)?.first?.value, step > 0
    {
      return [ValueType(type, Shape([.roundedUp(.difference(limit, start), by: step)]))]
    }
    return [ValueType(type, Shape([.unknown]))]
  }

  private static func rangeCount(_ context: OperatorContext) throws(ScopeError) -> Int {
    let parts = [try context.array(0), try context.array(1), try context.array(2)]
    guard parts.allSatisfy({ $0.count == 1 }) else {
      throw context.invalid("start, limit and delta must be scalars")
    }
    let (start, limit, delta) = (parts[0].asFloats[0], parts[1].asFloats[0], parts[2].asFloats[0])
    let count = ((limit - start) / delta).rounded(.up)
    guard delta != 0, count.isFinite, abs(count) < 0x1p48 else {
      throw context.invalid("the range has no end", found: "\(start) to \(limit) by \(delta)")
    }
    return max(0, Int(count))
  }

  @Sendable static func foldRange(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let count = try rangeCount(context)
    let start = try context.array(0)
    let delta = try context.array(2)
    switch (start.values, delta.values) {
    case (.integers(let first), .integers(let step)):
      let values = (0..<count).map { first[0] &+ Int64($0) &* step[0] }
      return [try NumericArray(start.dataType, [count], .integers(values)).tensor()]
    case (.floats(let first), .floats(let step)):
      return [
        try NumericArray(
          start.dataType, [count], .floats((0..<count).map { first[0] + Double($0) * step[0] })
        ).tensor()
      ]
    default: throw context.invalid("start, limit and delta differ in type")
    }
  }

  private static func declaredType(_ context: OperatorContext) -> DataType? {
    context.node.int("dtype").flatMap { Int32(exactly: $0) }.flatMap(DataType.init(rawValue:))
  }

  @Sendable static func inferLike(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(declaredType(context) ?? context.dataType(0), context.shape(0))]
  }

  @Sendable static func inferRandom(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let sizes = context.node.ints("shape")
    if let negative = sizes?.first(where: { $0 < 0 }) {
      throw context.invalid("a size is negative", found: "\(negative)")
    }
    return [ValueType(declaredType(context) ?? .float32, sizes.map { Shape($0) })]
  }
}
