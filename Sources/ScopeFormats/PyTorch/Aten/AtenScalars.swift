import ScopeBytes
import ScopeGraph

/// Sizes and numbers of the program.
enum AtenScalars {
  static let operators: [AtenOperator] = [
    AtenOperator("size sym_size", "self dim") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      guard let dim = try arguments.optionalInt("dim") else { return [.list(try builder.sizes(input))] }
      guard dim < 0 || input.shape != nil else { return [try builder.size(input, dim)] }
      return [try builder.size(input, try arguments.axis(dim, "dim", rank: try arguments.rank(input)))]
    },
    AtenOperator("dim", "self") { (builder, arguments) throws(ScopeError) in
      [.int(try arguments.rank(try arguments.tensor("self")))]
    },
    AtenOperator("len", "self") { (builder, arguments) throws(ScopeError) in
      switch try arguments.value("self") {
      case .list(let items), .tuple(let items): return [.int(items.count)]
      case .tensor(let tensor): return [try builder.size(tensor, 0)]
      default: throw arguments.wrong("self", "a list or a tensor")
      }
    },
    AtenOperator("numel sym_numel", "self") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      if let count = input.shape?.elementCount { return [.int(count)] }
      return [.symbolicInt(try builder.emit("Size", [input]))]
    },
    AtenOperator("Int item _local_scalar_dense ScalarImplicit IntImplicit sym_int int", "self") {
      (builder, arguments) throws(ScopeError) in [try number(&builder, arguments)]
    },
    AtenOperator("Float FloatImplicit float", "self") { (builder, arguments) throws(ScopeError) in
      let value = try number(&builder, arguments)
      if let known = AtenArguments.double(value) { return [.float(known)] }
      return [.tensor(try builder.operand(value, .float32))]
    },
    AtenOperator("Bool", "self") { (builder, arguments) throws(ScopeError) in
      guard let known = AtenArguments.double(try number(&builder, arguments)) else {
        throw ScopeError(.unsupported, "a condition is known only at run time")
      }
      return [.bool(known != 0)]
    },
    AtenOperator(
      "NumToTensor scalar_tensor tensor _tensor", "data dtype layout device pin_memory requires_grad"
    ) {
      (builder, arguments) throws(ScopeError) in
      let type = try arguments.dataType("dtype")
      let value = try arguments.value("data")
      if case .list = value { return [.tensor(try nested(&builder, value, type, arguments))] }
      let scalar = try builder.operand(value, type)
      // A tensor of its own: literals are shared.
      if let constant = scalar.constant { return [.tensor(builder.constant(constant))] }
      return [.tensor(scalar)]
    },
    AtenOperator("is_floating_point", "self") { (builder, arguments) throws(ScopeError) in
      [.bool(try arguments.tensor("self").dataType?.isFloatingPoint ?? true)]
    },
    AtenOperator(
      "_assert_tensor_metadata _assert_async _assert_scalar sym_constrain_range "
        + "sym_constrain_range_for_size _check_is_size warn manual_seed",
      "a size stride dtype device layout tensor_name"
    ) { (builder, arguments) throws(ScopeError) in [] },
  ]

  /// The one number that a tensor holds.
  private static func number(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenValue {
    let value = try arguments.value("self")
    guard case .tensor(let tensor) = value else { return value }
    if let constant = tensor.constant, constant.elementCount == 1 {
      let array = try NumericArray(constant)
      switch array.values {
      case .floats(let values): return .float(values.first ?? 0)
      case .integers(let values):
        let integer = Int(values.first ?? 0)
        return constant.dataType == .bool ? .bool(integer != 0) : .int(integer)
      }
    }
    guard let type = tensor.dataType, !type.isFloatingPoint else { return value }
    var scalar = try builder.cast(tensor, .int64)
    if let rank = tensor.shape?.rank, rank > 0 {
      scalar = try builder.emit("Reshape", [scalar, builder.literal([])])
    }
    return builder.number(.symbolicInt(scalar)).map { .int($0) } ?? .symbolicInt(scalar)
  }

  /// A tensor from nested lists of numbers.
  private static func nested(
    _ builder: inout AtenBuilder, _ value: AtenValue, _ type: DataType?, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    var numbers: [Double] = []
    var sizes: [Int] = []
    var types: [AtenValue] = []
    func visit(_ value: AtenValue, _ depth: Int) throws(ScopeError) {
      guard depth < 16, numbers.count <= 1 << 20 else {
        throw ScopeError(.limitExceeded, "the literal is too large")
      }
      if case .list(let items) = value {
        if depth == sizes.count { sizes.append(items.count) }
        guard sizes[depth] == items.count else { throw arguments.wrong("data", "rows of equal length") }
        for item in items { try visit(item, depth + 1) }
        return
      }
      guard depth == sizes.count, let number = AtenArguments.double(value) else {
        throw arguments.wrong("data", "numbers")
      }
      numbers.append(number)
      if types.count < 64 { types.append(value) }
    }
    try visit(value, 0)
    let element = type ?? (numbers.isEmpty ? .float32 : AtenPromotion.common(types))
    guard try checkedProduct(sizes, what: "literal") == numbers.count else {
      throw arguments.wrong("data", "rows of equal length")
    }
    let array =
      element.isFloatingPoint
      ? NumericArray(element, sizes, .floats(numbers))
      : NumericArray(element, sizes, .integers(numbers.map { Int64(exactly: $0.rounded(.towardZero)) ?? 0 }))
    return builder.constant(try array.tensor())
  }
}

extension AtenBuilder {
  enum NumberOperation {
    case add, subtract, multiply, divide, floorDivide, modulo, power
    case equal, less, greater, lessOrEqual, greaterOrEqual
  }

  private enum Number {
    case int(Int)
    case float(Double)
    /// Known at run time.
    case open(AtenTensor)
  }

  private static func number(_ value: AtenValue) -> Number? {
    switch value {
    case .int(let number): .int(number)
    case .bool(let flag): .int(flag ? 1 : 0)
    case .float(let number): .float(number)
    case .symbolicInt(let tensor): .open(tensor)
    default: nil
    }
  }

  /// The result of an operation on two numbers of the program; nil when one of them is a tensor.
  ///
  /// - Throws: `malformed` for a division by zero or an overflow; `unsupported` for a comparison that is decided at run
  ///   time.
  mutating func arithmetic(
    _ operation: NumberOperation, _ left: AtenValue, _ right: AtenValue
  ) throws(ScopeError) -> AtenValue? {
    guard let a = Self.number(left), let b = Self.number(right) else { return nil }
    switch (a, b) {
    case (.int(let a), .int(let b)): return try Self.integers(operation, a, b)
    case (.int(let a), .float(let b)): return try Self.floats(operation, Double(a), b)
    case (.float(let a), .int(let b)): return try Self.floats(operation, a, Double(b))
    case (.float(let a), .float(let b)): return try Self.floats(operation, a, b)
    default: return try open(operation, left, right)
    }
  }

  private static func integers(
    _ operation: NumberOperation, _ a: Int, _ b: Int
  ) throws(ScopeError) -> AtenValue {
    let result: (partialValue: Int, overflow: Bool)
    switch operation {
    case .equal: return .bool(a == b)
    case .less: return .bool(a < b)
    case .greater: return .bool(a > b)
    case .lessOrEqual: return .bool(a <= b)
    case .greaterOrEqual: return .bool(a >= b)
    case .divide: return try floats(.divide, Double(a), Double(b))
    case .add: result = a.addingReportingOverflow(b)
    case .subtract: result = a.subtractingReportingOverflow(b)
    case .multiply: result = a.multipliedReportingOverflow(by: b)
    case .floorDivide, .modulo:
      guard b != 0, b != -1 || a != .min else { throw ScopeError(.malformed, "a division by zero") }
      let rest = a % b
      let modulo = rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
      result = operation == .modulo ? (modulo, false) : (a / b - (modulo == rest ? 0 : 1), false)
    case .power:
      guard b >= 0, b < 64 else { return try floats(.power, Double(a), Double(b)) }
      var power = 1
      for _ in 0..<b {
        let (next, overflow) = power.multipliedReportingOverflow(by: a)
        guard !overflow else { throw ScopeError(.malformed, "a number of the program overflows") }
        power = next
      }
      result = (power, false)
    }
    guard !result.overflow else { throw ScopeError(.malformed, "a number of the program overflows") }
    return .int(result.partialValue)
  }

  private static func floats(
    _ operation: NumberOperation, _ a: Double, _ b: Double
  ) throws(ScopeError) -> AtenValue {
    switch operation {
    case .equal: return .bool(a == b)
    case .less: return .bool(a < b)
    case .greater: return .bool(a > b)
    case .lessOrEqual: return .bool(a <= b)
    case .greaterOrEqual: return .bool(a >= b)
    case .add: return .float(a + b)
    case .subtract: return .float(a - b)
    case .multiply: return .float(a * b)
    case .divide: return .float(a / b)
    case .floorDivide: return .float((a / b).rounded(.down))
    case .modulo: return .float(a - b * (a / b).rounded(.down))
    case .power:
      if b == 0.5 { return .float(a.squareRoot()) }
      if b == -0.5 { return .float(1 / a.squareRoot()) }
      guard b.rounded() == b, b.magnitude <= 64 else {
        throw ScopeError(.unsupported, "a power of two numbers is not computed", found: "\(a) ** \(b)")
      }
      var power = 1.0
      for _ in 0..<Int(b.magnitude) { power *= a }
      return .float(b < 0 ? 1 / power : power)
    }
  }

  /// An operation on integers of which one is known only at run time.
  private mutating func open(
    _ operation: NumberOperation, _ left: AtenValue, _ right: AtenValue
  ) throws(ScopeError) -> AtenValue {
    if case .float = left { return .tensor(try openFloat(operation, left, right)) }
    if case .float = right { return .tensor(try openFloat(operation, left, right)) }
    let (a, b) = (try operand(left, .int64), try operand(right, .int64))
    let result: AtenTensor
    switch operation {
    case .add: result = try emit("Add", [a, b])
    case .subtract: result = try emit("Sub", [a, b])
    case .multiply: result = try emit("Mul", [a, b])
    case .floorDivide: result = try floorQuotient(.symbolicInt(a), .symbolicInt(b))
    case .modulo: result = try floorRemainder(a, b, .int64)
    case .divide: return .tensor(try emit("Div", [try cast(a, .float32), try cast(b, .float32)]))
    case .equal where dimension(left) == dimension(right) && dimension(left) != .unknown: return .bool(true)
    // Open sizes are at least two: PyTorch specialises the others.
    case .equal where number(right).map({ $0 < 2 }) ?? false: return .bool(false)
    case .greater where number(right).map({ $0 < 2 }) ?? false: return .bool(true)
    case .greaterOrEqual where number(right).map({ $0 <= 2 }) ?? false: return .bool(true)
    case .less where number(right).map({ $0 <= 2 }) ?? false: return .bool(false)
    default:
      throw ScopeError(.unsupported, "a condition depends on a size that is known only at run time")
    }
    return integers(result)?.first.map { .int($0) } ?? .symbolicInt(result)
  }

  private mutating func openFloat(
    _ operation: NumberOperation, _ left: AtenValue, _ right: AtenValue
  ) throws(ScopeError) -> AtenTensor {
    let opTypes: [NumberOperation: String] = [
      .add: "Add", .subtract: "Sub", .multiply: "Mul", .divide: "Div", .power: "Pow",
    ]
    guard let opType = opTypes[operation] else {
      throw ScopeError(.unsupported, "a condition depends on a size that is known only at run time")
    }
    return try emit(opType, [try operand(left, .float32), try operand(right, .float32)])
  }
}
