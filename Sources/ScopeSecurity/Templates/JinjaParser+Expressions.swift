/// Expressions, by precedence: conditional, or, and, not, comparison, sum, product, unary, postfix, primary.
extension JinjaParser {
  func peek(_ offset: Int = 0) -> JinjaToken? {
    tokens.indices.contains(position + offset) ? tokens[position + offset] : nil
  }

  mutating func take(symbol: String) -> Bool {
    guard case .symbol(symbol)? = peek() else { return false }
    position += 1
    return true
  }

  mutating func take(name: String) -> Bool {
    guard case .name(name)? = peek() else { return false }
    position += 1
    return true
  }

  /// One expression, or several that make a tuple.
  mutating func expressions() throws(Failure) -> JinjaExpression {
    let first = try expression()
    guard case .symbol(",")? = peek() else { return first }
    var items = [first]
    while take(symbol: ",") {
      if position >= tokens.count { break }
      items.append(try expression())
    }
    return .list(items)
  }

  mutating func expression() throws(Failure) -> JinjaExpression {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else { throw failure("more than \(Self.depthLimit) levels") }
    var value = try either()
    while take(name: "if") {
      try link()
      let condition = try either()
      var other: JinjaExpression?
      if take(name: "else") { other = try expression() }
      value = .conditional(condition, value, other)
    }
    return value
  }

  /// The iterable of a loop: an `if` behind it filters.
  mutating func withoutConditional() throws(Failure) -> JinjaExpression {
    let first = try either()
    guard case .symbol(",")? = peek() else { return first }
    var items = [first]
    while take(symbol: ",") { items.append(try either()) }
    return .list(items)
  }

  mutating func either() throws(Failure) -> JinjaExpression {
    var left = try both()
    while take(name: "or") {
      try link()
      left = .binary("or", left, try both())
    }
    return left
  }

  mutating func both() throws(Failure) -> JinjaExpression {
    var left = try negation()
    while take(name: "and") {
      try link()
      left = .binary("and", left, try negation())
    }
    return left
  }

  mutating func negation() throws(Failure) -> JinjaExpression {
    var count = 0
    while case .name("not")? = peek() {
      position += 1
      count += 1
    }
    let value = try comparison()
    return count == 0 ? value : .unary("not", value)
  }

  mutating func comparison() throws(Failure) -> JinjaExpression {
    let first = try sum()
    var rest: [(String, JinjaExpression)] = []
    while true {
      if case .symbol(let symbol)? = peek(), ["==", "!=", "<", ">", "<=", ">="].contains(symbol) {
        position += 1
        rest.append((symbol, try sum()))
      } else if take(name: "in") {
        rest.append(("in", try sum()))
      } else if case .name("not")? = peek(), case .name("in")? = peek(1) {
        position += 2
        rest.append(("not in", try sum()))
      } else {
        return rest.isEmpty ? first : .compare(first, rest)
      }
    }
  }

  mutating func sum() throws(Failure) -> JinjaExpression {
    var left = try product()
    while case .symbol(let symbol)? = peek(), ["+", "-", "~"].contains(symbol) {
      position += 1
      try link()
      left = .binary(symbol, left, try product())
    }
    return left
  }

  mutating func product() throws(Failure) -> JinjaExpression {
    var left = try unary()
    while case .symbol(let symbol)? = peek(), ["*", "/", "//", "%", "**"].contains(symbol) {
      position += 1
      try link()
      left = .binary(symbol, left, try unary())
    }
    return left
  }

  mutating func unary() throws(Failure) -> JinjaExpression {
    if case .symbol(let symbol)? = peek(), symbol == "-" || symbol == "+" {
      position += 1
      depth += 1
      defer { depth -= 1 }
      guard depth <= Self.depthLimit else { throw failure("more than \(Self.depthLimit) levels") }
      return .unary(symbol, try unary())
    }
    return try postfix()
  }

  mutating func postfix() throws(Failure) -> JinjaExpression {
    var value = try primary()
    while true {
      try link()
      if take(symbol: ".") {
        switch peek() {
        case .name(let name)?: value = .attribute(value, name)
        case .number(let digits)?: value = .subscripted(value, .number(Double(digits) ?? 0))
        default: throw failure("the name of an attribute")
        }
        position += 1
      } else if take(symbol: "[") {
        value = .subscripted(value, try index())
      } else if take(symbol: "(") {
        value = .call(value, try arguments())
      } else if take(symbol: "|") {
        value = try filter(value)
      } else if take(name: "is") {
        let isNegated = take(name: "not")
        let found = try test(value)
        value = isNegated ? .unary("not", found) : found
      } else {
        return value
      }
    }
  }

  mutating func index() throws(Failure) -> JinjaExpression {
    var parts: [JinjaExpression?] = []
    var isSlice = false
    var current: JinjaExpression?
    while !take(symbol: "]") {
      if take(symbol: ":") {
        isSlice = true
        parts.append(current)
        current = nil
      } else if take(symbol: ",") {
        continue
      } else {
        guard position < tokens.count else { throw failure("]") }
        current = try expression()
      }
    }
    if isSlice { return .slice(parts + [current]) }
    guard let current else { throw failure("an index") }
    return current
  }

  mutating func arguments() throws(Failure) -> [JinjaArgument] {
    var result: [JinjaArgument] = []
    while !take(symbol: ")") {
      guard position < tokens.count else { throw failure(")") }
      if take(symbol: "**") || take(symbol: "*") {
        result.append(JinjaArgument(name: nil, value: try expression()))
      } else if case .name(let name)? = peek(), case .symbol("=")? = peek(1) {
        position += 2
        result.append(JinjaArgument(name: name, value: try expression()))
      } else {
        result.append(JinjaArgument(name: nil, value: try expression()))
      }
      _ = take(symbol: ",")
    }
    return result
  }

  mutating func dotted() throws(Failure) -> String {
    guard case .name(var name)? = peek() else { throw failure("a name") }
    position += 1
    while case .symbol(".")? = peek(), case .name(let more)? = peek(1) {
      name += ".\(more)"
      position += 2
    }
    return name
  }

  mutating func filter(_ value: JinjaExpression?) throws(Failure) -> JinjaExpression {
    let name = try dotted()
    return .filter(value, name, take(symbol: "(") ? try arguments() : [])
  }

  mutating func test(_ value: JinjaExpression) throws(Failure) -> JinjaExpression {
    if take(name: "in") {
      return .compare(value, [("in", try sum())])
    }
    let name = try dotted()
    if take(symbol: "(") { return .test(value, name, try arguments()) }
    switch peek() {
    case .text?, .number?: return .test(value, name, [JinjaArgument(name: nil, value: try primary())])
    case .name(let word)? where !["else", "or", "and", "if", "is", "in", "not", "recursive"].contains(word):
      return .test(value, name, [JinjaArgument(name: nil, value: try postfixWithoutTests())])
    case .symbol("[")?, .symbol("{")?:
      return .test(value, name, [JinjaArgument(name: nil, value: try primary())])
    default: return .test(value, name, [])
    }
  }

  /// The argument of a test without parentheses.
  mutating func postfixWithoutTests() throws(Failure) -> JinjaExpression {
    var value = try primary()
    while true {
      try link()
      if take(symbol: "."), case .name(let name)? = peek() {
        position += 1
        value = .attribute(value, name)
      } else if take(symbol: "[") {
        value = .subscripted(value, try index())
      } else if take(symbol: "(") {
        value = .call(value, try arguments())
      } else {
        return value
      }
    }
  }

  mutating func primary() throws(Failure) -> JinjaExpression {
    guard let token = peek() else { throw failure("an expression") }
    position += 1
    switch token {
    case .text(let text): return .text(text)
    case .number(let digits): return .number(Self.number(digits))
    case .name(let name): return .name(name)
    case .symbol("("):
      if take(symbol: ")") { return .list([]) }
      var items = [try expression()]
      var isTuple = false
      while take(symbol: ",") {
        isTuple = true
        if case .symbol(")")? = peek() { break }
        items.append(try expression())
      }
      guard take(symbol: ")") else { throw failure(")") }
      return isTuple ? .list(items) : items[0]
    case .symbol("["):
      var items: [JinjaExpression] = []
      while !take(symbol: "]") {
        guard position < tokens.count else { throw failure("]") }
        items.append(try expression())
        _ = take(symbol: ",")
      }
      return .list(items)
    case .symbol("{"):
      var items: [(JinjaExpression, JinjaExpression)] = []
      while !take(symbol: "}") {
        guard position < tokens.count else { throw failure("}") }
        let key = try expression()
        guard take(symbol: ":") else { throw failure(":") }
        items.append((key, try expression()))
        _ = take(symbol: ",")
      }
      return .dictionary(items)
    case .symbol(let symbol): throw failure("no expression begins with \"\(symbol)\"")
    }
  }

  static func number(_ digits: String) -> Double {
    if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
      return Double(UInt64(digits.dropFirst(2), radix: 16) ?? .max)
    }
    return Double(digits) ?? .infinity
  }
}
