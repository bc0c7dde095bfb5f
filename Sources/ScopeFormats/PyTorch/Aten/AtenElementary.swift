import ScopeBytes
import ScopeGraph

/// Elementary functions of one tensor.
enum AtenElementary {
  static let operators: [AtenOperator] =
    [
      ("sqrt", "Sqrt"), ("exp", "Exp"), ("log", "Log"), ("erf", "Erf"), ("sin", "Sin"), ("cos", "Cos"),
      ("tan", "Tan"), ("asin", "Asin"), ("acos", "Acos"), ("atan", "Atan"), ("sinh", "Sinh"),
      ("cosh", "Cosh"),
      ("reciprocal", "Reciprocal"),
    ].map { real($0.0, [$0.1]) } + [
      real("rsqrt", ["Sqrt", "Reciprocal"]),
      kept("abs absolute", "Abs"), kept("ceil", "Ceil"), kept("floor", "Floor"), kept("sign sgn", "Sign"),
      AtenOperator("neg negative __neg__", "self") { (builder, arguments) throws(ScopeError) in
        let value = try arguments.value("self")
        if let number = try builder.arithmetic(.subtract, .int(0), value) { return [number] }
        return [.tensor(try builder.emit("Neg", [try arguments.tensor("self")]))]
      },
      .tensor("round", "self decimals") { (builder, arguments) throws(ScopeError) in
        guard try arguments.int("decimals", 0) == 0 else {
          throw ScopeError(.unsupported, "rounding to decimals is not converted")
        }
        return try integral(&builder, arguments, "Round")
      },
      .tensor("trunc fix", "self") { (builder, arguments) throws(ScopeError) in
        let input = try arguments.tensor("self")
        return input.dataType?.isFloatingPoint ?? true ? try builder.truncated(input) : input
      },
      .tensor("square", "self") { (builder, arguments) throws(ScopeError) in
        let input = try arguments.tensor("self")
        return try builder.emit("Mul", [input, input])
      },
      .tensor("log2", "self") { (builder, arguments) throws(ScopeError) in
        try builder.scaled(try log(&builder, arguments), by: 1 / 0.6931471805599453)
      },
      .tensor("log10", "self") { (builder, arguments) throws(ScopeError) in
        try builder.scaled(try log(&builder, arguments), by: 1 / 2.302585092994046)
      },
      .tensor("log1p", "self") { (builder, arguments) throws(ScopeError) in
        let input = try builder.real(try arguments.tensor("self"))
        let one = try builder.scalar(1.0, input.dataType ?? .float32)
        return try builder.emit("Log", [try builder.emit("Add", [input, one])])
      },
      .tensor("expm1", "self") { (builder, arguments) throws(ScopeError) in
        let input = try builder.real(try arguments.tensor("self"))
        let one = try builder.scalar(1.0, input.dataType ?? .float32)
        return try builder.emit("Sub", [try builder.emit("Exp", [input]), one])
      },
      .tensor("isnan", "self") { (builder, arguments) throws(ScopeError) in
        try builder.emit("IsNaN", [try arguments.tensor("self")])
      },
      .tensor("isinf", "self") { (builder, arguments) throws(ScopeError) in
        try builder.emit("IsInf", [try arguments.tensor("self")])
      },
    ]

  /// Functions whose result has a fraction, also for integers.
  private static func real(_ name: String, _ opTypes: [String]) -> AtenOperator {
    .tensor(name, "self") { (builder, arguments) throws(ScopeError) in
      var value = try builder.real(try builder.operand(try arguments.value("self"), nil))
      for opType in opTypes { value = try builder.emit(opType, [value]) }
      return value
    }
  }

  /// Functions that keep the element type; integers are whole already.
  private static func kept(_ names: String, _ opType: String) -> AtenOperator {
    AtenOperator(names, "self") { (builder, arguments) throws(ScopeError) in
      if case .float(let number)? = arguments["self"], number.magnitude < 0x1p62 {
        switch opType {
        case "Ceil": return [.int(Int(number.rounded(.up)))]
        case "Floor": return [.int(Int(number.rounded(.down)))]
        case "Abs": return [.float(number.magnitude)]
        default: break
        }
      }
      if case .int(let number)? = arguments["self"], opType != "Sign", number != .min {
        return [.int(opType == "Abs" ? abs(number) : number)]
      }
      return [.tensor(try integral(&builder, arguments, opType))]
    }
  }

  private static func integral(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments, _ opType: String
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("self")
    let isWhole = ["Ceil", "Floor", "Round"].contains(opType) && !(input.dataType?.isFloatingPoint ?? true)
    return isWhole ? input : try builder.emit(opType, [input])
  }

  private static func log(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    try builder.emit("Log", [try builder.real(try arguments.tensor("self"))])
  }
}

extension AtenBuilder {
  /// Integers as float32.
  mutating func real(_ value: AtenTensor) throws(ScopeError) -> AtenTensor {
    guard let type = value.dataType, !type.isFloatingPoint else { return value }
    return try cast(value, .float32)
  }
}
