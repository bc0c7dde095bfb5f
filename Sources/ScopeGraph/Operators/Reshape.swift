import ScopeBytes

/// Operators that give the same elements another shape, or the same tensor another name.
enum ReshapeOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition(
      "Reshape", memory: .view, infer: inferReshape,
      fold: { (c) throws(ScopeError) in try foldView(c, inferReshape) }),
    OperatorDefinition(
      "Flatten", memory: .view, infer: inferFlatten,
      fold: { (c) throws(ScopeError) in try foldView(c, inferFlatten) }),
    OperatorDefinition(
      "Squeeze", memory: .view, infer: inferSqueeze,
      fold: { (c) throws(ScopeError) in try foldView(c, inferSqueeze) }),
    OperatorDefinition(
      "Unsqueeze", memory: .view, infer: inferUnsqueeze,
      fold: { (c) throws(ScopeError) in try foldView(c, inferUnsqueeze) }),
    OperatorDefinition(
      "Identity", memory: .view, infer: inferIdentity, fold: { (c) throws(ScopeError) in [try c.constant(0)] }
    ),
    OperatorDefinition("Dropout", memory: .view, infer: inferDropout),
  ]

  private static func foldView(
    _ context: OperatorContext, _ infer: OperatorDefinition.Inference
  ) throws(ScopeError) -> [Tensor] {
    [try context.constant(0).reshaped(try context.outputSizes(infer)[0])]
  }

  private static func output(_ context: OperatorContext, _ shape: Shape?) -> ValueType {
    var output = ValueType(context.dataType(0), shape)
    output.partialElements = context.input(0).partialElements
    return output
  }

  @Sendable static func inferReshape(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let wanted: [Dimension]
    if let sizes = context.node.ints("shape") {
      wanted = sizes.map(Dimension.known)
    } else if let elements = context.elements(1) {
      wanted = elements
    } else {
      guard let rank = context.shape(1)?.elementCount, rank <= 64 else { return [output(context, nil)] }
      return [output(context, Shape([Dimension](repeating: .unknown, count: rank)))]
    }
    guard wanted.count <= 64 else {
      throw context.invalid("the rank is not possible", found: "\(wanted.count)")
    }
    let input = context.shape(0)
    var result: [Dimension] = []
    var inferred: Int?
    for (axis, dimension) in wanted.enumerated() {
      switch dimension {
      case .known(0) where context.node.int("allowzero") != 1:
        if let input, axis >= input.rank {
          throw context.invalid(
            "a size is copied from an axis that the input does not have", found: "axis \(axis) of \(input)")
        }
        result.append(input?.dimensions[axis] ?? .unknown)
      case .known(-1):
        guard inferred == nil else {
          throw context.invalid("two sizes are to be inferred", found: "\(Shape(wanted))")
        }
        inferred = axis
        result.append(.known(1))
      case .known(let size) where size < 0: throw context.invalid("a size is negative", found: "\(size)")
      default: result.append(dimension)
      }
    }
    guard let input else {
      if let inferred { result[inferred] = .unknown }
      return [output(context, Shape(result))]
    }
    let total = input.symbolicCount
    if let inferred {
      result[inferred] = .unknown
      if let total,
        let rest = Shape(result.enumerated().filter { $0.offset != inferred }.map(\.element)).symbolicCount
      {
        if rest == 0 {
          result[inferred] = .known(0)
        } else if let quotient = total.dividedExactly(by: rest) {
          result[inferred] = SizeExpression.dimension(quotient)
        } else if let divisor = rest.number {
          guard total.number == nil else {
            throw context.invalid("\(input) cannot be reshaped to \(Shape(wanted))")
          }
          // The model runs only for inputs for which it divides.
          result[inferred] = SizeExpression.dimension(SizeExpression.floored(total, by: divisor))
        }
      }
    } else if let total = total?.number, let rest = Shape(result).elementCount, total != rest {
      throw context.invalid("\(input) cannot be reshaped to \(Shape(result))")
    } else if let axis = result.firstIndex(of: .unknown), result.count(where: { $0 == .unknown }) == 1,
      let total,
      let others = Shape(result.enumerated().filter { $0.offset != axis }.map(\.element)).symbolicCount,
      let quotient = total.dividedExactly(by: others)
    {
      // One size is computed at run time from something that is not followed; the element count determines it.
      result[axis] = SizeExpression.dimension(quotient)
    }
    return [output(context, Shape(result))]
  }

  @Sendable static func inferFlatten(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [output(context, Shape([.unknown, .unknown]))] }
    let declared = context.node.int("axis") ?? 1
    guard declared >= -input.rank, declared <= input.rank else {
      throw context.invalid("the axis is outside the tensor", found: "\(declared) of \(input)")
    }
    let axis = declared < 0 ? declared + input.rank : declared
    return [
      output(context, Shape([.product(input.dimensions[..<axis]), .product(input.dimensions[axis...])]))
    ]
  }

  @Sendable static func inferSqueeze(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [output(context, nil)] }
    switch context.list(attribute: "axes", input: 1) {
    case .unknown: return [output(context, nil)]
    case .absent:
      guard input.sizes != nil else { return [output(context, nil)] }
      return [output(context, Shape(input.dimensions.filter { $0 != .known(1) }))]
    case .known(let axes):
      var removed: Set<Int> = []
      for axis in axes {
        let axis = try context.axis(axis, rank: input.rank)
        if let size = input.dimensions[axis].value, size != 1 {
          throw context.invalid("an axis of size other than 1 is squeezed", found: "axis \(axis) of \(input)")
        }
        removed.insert(axis)
      }
      return [
        output(
          context, Shape(input.dimensions.enumerated().filter { !removed.contains($0.offset) }.map(\.element))
        )
      ]
    }
  }

  @Sendable static func inferUnsqueeze(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [output(context, nil)] }
    guard case .known(let axes) = context.list(attribute: "axes", input: 1) else {
      return [output(context, nil)]
    }
    guard axes.count <= 64 else {
      throw context.invalid("the rank is not possible", found: "\(axes.count) new axes")
    }
    let rank = input.rank + axes.count
    var inserted: Set<Int> = []
    for axis in axes { inserted.insert(try context.axis(axis, rank: rank)) }
    guard inserted.count == axes.count else {
      throw context.invalid("an axis is inserted twice", found: "\(axes)")
    }
    var rest = input.dimensions.makeIterator()
    let dimensions = (0..<rank).map { inserted.contains($0) ? .known(1) : rest.next() ?? .unknown }
    return [output(context, Shape(dimensions))]
  }

  @Sendable static func inferIdentity(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    var result = output(context, context.shape(0))
    result.constant = context.input(0).constant
    return [result]
  }

  @Sendable static func inferDropout(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [output(context, context.shape(0)), ValueType(.bool, context.shape(0))]
  }
}
