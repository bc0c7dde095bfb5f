/// Parses the expressions and statements of Jinja 3.1, with the extensions that chat templates use (`break`,
/// `continue`, `do`, `generation`). Nesting is bounded.
struct JinjaParser {
  struct Failure: Error {
    var message: String
    var line: Int
  }

  static let depthLimit = 100
  /// Operators, attributes, filters and calls of one tag: each makes the expression one level deeper.
  static let linkLimit = 1000

  let segments: [JinjaSegment]
  var next = 0
  var tokens: [JinjaToken] = []
  var position = 0
  var depth = 0
  var links = 0
  var line = 1

  private init(_ segments: [JinjaSegment]) { self.segments = segments }

  static func parse(_ segments: [JinjaSegment]) throws(Failure) -> [JinjaNode] {
    var parser = JinjaParser(segments)
    let (nodes, end) = try parser.body(until: [])
    guard end == nil else { throw parser.failure("an end without a beginning") }
    return nodes
  }

  func failure(_ message: String) -> Failure { Failure(message: message, line: line) }

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

  mutating func begin(_ found: [JinjaToken]) {
    tokens = found
    position = 0
    links = 0
  }

  /// Counts one more operator or attribute.
  mutating func link() throws(Failure) {
    links += 1
    guard links <= Self.linkLimit else { throw failure("more than \(Self.linkLimit) operators in a tag") }
  }

  func finish() throws(Failure) {
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

  mutating func targets() throws(Failure) -> [String] {
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
}
