import ScopeBytes
import ScopeGraph

/// Sums, products, quotients and powers, with PyTorch's type promotion. Calls on numbers alone give numbers.
enum AtenArithmetic {
  static let operators: [AtenOperator] = [
    AtenOperator("add __add__ __iadd__", "self other alpha") { (builder, arguments) throws(ScopeError) in
      try additive(&builder, arguments, "Add", .add, swapped: false)
    },
    AtenOperator("sub subtract __sub__", "self other alpha") { (builder, arguments) throws(ScopeError) in
      try additive(&builder, arguments, "Sub", .subtract, swapped: false)
    },
    AtenOperator("rsub", "self other alpha") { (builder, arguments) throws(ScopeError) in
      try additive(&builder, arguments, "Sub", .subtract, swapped: true)
    },
    AtenOperator("mul multiply __mul__", "self other") { (builder, arguments) throws(ScopeError) in
      let (left, right) = (try arguments.value("self"), try arguments.value("other"))
      if let number = try builder.arithmetic(.multiply, left, right) { return [number] }
      let (a, b, type) = try builder.promoted(left, right)
      if type == .bool { return [.tensor(try builder.emit("And", [a, b]))] }
      return [.tensor(try builder.emit("Mul", [a, b]))]
    },
    AtenOperator("div divide true_divide truediv __truediv__", "self other rounding_mode", divide),
    AtenOperator("floor_divide floordiv __floordiv__", "self other") {
      (builder, arguments) throws(ScopeError) in
      let (left, right) = (try arguments.value("self"), try arguments.value("other"))
      if let number = try builder.arithmetic(.floorDivide, left, right) { return [number] }
      return [.tensor(try builder.floorQuotient(left, right))]
    },
    AtenOperator("remainder mod __mod__", "self other") { (builder, arguments) throws(ScopeError) in
      let (left, right) = (try arguments.value("self"), try arguments.value("other"))
      if let number = try builder.arithmetic(.modulo, left, right) { return [number] }
      let (a, b, type) = try builder.promoted(left, right)
      return [.tensor(try builder.floorRemainder(a, b, type))]
    },
    .tensor("fmod", "self other") { (builder, arguments) throws(ScopeError) in
      let (a, b, _) = try builder.promoted(try arguments.value("self"), try arguments.value("other"))
      return try builder.emit("Mod", [a, b], ["fmod": .int(1 as Int)])
    },
    AtenOperator("pow __pow__", "self exponent") { (builder, arguments) throws(ScopeError) in
      let (left, right) = (try arguments.value("self"), try arguments.value("exponent"))
      if let number = try builder.arithmetic(.power, left, right) { return [number] }
      return [.tensor(try power(&builder, left, right))]
    },
    binary("maximum", "Max"), binary("minimum", "Min"),
    .tensor("addcmul", "self tensor1 tensor2 value") { (builder, arguments) throws(ScopeError) in
      try fused(&builder, arguments, "Mul")
    },
    .tensor("addcdiv", "self tensor1 tensor2 value") { (builder, arguments) throws(ScopeError) in
      try fused(&builder, arguments, "Div")
    },
    .tensor("lerp", "self end weight") { (builder, arguments) throws(ScopeError) in
      let start = try arguments.tensor("self")
      let difference = try builder.emit("Sub", [try arguments.tensor("end"), start])
      let weight = try builder.operand(try arguments.value("weight"), start.dataType)
      return try builder.emit("Add", [start, try builder.emit("Mul", [weight, difference])])
    },
  ]

  private static func binary(_ names: String, _ opType: String) -> AtenOperator {
    .tensor(names, "self other") { (builder, arguments) throws(ScopeError) in
      let (left, right, _) = try builder.promoted(try arguments.value("self"), try arguments.value("other"))
      return try builder.emit(opType, [left, right])
    }
  }

  /// self + alpha other, self - alpha other, other - alpha self.
  private static func additive(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments, _ opType: String,
    _ operation: AtenBuilder.NumberOperation, swapped: Bool
  ) throws(ScopeError) -> [AtenValue] {
    var (left, right) = (try arguments.value("self"), try arguments.value("other"))
    if case .list(let first) = left, case .list(let second) = right, opType == "Add" {
      return [.list(first + second)]
    }
    if swapped { swap(&left, &right) }
    let alpha = arguments["alpha"] ?? .int(1)
    let isPlain = AtenArguments.double(alpha) == 1
    if isPlain, let number = try builder.arithmetic(operation, left, right) { return [number] }
    var (a, b, type) = try builder.promoted(left, right)
    if type == .bool {
      guard opType == "Add" else { throw ScopeError(.malformed, "truth values cannot be subtracted") }
      return [.tensor(try builder.emit("Or", [a, b]))]
    }
    if !isPlain { b = try builder.emit("Mul", [b, try builder.operand(alpha, type)]) }
    a = try builder.emit(opType, [a, b])
    return [.tensor(a)]
  }

  @Sendable private static func divide(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> [AtenValue] {
    let (left, right) = (try arguments.value("self"), try arguments.value("other"))
    switch try arguments.string("rounding_mode", "") {
    case "":
      if let number = try builder.arithmetic(.divide, left, right) { return [number] }
      let promoted = AtenPromotion.common([left, right])
      let type = promoted.isFloatingPoint ? promoted : .float32
      return [
        .tensor(try builder.emit("Div", [try builder.operand(left, type), try builder.operand(right, type)]))
      ]
    case "floor": return [.tensor(try builder.floorQuotient(left, right))]
    case "trunc":
      let (a, b, type) = try builder.promoted(left, right)
      let quotient = try builder.emit("Div", [a, b])
      return [.tensor(type.isFloatingPoint ? try builder.truncated(quotient) : quotient)]
    default: throw arguments.wrong("rounding_mode", "floor or trunc")
    }
  }

  private static func power(
    _ builder: inout AtenBuilder, _ left: AtenValue, _ right: AtenValue
  ) throws(ScopeError) -> AtenTensor {
    let (a, b, type) = try builder.promoted(left, right)
    if let exponent = AtenArguments.double(right), type.isFloatingPoint {
      if exponent == 2 { return try builder.emit("Mul", [a, a]) }
      if exponent == 1 { return a }
      if exponent == 0.5 { return try builder.emit("Sqrt", [a]) }
      if exponent == -0.5 { return try builder.emit("Reciprocal", [try builder.emit("Sqrt", [a])]) }
    }
    return try builder.emit("Pow", [a, b])
  }

  private static func fused(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments, _ opType: String
  ) throws(ScopeError) -> AtenTensor {
    let (base, first, second) = (
      try arguments.value("self"), try arguments.value("tensor1"), try arguments.value("tensor2")
    )
    let type = AtenPromotion.common([base, first, second])
    let product = try builder.emit(
      opType, [try builder.operand(first, type), try builder.operand(second, type)])
    let scaled = try builder.scaled(product, by: try arguments.double("value", 1))
    return try builder.emit("Add", [try builder.operand(base, type), scaled])
  }
}

extension AtenBuilder {
  /// floor(a / b) in the operands' common type.
  mutating func floorQuotient(_ left: AtenValue, _ right: AtenValue) throws(ScopeError) -> AtenTensor {
    let (a, b, type) = try promoted(left, right)
    if type.isFloatingPoint { return try emit("Floor", [try emit("Div", [a, b])]) }
    // Integer division of ONNX cuts towards zero: what is left over is taken away first.
    let rest = try emit("Mod", [a, b])
    return try emit("Div", [try emit("Sub", [a, rest]), b])
  }

  /// a - b floor(a / b): the sign of the divisor, as in Python.
  mutating func floorRemainder(
    _ a: AtenTensor, _ b: AtenTensor, _ type: DataType
  ) throws(ScopeError) -> AtenTensor {
    if !type.isFloatingPoint { return try emit("Mod", [a, b]) }
    let floor = try emit("Floor", [try emit("Div", [a, b])])
    return try emit("Sub", [a, try emit("Mul", [b, floor])])
  }

  /// Towards zero.
  mutating func truncated(_ value: AtenTensor) throws(ScopeError) -> AtenTensor {
    let floor = try emit("Floor", [try emit("Abs", [value])])
    return try emit("Mul", [try emit("Sign", [value]), floor])
  }
}
