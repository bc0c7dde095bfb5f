import ScopeBytes
import ScopeGraph

/// Element types, copies, and what does nothing in evaluation.
enum AtenConversion {
  static let operators: [AtenOperator] = [
    .tensor("to", "self a b c d e f dtype layout device pin_memory non_blocking copy memory_format other") {
      (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      if let type = try arguments.dataType("dtype") { return try builder.cast(input, type) }
      if let other = try arguments.optionalTensor("other") {
        return try builder.cast(input, other.dataType ?? .float32)
      }
      // to(dtype, ...), to(device, dtype, ...), to(other, ...).
      for value in arguments.positional.dropFirst().prefix(2) {
        switch value {
        case .tensor(let other): return try builder.cast(input, other.dataType ?? .float32)
        case .dataType(let type): return try builder.cast(input, type)
        case .int:
          guard let type = AtenArguments.dataType(value) else {
            throw arguments.wrong("a", "an element type")
          }
          return try builder.cast(input, type)
        default: continue
        }
      }
      return input
    },
    .tensor("_to_copy", "self dtype layout device pin_memory non_blocking memory_format") {
      (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let type = try arguments.dataType("dtype") ?? input.dataType
      return try copied(&builder, try builder.cast(input, type ?? .float32), input)
    },
    .tensor("type_as", "self other") { (builder, arguments) throws(ScopeError) in
      try builder.cast(
        try arguments.tensor("self"), try arguments.tensor("other").dataType ?? .float32)
    },
    cast("_cast_Float", .float32), cast("_cast_Double", .float64), cast("_cast_Int", .int32),
    cast("_cast_Long", .int64), cast("_cast_Half", .float16), cast("_cast_Byte", .uint8),
    .tensor("clone lift_fresh_copy", "self memory_format") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      return try copied(&builder, input, input)
    },
    .tensor("copy", "self src non_blocking") { (builder, arguments) throws(ScopeError) in
      let target = try arguments.tensor("self")
      let source = try builder.operand(try arguments.value("src"), target.dataType)
      let sizes = try builder.sizes(target)
      let whole = try builder.expand(source, sizes: sizes)
      return try copied(&builder, whole, whole)
    },
    .tensor(
      "contiguous detach alias lift_fresh identity cpu cuda positive requires_grad resolve_conj resolve_neg",
      "self memory_format"
    ) { (builder, arguments) throws(ScopeError) in try arguments.tensor("self") },
    .tensor("dropout feature_dropout alpha_dropout feature_alpha_dropout", "input p train") {
      (builder, arguments) throws(ScopeError) in try evaluated(arguments)
    },
    AtenOperator("native_dropout", "input p train") { (builder, arguments) throws(ScopeError) in
      [.tensor(try evaluated(arguments)), .none]
    },
  ]

  private static func cast(_ name: String, _ type: DataType) -> AtenOperator {
    .tensor(name, "self non_blocking") { (builder, arguments) throws(ScopeError) in
      try builder.cast(try arguments.tensor("self"), type)
    }
  }

  /// A value that does not share the original's memory. Programs that change nothing in place need no copies.
  private static func copied(
    _ builder: inout AtenBuilder, _ value: AtenTensor, _ original: AtenTensor
  ) throws(ScopeError) -> AtenTensor {
    guard value.name == original.name, !builder.isFunctional else { return value }
    if let constant = value.constant { return builder.constant(constant) }
    return try builder.emit("Identity", [value])
  }

  private static func evaluated(_ arguments: AtenArguments) throws(ScopeError) -> AtenTensor {
    let (trains, rate) = (try arguments.bool("train", false), try arguments.double("p", 0))
    guard !trains || rate == 0 else {
      throw ScopeError(
        .unsupported, "dropout in training mode is not converted",
        remedy: "Call model.eval() before tracing or exporting")
    }
    return try arguments.tensor("input")
  }
}
