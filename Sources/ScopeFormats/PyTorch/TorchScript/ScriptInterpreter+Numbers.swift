import ScopeBytes
import ScopeGraph

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Arithmetic on Python numbers and texts, with Python's rules.
extension ScriptInterpreter {
  /// The result of an operator on numbers and texts; nil when it is not one of them.
  func arithmetic(_ name: String, _ arguments: [ScriptValue]) throws(ScopeError) -> ScriptValue? {
    if arguments.contains(where: { if case .undecided = $0 { true } else { false } }) {
      return .undecided(arguments.map(reason).first ?? "")
    }
    switch arguments.count {
    case 1: return try unary(name, arguments[0])
    case 2: return try binary(name, arguments[0], arguments[1])
    case 3 where name == "__range_length": return try rangeLength(arguments)
    case 3 where name == "__derive_index":
      guard case .int(let index) = arguments[0], case .int(let start) = arguments[1],
        case .int(let step) = arguments[2]
      else { return nil }
      return try binary("add", .int(start), try binary("mul", .int(index), .int(step)) ?? .int(0))
    default: return nil
    }
  }

  private func rangeLength(_ arguments: [ScriptValue]) throws(ScopeError) -> ScriptValue? {
    guard case .int(let low) = arguments[0], case .int(let high) = arguments[1],
      case .int(let step) = arguments[2], step != 0, step != .min
    else { return nil }
    let (distance, overflow) =
      step > 0 ? high.subtractingReportingOverflow(low) : low.subtractingReportingOverflow(high)
    guard !overflow else { throw tooLarge() }
    if distance <= 0 { return .int(0) }
    return .int((distance - 1) / abs(step) + 1)
  }

  private func tooLarge() -> ScopeError {
    failure(.limitExceeded, "an integer of the program does not fit 64 bits")
  }

  private func unary(_ name: String, _ value: ScriptValue) throws(ScopeError) -> ScriptValue? {
    switch (name, value) {
    case ("neg", .int(let number)):
      guard number != .min else { throw tooLarge() }
      return .int(-number)
    case ("neg", .float(let number)): return .float(-number)
    case ("neg", .bool(let flag)): return .int(flag ? -1 : 0)
    case ("neg", .symbolic): return try binary("sub", .int(0), value)
    case ("abs", .int(let number)):
      guard number != .min else { throw tooLarge() }
      return .int(number < 0 ? -number : number)
    case ("abs", .float(let number)): return .float(number.magnitude)
    case ("floor", .int), ("ceil", .int), ("round", .int), ("trunc", .int): return value
    case ("floor", .float(let number)): return try self.number(of: .float(number.rounded(.down)), as: "int")
    case ("ceil", .float(let number)): return try self.number(of: .float(number.rounded(.up)), as: "int")
    case ("round", .float(let number)): return .float(number.rounded(.toNearestOrEven))
    case ("trunc", .float(let number)): return .float(number.rounded(.towardZero))
    case ("Int", _): return try self.number(of: value, as: "int")
    case ("Float", _): return try self.number(of: value, as: "float")
    case ("Bool", _): return try self.number(of: value, as: "bool")
    case ("ScalarImplicit", _), ("IntImplicit", _), ("FloatImplicit", _): return value
    case ("str", _): return .string(text(value))
    case ("lower", .string(let text)): return .string(text.lowercased())
    case ("upper", .string(let text)): return .string(text.uppercased())
    case ("bitwise_not", .bool(let flag)): return .bool(!flag)
    case ("bitwise_not", .int(let number)): return .int(~number)
    default: break
    }
    guard let number = double(value) else { return nil }
    switch name {
    case "sqrt": return .float(number < 0 ? .nan : number.squareRoot())
    case "exp": return .float(exp(number))
    case "log": return .float(log(number))
    case "log2": return .float(log2(number))
    case "log10": return .float(log10(number))
    case "sin": return .float(sin(number))
    case "cos": return .float(cos(number))
    case "tanh": return .float(tanh(number))
    case "isnan": return .bool(number.isNaN)
    case "isinf": return .bool(number.isInfinite)
    case "isfinite": return .bool(number.isFinite)
    default: return nil
    }
  }

  private func double(_ value: ScriptValue) -> Double? {
    switch value {
    case .int(let number): Double(number)
    case .float(let number): number
    case .bool(let flag): flag ? 1 : 0
    default: nil
    }
  }

  private func binary(
    _ name: String, _ left: ScriptValue, _ right: ScriptValue
  ) throws(ScopeError) -> ScriptValue? {
    switch (left, right) {
    case (.int(let a), .int(let b)): return try integers(name, a, b)
    case (.symbolic, .int), (.int, .symbolic), (.symbolic, .symbolic): return try open(name, left, right)
    case (.bool(let a), .bool(let b)):
      switch name {
      case "__and__", "bitwise_and": return .bool(a && b)
      case "__or__", "bitwise_or": return .bool(a || b)
      case "__xor__", "ne": return .bool(a != b)
      case "eq": return .bool(a == b)
      default: return try integers(name, a ? 1 : 0, b ? 1 : 0)
      }
    case (.bool(let a), .int(let b)): return try integers(name, a ? 1 : 0, b)
    case (.int(let a), .bool(let b)): return try integers(name, a, b ? 1 : 0)
    case (.string(let a), .string(let b)): return try texts(name, a, b)
    default: break
    }
    if name == "eq" || name == "ne" {
      guard let equal = equal(left, right) else { return .undecided("a size") }
      return .bool(equal == (name == "eq"))
    }
    guard let a = double(left), let b = double(right) else { return nil }
    return try floats(name, a, b)
  }

  private func texts(_ name: String, _ a: String, _ b: String) throws(ScopeError) -> ScriptValue? {
    switch name {
    case "add":
      guard a.utf8.count + b.utf8.count <= Self.textLimit else {
        throw failure(.limitExceeded, "a text grows too long", expected: "at most \(Self.textLimit) bytes")
      }
      return .string(a + b)
    case "eq": return .bool(a == b)
    case "ne": return .bool(a != b)
    case "lt": return .bool(a < b)
    case "__contains__": return .bool(a.contains(b))
    case "startswith": return .bool(a.hasPrefix(b))
    case "endswith": return .bool(a.hasSuffix(b))
    default: return nil
    }
  }

  private func integers(_ name: String, _ a: Int, _ b: Int) throws(ScopeError) -> ScriptValue? {
    func checked(_ result: (partialValue: Int, overflow: Bool)) throws(ScopeError) -> ScriptValue {
      if result.overflow { throw tooLarge() }
      return .int(result.partialValue)
    }
    switch name {
    case "add": return try checked(a.addingReportingOverflow(b))
    case "sub": return try checked(a.subtractingReportingOverflow(b))
    case "mul": return try checked(a.multipliedReportingOverflow(by: b))
    case "floordiv", "floor_divide", "remainder", "fmod":
      guard b != 0 else { throw raised("ZeroDivisionError") }
      guard !(a == .min && b == -1) else { throw tooLarge() }
      let quotient = a / b
      let rest = a % b
      if name == "fmod" { return .int(rest) }
      // Python rounds down and gives the rest the divisor's sign.
      let adjusts = rest != 0 && (rest < 0) != (b < 0)
      if name == "remainder" { return .int(adjusts ? rest + b : rest) }
      return .int(adjusts ? quotient - 1 : quotient)
    case "div":
      guard b != 0 else { throw raised("ZeroDivisionError") }
      return .float(Double(a) / Double(b))
    case "pow":
      if b < 0 { return .float(pow(Double(a), Double(b))) }
      guard b <= 64 || a.magnitude <= 1 else { throw tooLarge() }
      var result = 1
      for _ in 0..<min(b, 64 + b % 2) {
        let (next, overflow) = result.multipliedReportingOverflow(by: a)
        if overflow { throw tooLarge() }
        result = next
      }
      return .int(result)
    case "eq": return .bool(a == b)
    case "ne": return .bool(a != b)
    case "lt": return .bool(a < b)
    case "le": return .bool(a <= b)
    case "gt": return .bool(a > b)
    case "ge": return .bool(a >= b)
    case "max": return .int(max(a, b))
    case "min": return .int(min(a, b))
    case "__and__", "bitwise_and": return .int(a & b)
    case "__or__", "bitwise_or": return .int(a | b)
    case "__xor__", "bitwise_xor": return .int(a ^ b)
    case "__lshift__": return .int(a << min(max(b, 0), 64))
    case "__rshift__": return .int(a >> min(max(b, 0), 64))
    default: return nil
    }
  }

  private func floats(_ name: String, _ a: Double, _ b: Double) throws(ScopeError) -> ScriptValue? {
    switch name {
    case "add": return .float(a + b)
    case "sub": return .float(a - b)
    case "mul": return .float(a * b)
    case "div", "floordiv", "floor_divide", "remainder":
      guard b != 0 else { throw raised("ZeroDivisionError") }
      if name == "div" { return .float(a / b) }
      let quotient = (a / b).rounded(.down)
      return .float(name == "remainder" ? a - quotient * b : quotient)
    case "pow": return .float(pow(a, b))
    case "lt": return .bool(a < b)
    case "le": return .bool(a <= b)
    case "gt": return .bool(a > b)
    case "ge": return .bool(a >= b)
    case "max": return .float(max(a, b))
    case "min": return .float(min(a, b))
    default: return nil
    }
  }

  /// Arithmetic with integers known at run time only.
  private func open(_ name: String, _ left: ScriptValue, _ right: ScriptValue) throws(ScopeError)
    -> ScriptValue?
  {
    for value in [left, right] { if case .symbolic(let size) = value { _ = try computed(with: size) } }
    switch name {
    case "eq", "ne":
      guard let equal = equal(left, right) else { return .undecided("a size") }
      return .bool(equal == (name == "eq"))
    case "lt", "le", "gt", "ge": return .undecided("a size")
    case "add", "sub":
      if case .int(0) = right { return left }
      if name == "add", case .int(0) = left { return right }
    case "mul":
      if case .int(1) = right { return left }
      if case .int(1) = left { return right }
      if case .int(let factor) = right, case .symbolic(let tensor) = left {
        return try product(tensor, factor)
      }
      if case .int(let factor) = left, case .symbolic(let tensor) = right {
        return try product(tensor, factor)
      }
    case "floordiv", "floor_divide":
      if case .int(let divisor) = right, divisor > 0, case .symbolic(let tensor) = left {
        if divisor == 1 { return left }
        // A product of which the divisor is a factor.
        if let (base, factor) = products[tensor.name], factor % divisor == 0 {
          return factor == divisor ? .symbolic(base) : try product(base, factor / divisor)
        }
      }
    case "remainder":
      if case .int(1) = right { return .int(0) }
      if case .int(let divisor) = right, divisor > 0, case .symbolic(let tensor) = left,
        let (_, factor) = products[tensor.name], factor % divisor == 0
      {
        return .int(0)
      }
    default: break
    }
    let operation = name == "floordiv" ? "floor_divide" : name
    guard ["add", "sub", "mul", "floor_divide", "remainder", "max", "min"].contains(operation) else {
      return .undecided("a size")
    }
    let tensorName = operation == "max" ? "maximum" : operation == "min" ? "minimum" : operation
    let arguments = try [left, right].map { (value) throws(ScopeError) -> ScriptValue in
      switch value {
      case .symbolic(let tensor): .tensor(tensor)
      case .int(let number): .tensor(try builder.scalar(number, .int64))
      default: value
      }
    }
    guard case .tensor(let result) = try callTensor("aten::\(tensorName)", arguments, [:]) else { return nil }
    return script(.symbolicInt(result))
  }

  private func product(_ tensor: AtenTensor, _ factor: Int) throws(ScopeError) -> ScriptValue {
    let (base, known) = products[tensor.name] ?? (tensor, 1)
    let (total, overflow) = known.multipliedReportingOverflow(by: factor)
    guard !overflow else { throw tooLarge() }
    let result = try callTensor(
      "aten::mul", [.tensor(base), .tensor(try builder.scalar(total, .int64))], [:])
    guard case .tensor(let value) = result else { return result }
    let wrapped = script(.symbolicInt(value))
    if case .symbolic(let product) = wrapped { products[product.name] = (base, total) }
    return wrapped
  }

  /// Whether two values are equal; nil when that is known at run time only.
  func equal(_ left: ScriptValue, _ right: ScriptValue, depth: Int = 0) -> Bool? {
    guard depth < 16 else { return nil }
    switch (left, right) {
    case (.int(let a), .int(let b)): return a == b
    case (.string(let a), .string(let b)): return a == b
    case (.bool(let a), .bool(let b)): return a == b
    case (.none, .none): return true
    case (.enumeration(let a), .enumeration(let b)): return a.className == b.className && a.name == b.name
    case (.symbolic(let a), .symbolic(let b)):
      if a.name == b.name { return true }
      if let x = builder.elements(a)?.first, let y = builder.elements(b)?.first, x == y, x != .unknown {
        return true
      }
      return nil
    case (.symbolic, .int), (.int, .symbolic), (.undecided, _), (_, .undecided): return nil
    case (.list(let a), .list(let b)): return equal(a.items, b.items, depth)
    case (.tuple(let a), .tuple(let b)): return equal(a, b, depth)
    case (.none, _), (_, .none): return false
    case (.ignored(let a), .ignored(let b)): return a == b
    default:
      guard let a = double(left), let b = double(right) else { return false }
      return a == b
    }
  }

  private func equal(_ left: [ScriptValue], _ right: [ScriptValue], _ depth: Int) -> Bool? {
    guard left.count == right.count else { return false }
    var result: Bool? = true
    for (a, b) in zip(left, right) {
      switch equal(a, b, depth: depth + 1) {
      case false?: return false
      case nil: result = nil
      default: break
      }
    }
    return result
  }

  /// A value as text, for messages and formatted strings.
  func text(_ value: ScriptValue) -> String {
    switch value {
    case .string(let text): text
    case .int(let number): "\(number)"
    case .float(let number): "\(number)"
    case .bool(let flag): flag ? "True" : "False"
    case .list(let list):
      "[\(list.items.prefix(8).map { if case .list = $0 { "..." } else { text($0) } }.joined(separator: ", "))]"
    default: value.kind
    }
  }
}
