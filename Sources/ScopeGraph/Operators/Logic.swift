import ScopeBytes

/// Comparisons, boolean algebra and Where.
enum LogicOperators {
  static let definitions: [OperatorDefinition] =
    ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor"].map { name in
      OperatorDefinition(
        name, infer: inferComparison, cost: OperatorDefinition.perOutputElement(1, .elementwise),
        fold: foldComparison)
    }
    + [
      OperatorDefinition(
        "Not", memory: .inPlace, infer: inferTest, cost: OperatorDefinition.perOutputElement(1, .elementwise),
        fold: foldTest),
      OperatorDefinition(
        "IsNaN", infer: inferTest, cost: OperatorDefinition.perOutputElement(1, .elementwise), fold: foldTest),
      OperatorDefinition(
        "IsInf", infer: inferTest, cost: OperatorDefinition.perOutputElement(1, .elementwise)),
      OperatorDefinition(
        "Where", memory: .inPlace, infer: inferWhere,
        cost: OperatorDefinition.perOutputElement(1, .elementwise),
        fold: foldWhere),
    ]

  @Sendable static func inferComparison(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let shape = try Broadcasting.shape([context.shape(0), context.shape(1)], at: context)
    var output = ValueType(.bool, shape)
    // `shape == -1`, as exported for expand(): a symbolic size is never negative.
    if context.node.opType == "Equal", let count = shape?.elementCount, count <= 64, (shape?.rank ?? 2) <= 1,
      let left = context.elements(0), let right = context.elements(1), [1, count].contains(left.count),
      [1, count].contains(right.count)
    {
      output.partialElements = (0..<count).map { index in
        equality(left[left.count == 1 ? 0 : index], right[right.count == 1 ? 0 : index])
      }
    }
    return [output]
  }

  /// 1, 0 or unknown.
  private static func equality(_ left: Dimension, _ right: Dimension) -> Dimension {
    switch (left, right) {
    case (.known(let a), .known(let b)): .known(a == b ? 1 : 0)
    case (.known(let size), .symbolic), (.symbolic, .known(let size)): size < 0 ? .known(0) : .unknown
    case (.symbolic(let a), .symbolic(let b)): a == b ? .known(1) : .unknown
    default: .unknown
    }
  }

  @Sendable static func inferTest(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(.bool, context.shape(0))]
  }

  @Sendable static func inferWhere(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let shape = try Broadcasting.shape([context.shape(0), context.shape(1), context.shape(2)], at: context)
    var output = ValueType(context.dataType(1) ?? context.dataType(2), shape)
    // Shapes with a symbolic part, as in Expand's `Where(shape == -1, ones, shape)`.
    if let count = shape?.elementCount, count <= 64, let condition = context.elements(0),
      let left = context.elements(1), let right = context.elements(2),
      [condition.count, left.count, right.count].allSatisfy({ $0 == 1 || $0 == count })
    {
      output.partialElements = (0..<count).map { index in
        let yes = left[left.count == 1 ? 0 : index]
        let no = right[right.count == 1 ? 0 : index]
        guard let chosen = condition[condition.count == 1 ? 0 : index].value else {
          return Dimension.common(yes, no)
        }
        return chosen != 0 ? yes : no
      }
    }
    return [output]
  }

  @Sendable static func foldComparison(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let sizes = try context.outputSizes(inferComparison)[0]
    let left = try context.array(0).broadcast(to: sizes)
    let right = try context.array(1).broadcast(to: sizes)
    let result: [Bool]
    if case .integers(let a) = left.values, case .integers(let b) = right.values {
      result = zip(a, b).map { compare($0, $1, context.node.opType) }
    } else {
      result = zip(left.asFloats, right.asFloats).map { compare($0, $1, context.node.opType) }
    }
    return [try NumericArray(.bool, sizes, .integers(result.map { $0 ? 1 : 0 })).tensor()]
  }

  private static func compare<Number: Comparable & ExpressibleByIntegerLiteral>(
    _ left: Number, _ right: Number, _ operation: String
  ) -> Bool {
    switch operation {
    case "Equal": left == right
    case "Less": left < right
    case "LessOrEqual": left <= right
    case "Greater": left > right
    case "GreaterOrEqual": left >= right
    case "And": left != 0 && right != 0
    case "Or": left != 0 || right != 0
    default: (left != 0) != (right != 0)
    }
  }

  @Sendable static func foldTest(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let array = try context.array(0)
    let isNot = context.node.opType == "Not"
    let result = array.asFloats.map { (isNot ? $0 == 0 : $0.isNaN) ? Int64(1) : 0 }
    return [try NumericArray(.bool, array.dimensions, .integers(result)).tensor()]
  }

  @Sendable static func foldWhere(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let sizes = try context.outputSizes(inferWhere)[0]
    let condition = try context.array(0).broadcast(to: sizes).asFloats
    let yes = try context.constant(1)
    let no = try context.constant(2)
    guard yes.dataType == no.dataType else { throw context.invalid("the alternatives' types differ") }
    let both = try TensorLayout.joined([yes, no], [yes.elementCount + no.elementCount])
    let left = TensorLayout.positions(sizes, strides: Broadcasting.strides(yes.dimensions, to: sizes))
    let right = TensorLayout.positions(sizes, strides: Broadcasting.strides(no.dimensions, to: sizes))
    let positions = condition.indices.map { condition[$0] != 0 ? left[$0] : right[$0] + yes.elementCount }
    return [try TensorLayout.pick(both, positions, sizes)]
  }
}
