import ScopeBytes

/// Expressions, by Python's precedence. Operators become the calls that PyTorch would write for them (`torch.add`).
extension ScriptParser {
  /// One expression, or several with commas between as a tuple.
  mutating func expressionList() throws(ScopeError) -> ScriptExpression {
    let first = try expression()
    guard isSymbol(",") else { return first }
    var items = [first]
    while accept(",") {
      if token.kind == .newline || token.kind == .end { break }
      items.append(try expression())
    }
    return .tuple(items)
  }

  mutating func expression() throws(ScopeError) -> ScriptExpression {
    try deeper { parser throws(ScopeError) in
      let value = try parser.binary(0)
      guard parser.acceptWord("if") else { return value }
      let condition = try parser.binary(0)
      guard parser.acceptWord("else") else {
        throw parser.malformed("the conditional expression needs \"else\" here")
      }
      return .conditional(value, condition: condition, otherwise: try parser.expression())
    }
  }

  /// Binary operators by rising precedence, with the operator that each stands for.
  private static let levels: [[(symbol: String, operation: String)]] = [
    [("or", "or")], [("and", "and")],
    [
      ("==", "eq"), ("!=", "ne"), ("<=", "le"), (">=", "ge"), ("<", "lt"), (">", "gt"), ("is", "__is__"),
      ("in", "__contains__"),
    ],
    [("|", "__or__")], [("^", "__xor__")], [("&", "__and__")], [("+", "add"), ("-", "sub")],
    [("//", "floordiv"), ("*", "mul"), ("/", "div"), ("%", "remainder"), ("@", "matmul")],
  ]

  private static func torch(_ operation: String, _ arguments: [ScriptExpression]) -> ScriptExpression {
    .call(.path("torch.\(operation)"), arguments, [])
  }

  private mutating func binary(_ level: Int) throws(ScopeError) -> ScriptExpression {
    guard level < Self.levels.count else { return try unary() }
    if level == 2, acceptWord("not") {
      let value = try deeper { parser throws(ScopeError) in try parser.binary(2) }
      return Self.torch("__not__", [value])
    }
    var left = try binary(level + 1)
    var count = 0
    while let operation = acceptOperator(level) {
      // Chains nest to the left; walking them later is recursive.
      count += 1
      guard count <= Self.depthLimit else {
        throw ScopeError(
          .limitExceeded, "the expression is too long", place: "\(path) line \(line)",
          expected: "at most \(Self.depthLimit) operators")
      }
      let right = try binary(level + 1)
      switch operation {
      case "or": left = .conditional(.bool(true), condition: left, otherwise: right)
      case "and": left = .conditional(right, condition: left, otherwise: .bool(false))
      case "__contains__": left = Self.torch(operation, [right, left])
      case "not in": left = Self.torch("__not__", [Self.torch("__contains__", [right, left])])
      default: left = Self.torch(operation, [left, right])
      }
    }
    return left
  }

  private mutating func acceptOperator(_ level: Int) -> String? {
    let length = token.end - token.start
    switch token.kind {
    case .symbol, .name: break
    default: return nil
    }
    guard length <= 3 else { return nil }
    let text = text(token)
    if level == 2, text == "not", index + 1 < tokens.count, self.text(tokens[index + 1]) == "in" {
      advance()
      advance()
      return "not in"
    }
    guard let entry = Self.levels[level].first(where: { $0.symbol == text }) else { return nil }
    advance()
    if entry.operation == "__is__", acceptWord("not") { return "__isnot__" }
    return entry.operation
  }

  private mutating func unary() throws(ScopeError) -> ScriptExpression {
    if accept("-") {
      switch try deeper({ parser throws(ScopeError) in try parser.unary() }) {
      case .int(let value): return .int(0 &- value)
      case .float(let value): return .float(-value)
      case let value: return Self.torch("neg", [value])
      }
    }
    if accept("~") {
      return Self.torch(
        "bitwise_not", [try deeper { parser throws(ScopeError) in try parser.unary() }])
    }
    let base = try postfix()
    guard isPair("**") else { return base }
    advance()
    return Self.torch("pow", [base, try deeper { parser throws(ScopeError) in try parser.unary() }])
  }

  /// What global names begin with.
  private static let roots: Set<String> = ["torch", "ops", "__torch__", "CONSTANTS"]
  private static let pathLimit = 4096

  mutating func postfix() throws(ScopeError) -> ScriptExpression {
    var value = try atom()
    var count = 0
    while true {
      if accept(".") {
        let name = try identifier()
        if case .path(let path) = value {
          guard path.utf8.count + name.utf8.count <= Self.pathLimit else {
            throw malformed("the name is too long")
          }
          value = .path("\(path).\(name)")
        } else {
          value = .attribute(value, name)
        }
      } else if isSymbol("(") {
        value = try call(value)
      } else if accept("[") {
        let index = try subscriptIndex()
        try expect("]")
        value = .index(value, index)
      } else {
        return value
      }
      count += 1
      guard count <= Self.depthLimit else {
        throw ScopeError(
          .limitExceeded, "the expression is too long", place: "\(path) line \(line)",
          expected: "at most \(Self.depthLimit) parts")
      }
    }
  }

  /// The index of a subscript; types have several, with commas (`Dict[str, Tensor]`).
  private mutating func subscriptIndex() throws(ScopeError) -> ScriptExpression {
    let first = try expression()
    guard isSymbol(",") else { return first }
    var items = [first]
    while accept(",") {
      if isSymbol("]") { break }
      items.append(try expression())
    }
    return .tuple(items)
  }

  private mutating func call(_ function: ScriptExpression) throws(ScopeError) -> ScriptExpression {
    try expect("(")
    var arguments: [ScriptExpression] = []
    var keywords: [ScriptKeyword] = []
    while !isSymbol(")") {
      if token.kind == .name, index + 1 < tokens.count, case let next = tokens[index + 1],
        next.kind == .symbol(0x3D), next.end - next.start == 1
      {
        let name = try identifier()
        advance()
        keywords.append(ScriptKeyword(name: name, value: try expression()))
      } else {
        guard keywords.isEmpty else { throw malformed("a positional argument follows a named one") }
        arguments.append(try expression())
      }
      guard accept(",") else { break }
    }
    try expect(")")
    return .call(function, arguments, keywords)
  }

  private mutating func atom() throws(ScopeError) -> ScriptExpression {
    switch token.kind {
    case .number: return try number()
    case .string: return try strings()
    case .name:
      let name = text(token)
      switch name {
      case "True":
        advance()
        return .bool(true)
      case "False":
        advance()
        return .bool(false)
      case "None":
        advance()
        return .none
      case "inf":
        advance()
        return .float(.infinity)
      case "nan":
        advance()
        return .float(.nan)
      case "if", "else", "for", "in", "and", "or", "is", "return", "def", "class", "lambda":
        throw malformed("the program needs an expression here")
      default:
        advance()
        return Self.roots.contains(name) && isSymbol(".") ? .path(name) : .name(name)
      }
    default: break
    }
    if accept("(") {
      let items = try items(until: ")")
      return items.values.count == 1 && !items.hasTrailingComma ? items.values[0] : .tuple(items.values)
    }
    if accept("[") { return .list(try items(until: "]").values) }
    if accept("{") { return try dictionary() }
    throw malformed("the program needs an expression here")
  }

  private mutating func items(
    until end: Unicode.Scalar
  ) throws(ScopeError) -> (values: [ScriptExpression], hasTrailingComma: Bool) {
    var values: [ScriptExpression] = []
    var comma = false
    while !isSymbol(end) {
      values.append(try expression())
      comma = accept(",")
      guard comma else { break }
    }
    try expect(end)
    return (values, comma)
  }

  private mutating func dictionary() throws(ScopeError) -> ScriptExpression {
    var pairs: [ScriptPair] = []
    while !isSymbol("}") {
      let key = try expression()
      try expect(":")
      pairs.append(ScriptPair(key: key, value: try expression()))
      guard accept(",") else { break }
    }
    try expect("}")
    return .dictionary(pairs)
  }

  private mutating func number() throws(ScopeError) -> ScriptExpression {
    guard token.end - token.start <= 400 else { throw malformed("the number is too long") }
    let text = text(token)
    if let value = Int(text) {
      advance()
      return .int(value)
    }
    if text == "9223372036854775808" {
      // Only after a minus sign; `0 - 2^63` wraps to the right value.
      advance()
      return .int(Int.min)
    }
    guard text.utf8.allSatisfy({ $0 < 0x3A || $0 | 0x20 == 0x65 }),
      text.contains(where: { ".eE".contains($0) }),
      let value = Double(text.hasSuffix(".") ? text + "0" : text.replacing(".e", with: ".0e"))
    else { throw malformed("this is not a number of 64 bits") }
    advance()
    return .float(value)
  }

  /// One string literal, or several that Python would join.
  private mutating func strings() throws(ScopeError) -> ScriptExpression {
    var content: [UInt8] = []
    while token.kind == .string {
      try unescape(bytes[(token.start + 1)..<(token.end - 1)], into: &content)
      advance()
    }
    return .string(String(decoding: content, as: UTF8.self))
  }

  private func unescape(_ source: ArraySlice<UInt8>, into content: inout [UInt8]) throws(ScopeError) {
    var position = source.startIndex
    while position < source.endIndex {
      let byte = source[position]
      position += 1
      guard byte == 0x5C, position < source.endIndex else {
        content.append(byte)
        continue
      }
      let escape = source[position]
      position += 1
      switch escape {
      case 0x6E: content.append(0x0A)
      case 0x74: content.append(0x09)
      case 0x72: content.append(0x0D)
      case 0x62: content.append(0x08)
      case 0x66: content.append(0x0C)
      case 0x61: content.append(0x07)
      case 0x76: content.append(0x0B)
      case 0x30...0x37:
        var value = UInt32(escape - 0x30)
        var digits = 1
        while digits < 3, position < source.endIndex, (0x30...0x37).contains(source[position]) {
          value = value << 3 | UInt32(source[position] - 0x30)
          position += 1
          digits += 1
        }
        content.append(UInt8(truncatingIfNeeded: value))
      default: content.append(escape)
      }
    }
  }
}
