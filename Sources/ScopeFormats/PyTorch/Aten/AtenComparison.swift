import ScopeBytes
import ScopeGraph

/// Comparisons, logic, and choosing by a condition.
enum AtenComparison {
  static let operators: [AtenOperator] = [
    compare("eq __eq__", "Equal", .equal), compare("lt less", "Less", .less),
    compare("gt greater", "Greater", .greater), compare("le less_equal", "LessOrEqual", .lessOrEqual),
    compare("ge greater_equal", "GreaterOrEqual", .greaterOrEqual),
    AtenOperator("ne not_equal", "self other") { (builder, arguments) throws(ScopeError) in
      if case .bool(let same)? = try numbers(&builder, arguments, .equal) { return [.bool(!same)] }
      return [.tensor(try builder.emit("Not", [try comparison(&builder, arguments, "Equal")]))]
    },
    logic("logical_and", "And"), logic("logical_or", "Or"), logic("logical_xor", "Xor"),
    .tensor("logical_not", "self") { (builder, arguments) throws(ScopeError) in
      try builder.emit("Not", [try builder.cast(try arguments.tensor("self"), .bool)])
    },
    bitwise("bitwise_and __and__ __iand__", "And", "BitwiseAnd"),
    bitwise("bitwise_or __or__ __ior__", "Or", "BitwiseOr"),
    bitwise("bitwise_xor __xor__", "Xor", "BitwiseXor"),
    .tensor("bitwise_not", "self") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      return try builder.emit(input.dataType == .bool ? "Not" : "BitwiseNot", [input])
    },
    .tensor("where", "condition self other") { (builder, arguments) throws(ScopeError) in
      let condition = try builder.cast(try arguments.tensor("condition"), .bool)
      guard arguments["self"] != nil else {
        throw ScopeError(.unsupported, "where(condition) without values is not converted")
      }
      let (left, right, _) = try builder.promoted(
        try arguments.value("self"), try arguments.value("other"))
      return try builder.emit("Where", [condition, left, right])
    },
    .tensor("masked_fill", "self mask value") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let mask = try builder.cast(try arguments.tensor("mask"), .bool)
      // The lowest float32 number is a usual mask; as float64 it is written with more digits.
      let value = try builder.operand(try arguments.value("value"), input.dataType)
      return try builder.emit("Where", [mask, value, input])
    },
    .tensor("isin", "elements test_elements") { (builder, arguments) throws(ScopeError) in
      let elements = try builder.emit("Unsqueeze", [try arguments.tensor("elements"), builder.literal([-1])])
      let tests = try builder.emit("Reshape", [try arguments.tensor("test_elements"), builder.literal([-1])])
      let (left, right, _) = try builder.promoted(.tensor(elements), .tensor(tests))
      let same = try builder.cast(try builder.emit("Equal", [left, right]), .int32)
      return try builder.cast(try builder.reduce("ReduceMax", same, [-1], false), .bool)
    },
    .tensor("nonzero", "self") { (builder, arguments) throws(ScopeError) in
      let positions = try builder.emit("NonZero", [try arguments.tensor("self")])
      return try builder.emit("Transpose", [positions], ["perm": .ints([1, 0])])
    },
  ]

  /// The comparison of two numbers; nil when one is a tensor or known only at run time.
  private static func numbers(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments, _ operation: AtenBuilder.NumberOperation
  ) throws(ScopeError) -> AtenValue? {
    let (left, right) = (try arguments.value("self"), try arguments.value("other"))
    if operation == .equal, case .string(let a) = left, case .string(let b) = right { return .bool(a == b) }
    return try builder.arithmetic(operation, left, right)
  }

  private static func comparison(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments, _ opType: String
  ) throws(ScopeError) -> AtenTensor {
    var (left, right, type) = try builder.promoted(
      try arguments.value("self"), try arguments.value("other"))
    // ONNX orders numbers only.
    if type == .bool, opType != "Equal" {
      left = try builder.cast(left, .int32)
      right = try builder.cast(right, .int32)
    }
    return try builder.emit(opType, [left, right])
  }

  private static func compare(
    _ names: String, _ opType: String, _ operation: AtenBuilder.NumberOperation
  ) -> AtenOperator {
    AtenOperator(names, "self other") { (builder, arguments) throws(ScopeError) in
      if let result = try numbers(&builder, arguments, operation) { return [result] }
      return [.tensor(try comparison(&builder, arguments, opType))]
    }
  }

  private static func logic(_ name: String, _ opType: String) -> AtenOperator {
    .tensor(name, "self other") { (builder, arguments) throws(ScopeError) in
      try builder.emit(
        opType,
        [
          try builder.cast(try arguments.tensor("self"), .bool),
          try builder.cast(try arguments.tensor("other"), .bool),
        ])
    }
  }

  private static func bitwise(_ names: String, _ logical: String, _ opType: String) -> AtenOperator {
    AtenOperator(names, "self other") { (builder, arguments) throws(ScopeError) in
      if case .bool(let a)? = arguments["self"], case .bool(let b)? = arguments["other"] {
        return [.bool(logical == "And" ? a && b : logical == "Or" ? a || b : a != b)]
      }
      let (left, right, type) = try builder.promoted(
        try arguments.value("self"), try arguments.value("other"))
      return [.tensor(try builder.emit(type == .bool ? logical : opType, [left, right]))]
    }
  }
}
