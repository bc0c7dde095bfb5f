import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Arithmetic on two or more tensors with broadcasting.
enum ElementwiseBinaryOperators {
  static let definitions: [OperatorDefinition] =
    ["Add", "Sub", "Mul", "Div", "Pow", "Mod", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "PRelu"]
    .map { name in
      OperatorDefinition(
        name, memory: .inPlace, infer: infer,
        cost: OperatorDefinition.perOutputElement(1, name == "PRelu" ? .activation : .elementwise),
        fold: name == "PRelu" || name == "BitShift" ? nil : fold)
    }
    + ["Max", "Min", "Sum", "Mean"].map { name in
      OperatorDefinition(name, memory: .inPlace, infer: infer, cost: variadicCost, fold: fold)
    }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard !context.inputs.isEmpty else { throw context.invalid("the operator has no inputs") }
    let shape = try Broadcasting.shape(legacyShapes(context), at: context)
    var output = ValueType(context.dataType(0) ?? context.dataType(1), shape)
    output.partialElements = partialElements(context, shape)
    return [output]
  }

  /// Before opset 7, `axis` with `broadcast` says where the second operand's dimensions go.
  private static func legacyShapes(_ context: OperatorContext) -> [Shape?] {
    var shapes = context.inputs.indices.map { context.shape($0) }
    guard context.node.int("broadcast") == 1, let axis = context.node.int("axis"), shapes.count == 2,
      let left = shapes[0], var right = shapes[1], axis >= 0, axis + right.rank <= left.rank
    else { return shapes }
    right.dimensions += [Dimension](repeating: .known(1), count: left.rank - axis - right.rank)
    shapes[1] = right
    return shapes
  }

  /// Arithmetic on shapes with a symbolic part: element by element.
  private static func partialElements(_ context: OperatorContext, _ shape: Shape?) -> [Dimension]? {
    guard ["Add", "Sub", "Mul", "Div", "Mod", "Max", "Min"].contains(context.node.opType),
      context.inputs.count == 2, let shape,
      shape.rank <= 1, let left = context.elements(0), let right = context.elements(1),
      let count = shape.elementCount, count <= 64, [1, count].contains(left.count),
      [1, count].contains(right.count)
    else { return nil }
    return (0..<count).map { index in
      let a = left[left.count == 1 ? 0 : index]
      let b = right[right.count == 1 ? 0 : index]
      return switch context.node.opType {
      case "Add": Dimension.sum(a, b)
      case "Sub": Dimension.difference(a, b)
      case "Mul": Dimension.product([a, b])
      case "Mod": Dimension.remainder(a, b)
      case "Max": SizeExpression.extreme(a, b, isMaximum: true)
      case "Min": SizeExpression.extreme(a, b, isMaximum: false)
      default: Dimension.quotient(a, b)
      }
    }
  }

  @Sendable static func variadicCost(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    let perElement = max(context.inputs.count - 1, 0) + (context.node.opType == "Mean" ? 1 : 0)
    return counted(outputs.first?.shape?.symbolicCount, SymbolicCount(perElement)).map {
      SymbolicCost(.elementwise, $0)
    }
  }

  @Sendable static func fold(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let sizes = try context.outputSizes(infer)[0]
    guard context.node.int("broadcast") == nil else {
      throw ScopeError(
        .unsupported, "the broadcasting of opset 6 is not evaluated",
        place: OperatorContext.place(context.node))
    }
    var result = try context.array(0).broadcast(to: sizes)
    for index in context.inputs.indices.dropFirst() {
      let operand = try context.array(index).broadcast(to: sizes)
      switch (result.values, operand.values) {
      case (.floats(let left), _):
        let function = try floatFunction(context)
        result.values = .floats(
          zip(left, operand.asFloats).map { rounded(function($0, $1), result.dataType) })
      case (.integers(let left), .integers(let right)):
        let function = try integerFunction(context)
        if ["Div", "Mod"].contains(context.node.opType), right.contains(0) {
          throw context.invalid("integer division by zero")
        }
        result.values = .integers(zip(left, right).map(function))
      default: throw context.invalid("the operands' types differ")
      }
    }
    if context.node.opType == "Mean", case .floats(let sums) = result.values {
      result.values = .floats(sums.map { $0 / Double(context.inputs.count) })
    }
    return [try result.tensor()]
  }

  /// A step's result in the precision of the type it would be stored in.
  private static func rounded(_ value: Double, _ type: DataType) -> Double {
    type == .float32 ? Double(Float(value)) : value
  }

  private static func floatFunction(_ context: OperatorContext) throws(ScopeError) -> (Double, Double) ->
    Double
  {
    switch context.node.opType {
    case "Add", "Sum", "Mean": return { $0 + $1 }
    case "Sub": return { $0 - $1 }
    case "Mul": return { $0 * $1 }
    case "Div": return { $0 / $1 }
    case "Pow": return { pow($0, $1) }
    case "Max": return { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }
    case "Min": return { $0.isNaN || $1.isNaN ? .nan : min($0, $1) }
    case "Mod": return { fmod($0, $1) }
    default: throw context.invalid("the operator takes integers")
    }
  }

  private static func integerFunction(_ context: OperatorContext) throws(ScopeError) -> (Int64, Int64) ->
    Int64
  {
    switch context.node.opType {
    case "Add", "Sum": return { $0 &+ $1 }
    case "Sub": return { $0 &- $1 }
    case "Mul": return { $0 &* $1 }
    case "Div": return { $1 == -1 ? 0 &- $0 : $0 / $1 }
    case "Pow": return { Int64(exactly: pow(Double($0), Double($1)).rounded(.towardZero)) ?? 0 }
    case "Max": return { max($0, $1) }
    case "Min": return { min($0, $1) }
    case "Mod" where context.node.int("fmod") == 1: return { $1 == -1 ? 0 : $0 % $1 }
    case "Mod":
      return { left, right in
        if right == -1 { return 0 }
        let rest = left % right
        return rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest
      }
    case "BitwiseAnd": return { $0 & $1 }
    case "BitwiseOr": return { $0 | $1 }
    case "BitwiseXor": return { $0 ^ $1 }
    default: throw context.invalid("the operator takes floating-point numbers")
    }
  }
}
