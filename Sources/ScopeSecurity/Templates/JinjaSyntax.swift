/// An expression of a Jinja template.
indirect enum JinjaExpression {
  case text(String)
  case number(Double)
  case name(String)
  case attribute(JinjaExpression, String)
  case subscripted(JinjaExpression, JinjaExpression)
  case slice([JinjaExpression?])
  case call(JinjaExpression, [JinjaArgument])
  case filter(JinjaExpression?, String, [JinjaArgument])
  case test(JinjaExpression, String, [JinjaArgument])
  case unary(String, JinjaExpression)
  case binary(String, JinjaExpression, JinjaExpression)
  /// A chain of comparisons, `in` and `not in` included.
  case compare(JinjaExpression, [(String, JinjaExpression)])
  case list([JinjaExpression])
  case dictionary([(JinjaExpression, JinjaExpression)])
  case conditional(JinjaExpression, JinjaExpression, JinjaExpression?)
}

struct JinjaArgument {
  var name: String?
  var value: JinjaExpression
}

/// A statement or output of a Jinja template.
struct JinjaNode {
  indirect enum Kind {
    case literal(String)
    case output(JinjaExpression)
    case set([JinjaExpression], JinjaExpression)
    case setBlock(JinjaExpression, [JinjaNode])
    /// Conditions with their bodies; the last may be without one.
    case branch([(JinjaExpression?, [JinjaNode])])
    case loop([String], JinjaExpression, JinjaExpression?, [JinjaNode])
    /// `macro`, `call`: names it binds, expressions it evaluates, body.
    case block([String], [JinjaExpression], [JinjaNode])
    /// `include`, `import`, `from`, `extends`.
    case foreign(String, JinjaExpression?)
  }

  var kind: Kind
  var line: Int
}

/// Parses the expressions and statements of Jinja 3.1, with the extensions that chat templates use (`break`,
/// `continue`, `do`, `generation`). Nesting is bounded.
struct JinjaParser {
  struct Failure: Error {
    var message: String
    var line: Int
  }

  private static let depthLimit = 100
  /// Operators, attributes, filters and calls of one tag: each makes the expression one level deeper.
  private static let linkLimit = 1000

  private let segments: [JinjaSegment]
  private var next = 0
  private var tokens: [JinjaToken] = []
  private var position = 0
  private var depth = 0
  private var links = 0
  private var line = 1

  private init(_ segments: [JinjaSegment]) { self.segments = segments }

  static func parse(_ segments: [JinjaSegment]) throws(Failure) -> [JinjaNode] {
    var parser = JinjaParser(segments)
    let (nodes, end) = try parser.body(until: [])
    guard end == nil else { throw parser.failure("an end without a beginning") }
    return nodes
  }

  private func failure(_ message: String) -> Failure { Failure(message: message, line: line) }

  // MARK: Statements

  /// The nodes up to one of the given statements, whose tokens stay current behind its name.
  private mutating func body(until ends: Set<String>) throws(Failure) -> ([JinjaNode], String?) {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else { throw failure("more than \(Self.depthLimit) levels") }
    var nodes: [JinjaNode] = []
    while next < segments.count {
      let segment = segments[next]
      next += 1
      line = segment.line
      switch segment.kind {
      case .literal(let text): nodes.append(JinjaNode(kind: .literal(text), line: line))
      case .output(let found):
        begin(found)
        guard !tokens.isEmpty else { throw failure("an empty output") }
        nodes.append(JinjaNode(kind: .output(try expressions()), line: segment.line))
        try finish()
      case .statement(let found):
        begin(found)
        guard case .name(let keyword)? = peek() else { throw failure("a statement without a name") }
        position += 1
        if ends.contains(keyword) { return (nodes, keyword) }
        if let node = try statement(keyword, segment.line) { nodes.append(node) }
      }
    }
    guard ends.isEmpty else { throw failure("no \(ends.sorted().joined(separator: " or "))") }
    return (nodes, nil)
  }

  private mutating func begin(_ found: [JinjaToken]) {
    tokens = found
    position = 0
    links = 0
  }

  /// Counts one more operator or attribute.
  private mutating func link() throws(Failure) {
    links += 1
    guard links <= Self.linkLimit else { throw failure("more than \(Self.linkLimit) operators in a tag") }
  }

  private func finish() throws(Failure) {
    guard position >= tokens.count else { throw failure("more than one expression in a tag") }
  }

  private mutating func statement(_ keyword: String, _ line: Int) throws(Failure) -> JinjaNode? {
    switch keyword {
    case "if":
      var branches: [(JinjaExpression?, [JinjaNode])] = []
      var condition: JinjaExpression? = try expressions()
      try finish()
      while true {
        let (inner, end) = try body(until: ["elif", "else", "endif"])
        branches.append((condition, inner))
        if end == "elif" {
          condition = try expressions()
        } else if end == "else" {
          condition = nil
        } else {
          return JinjaNode(kind: .branch(branches), line: line)
        }
        try finish()
      }
    case "for":
      let names = try targets()
      guard take(name: "in") else { throw failure("a loop without \"in\"") }
      let iterable = try withoutConditional()
      var condition: JinjaExpression?
      if take(name: "if") { condition = try expression() }
      _ = take(name: "recursive")
      try finish()
      var (inner, end) = try body(until: ["else", "endfor"])
      if end == "else" {
        let (more, _) = try body(until: ["endfor"])
        inner += more
        end = "endfor"
      }
      return JinjaNode(kind: .loop(names, iterable, condition, inner), line: line)
    case "set":
      var places = [try postfix()]
      while take(symbol: ",") { places.append(try postfix()) }
      if take(symbol: "=") {
        let value = try expressions()
        try finish()
        return JinjaNode(kind: .set(places, value), line: line)
      }
      while take(symbol: "|") { _ = try filter(nil) }
      try finish()
      return JinjaNode(kind: .setBlock(places[0], try body(until: ["endset"]).0), line: line)
    case "macro", "call":
      var names: [String] = []
      var values: [JinjaExpression] = []
      if keyword == "macro", case .name(let name)? = peek() {
        names.append(name)
        position += 1
      }
      if take(symbol: "(") {
        while !take(symbol: ")") {
          guard case .name(let name)? = peek() else { throw failure("a parameter") }
          position += 1
          names.append(name)
          if take(symbol: "=") { values.append(try expression()) }
          _ = take(symbol: ",")
        }
      }
      if keyword == "call" { values.append(try expression()) }
      try finish()
      return JinjaNode(kind: .block(names, values, try body(until: ["end\(keyword)"]).0), line: line)
    case "filter":
      var values: [JinjaExpression] = [try filter(nil)]
      while take(symbol: "|") { values.append(try filter(nil)) }
      try finish()
      return JinjaNode(kind: .block([], values, try body(until: ["endfilter"]).0), line: line)
    case "with":
      var inner: [JinjaNode] = []
      while position < tokens.count {
        let place = try postfix()
        guard take(symbol: "=") else { throw failure("a value") }
        inner.append(JinjaNode(kind: .set([place], try expression()), line: line))
        _ = take(symbol: ",")
      }
      return JinjaNode(kind: .block([], [], inner + (try body(until: ["endwith"]).0)), line: line)
    case "block", "autoescape", "generation", "trans":
      position = tokens.count
      return JinjaNode(kind: .block([], [], try body(until: ["end\(keyword)"]).0), line: line)
    case "pluralize", "break", "continue", "debug":
      position = tokens.count
      return nil
    case "do":
      let value = try expressions()
      try finish()
      return JinjaNode(kind: .block([], [value], []), line: line)
    case "include", "import", "from", "extends":
      let value = try? expression()
      position = tokens.count
      return JinjaNode(kind: .foreign(keyword, value), line: line)
    default: throw failure("an unknown statement \"\(keyword.prefix(40))\"")
    }
  }

  private mutating func targets() throws(Failure) -> [String] {
    var names: [String] = []
    let isGrouped = take(symbol: "(")
    repeat {
      if take(symbol: "(") {
        names += try targets()
        _ = take(symbol: ")")
        continue
      }
      guard case .name(let name)? = peek(), name != "in" else { break }
      position += 1
      names.append(name)
    } while take(symbol: ",")
    if isGrouped { _ = take(symbol: ")") }
    return names
  }

  // MARK: Expressions

  private func peek(_ offset: Int = 0) -> JinjaToken? {
    tokens.indices.contains(position + offset) ? tokens[position + offset] : nil
  }

  private mutating func take(symbol: String) -> Bool {
    guard case .symbol(symbol)? = peek() else { return false }
    position += 1
    return true
  }

  private mutating func take(name: String) -> Bool {
    guard case .name(name)? = peek() else { return false }
    position += 1
    return true
  }

  /// One expression, or several that make a tuple.
  private mutating func expressions() throws(Failure) -> JinjaExpression {
    let first = try expression()
    guard case .symbol(",")? = peek() else { return first }
    var items = [first]
    while take(symbol: ",") {
      if position >= tokens.count { break }
      items.append(try expression())
    }
    return .list(items)
  }

  private mutating func expression() throws(Failure) -> JinjaExpression {
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
  private mutating func withoutConditional() throws(Failure) -> JinjaExpression {
    let first = try either()
    guard case .symbol(",")? = peek() else { return first }
    var items = [first]
    while take(symbol: ",") { items.append(try either()) }
    return .list(items)
  }

  private mutating func either() throws(Failure) -> JinjaExpression {
    var left = try both()
    while take(name: "or") {
      try link()
      left = .binary("or", left, try both())
    }
    return left
  }

  private mutating func both() throws(Failure) -> JinjaExpression {
    var left = try negation()
    while take(name: "and") {
      try link()
      left = .binary("and", left, try negation())
    }
    return left
  }

  private mutating func negation() throws(Failure) -> JinjaExpression {
    var count = 0
    while case .name("not")? = peek() {
      position += 1
      count += 1
    }
    let value = try comparison()
    return count == 0 ? value : .unary("not", value)
  }

  private mutating func comparison() throws(Failure) -> JinjaExpression {
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

  private mutating func sum() throws(Failure) -> JinjaExpression {
    var left = try product()
    while case .symbol(let symbol)? = peek(), ["+", "-", "~"].contains(symbol) {
      position += 1
      try link()
      left = .binary(symbol, left, try product())
    }
    return left
  }

  private mutating func product() throws(Failure) -> JinjaExpression {
    var left = try unary()
    while case .symbol(let symbol)? = peek(), ["*", "/", "//", "%", "**"].contains(symbol) {
      position += 1
      try link()
      left = .binary(symbol, left, try unary())
    }
    return left
  }

  private mutating func unary() throws(Failure) -> JinjaExpression {
    if case .symbol(let symbol)? = peek(), symbol == "-" || symbol == "+" {
      position += 1
      depth += 1
      defer { depth -= 1 }
      guard depth <= Self.depthLimit else { throw failure("more than \(Self.depthLimit) levels") }
      return .unary(symbol, try unary())
    }
    return try postfix()
  }

  private mutating func postfix() throws(Failure) -> JinjaExpression {
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

  private mutating func index() throws(Failure) -> JinjaExpression {
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

  private mutating func arguments() throws(Failure) -> [JinjaArgument] {
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

  private mutating func dotted() throws(Failure) -> String {
    guard case .name(var name)? = peek() else { throw failure("a name") }
    position += 1
    while case .symbol(".")? = peek(), case .name(let more)? = peek(1) {
      name += ".\(more)"
      position += 2
    }
    return name
  }

  private mutating func filter(_ value: JinjaExpression?) throws(Failure) -> JinjaExpression {
    let name = try dotted()
    return .filter(value, name, take(symbol: "(") ? try arguments() : [])
  }

  private mutating func test(_ value: JinjaExpression) throws(Failure) -> JinjaExpression {
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
  private mutating func postfixWithoutTests() throws(Failure) -> JinjaExpression {
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

  private mutating func primary() throws(Failure) -> JinjaExpression {
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

  private static func number(_ digits: String) -> Double {
    if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
      return Double(UInt64(digits.dropFirst(2), radix: 16) ?? .max)
    }
    return Double(digits) ?? .infinity
  }
}
