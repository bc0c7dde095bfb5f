import ScopeBytes

/// Conversion of element types. Cost: one operation per element.
enum CastOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition(
      "Cast", infer: infer, cost: OperatorDefinition.perOutputElement(1, .elementwise), fold: fold),
    OperatorDefinition(
      "CastLike", infer: infer, cost: OperatorDefinition.perOutputElement(1, .elementwise), fold: fold),
    OperatorDefinition("BitCast", infer: infer),
  ]

  private static func target(_ context: OperatorContext) -> DataType? {
    if context.node.opType == "CastLike" { return context.dataType(1) }
    return context.node.int("to").flatMap { Int32(exactly: $0) }.flatMap(DataType.init(rawValue:))
  }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let type = target(context) else { throw context.invalid("the target type is not one of ONNX") }
    var output = ValueType(type, context.shape(0))
    if type != .bool, type != .string { output.partialElements = context.input(0).partialElements }
    return [output]
  }

  @Sendable static func fold(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    guard let type = target(context) else { throw context.invalid("the target type is not one of ONNX") }
    let input = try context.constant(0)
    if input.dataType == type { return [input] }
    var array = try NumericArray(input)
    switch (array.values, type.isFloatingPoint) {
    case (.floats(let values), false):
      if type == .bool {
        array.values = .integers(values.map { $0 == 0 ? 0 : 1 })
      } else {
        // What happens outside the range differs between processors; leave it to the engine.
        guard values.allSatisfy({ $0.isFinite && abs($0) < 0x1p62 }) else {
          throw ScopeError(
            .unsupported, "a number does not fit the integer type", place: OperatorContext.place(context.node)
          )
        }
        array.values = .integers(values.map { Int64($0.rounded(.towardZero)) })
      }
    case (.integers(let values), true):
      array.values = .floats(values.map { type == .float32 ? Double(Float($0)) : Double($0) })
    case (.integers(let values), false) where type == .bool:
      array.values = .integers(values.map { $0 == 0 ? 0 : 1 })
    default: break
    }
    array.dataType = type
    return [try array.tensor()]
  }
}
