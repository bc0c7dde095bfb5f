import ScopeBytes

/// Parses one file of TorchScript source: statements and definitions. Expressions are in `ScriptParser+Expressions`.
struct ScriptParser {
  let bytes: [UInt8]
  let path: String
  let tokens: [ScriptToken]
  var index = 0
  var depth = 0

  /// Nesting of blocks and expressions together; the source that PyTorch writes stays far below.
  static let depthLimit = 150
  static let fileLimit = 1 << 26

  /// - Throws: `malformed` or `limitExceeded` with file and line.
  static func parse(_ source: ByteSlice, path: String) throws(ScopeError) -> ScriptFile {
    guard source.count <= fileLimit else {
      throw ScopeError(
        .limitExceeded, "the program is too long", place: path, expected: "at most \(fileLimit) bytes",
        found: "\(source.count)")
    }
    let bytes = source.array
    var parser = ScriptParser(
      bytes: bytes, path: path, tokens: try ScriptLexer.tokens(bytes, path: path))
    return try parser.file()
  }

  private init(bytes: [UInt8], path: String, tokens: [ScriptToken]) {
    self.bytes = bytes
    self.path = path
    self.tokens = tokens
  }

  // MARK: Tokens

  var token: ScriptToken { tokens[index] }
  var line: Int { tokens[index].line }

  func text(_ token: ScriptToken) -> String {
    String(decoding: bytes[token.start..<token.end], as: UTF8.self)
  }

  func malformed(_ what: String) -> ScopeError {
    let found =
      switch token.kind {
      case .newline: "the end of the line"
      case .indent: "a deeper indentation"
      case .dedent: "a lesser indentation"
      case .end: "the end of the file"
      default: "\"\(String(text(token).prefix(40)))\""
      }
    return ScopeError(.malformed, what, place: "\(path) line \(line)", found: found)
  }

  mutating func advance() { if index < tokens.count - 1 { index += 1 } }

  func isSymbol(_ character: Unicode.Scalar) -> Bool {
    token.kind == .symbol(UInt8(ascii: character)) && token.end - token.start == 1
  }

  func isPair(_ pair: StaticString) -> Bool {
    guard case .symbol = token.kind, token.end - token.start == 2 else { return false }
    return text(token) == "\(pair)"
  }

  mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard isSymbol(character) else { return false }
    advance()
    return true
  }

  mutating func expect(_ character: Unicode.Scalar) throws(ScopeError) {
    guard accept(character) else { throw malformed("the program needs \"\(character)\" here") }
  }

  func isWord(_ word: String) -> Bool {
    guard token.kind == .name, token.end - token.start == word.utf8.count else { return false }
    return bytes[token.start..<token.end].elementsEqual(word.utf8)
  }

  mutating func acceptWord(_ word: String) -> Bool {
    guard isWord(word) else { return false }
    advance()
    return true
  }

  mutating func identifier() throws(ScopeError) -> String {
    guard token.kind == .name else { throw malformed("the program needs a name here") }
    let name = text(token)
    advance()
    return name
  }

  mutating func endOfLine() throws(ScopeError) {
    if token.kind == .end { return }
    guard token.kind == .newline else { throw malformed("the statement does not end here") }
    advance()
  }

  mutating func deeper<Result>(
    _ body: (inout ScriptParser) throws(ScopeError) -> Result
  ) throws(ScopeError) -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else {
      throw ScopeError(
        .limitExceeded, "the program is nested too deeply", place: "\(path) line \(line)",
        expected: "at most \(Self.depthLimit) levels")
    }
    return try body(&self)
  }

  // MARK: Definitions

  private mutating func file() throws(ScopeError) -> ScriptFile {
    var file = ScriptFile(path: path)
    while token.kind != .end {
      if token.kind == .newline {
        advance()
      } else if acceptWord("class") {
        let definition = try classDefinition()
        file.classes[definition.name] = definition
      } else if isWord("def") {
        let function = try function()
        file.functions[function.name] = function
      } else {
        // Constants and imports of old archives; nothing here refers to them.
        _ = try statement()
      }
    }
    return file
  }

  private mutating func classDefinition() throws(ScopeError) -> ScriptClass {
    let name = try identifier()
    var result = ScriptClass(name: name, base: "")
    if accept("(") {
      if !isSymbol(")") { result.base = try expression().dottedName ?? "" }
      _ = accept(",")
      try expect(")")
    }
    try expect(":")
    try endOfLine()
    guard token.kind == .indent else { return result }
    advance()
    while token.kind != .dedent {
      guard token.kind != .end else { throw malformed("the class does not end") }
      if isWord("def") {
        let method = try function()
        result.methods[method.name] = method
      } else {
        try classMember(&result)
      }
    }
    advance()
    return result
  }

  private mutating func classMember(_ result: inout ScriptClass) throws(ScopeError) {
    if acceptWord("pass") { return try endOfLine() }
    let target = try expression()
    var value: ScriptExpression?
    if accept(":") { _ = try expression() }
    if accept("=") { value = try expressionList() }
    try endOfLine()
    switch target {
    case .name("__parameters__"): result.parameterNames = strings(value)
    case .name("__buffers__"): result.bufferNames = strings(value)
    case .name(let name): result.fields.append((name, value))
    case .index(.name("__annotations__"), .string(let name)): result.fields.append((name, nil))
    default: break
    }
  }

  private func strings(_ value: ScriptExpression?) -> [String] {
    guard case .list(let items)? = value else { return [] }
    return items.compactMap { if case .string(let text) = $0 { text } else { nil } }
  }

  private mutating func function() throws(ScopeError) -> ScriptFunction {
    let line = line
    advance()
    let name = try identifier()
    try expect("(")
    var parameters: [ScriptFunction.Parameter] = []
    while !isSymbol(")") {
      // `*` marks that keyword-only parameters follow.
      if accept("*") {
        _ = accept(",")
        continue
      }
      var parameter = ScriptFunction.Parameter(name: try identifier(), isTensor: true, defaultValue: nil)
      if accept(":") {
        let type = try expression()
        if case .name("Tensor") = type {} else { parameter.isTensor = false }
      }
      if accept("=") { parameter.defaultValue = try expression() }
      parameters.append(parameter)
      guard accept(",") else { break }
    }
    try expect(")")
    if isPair("->") {
      advance()
      _ = try expression()
    }
    try expect(":")
    return ScriptFunction(name: name, line: line, parameters: parameters, body: try block())
  }

  // MARK: Statements

  private mutating func block() throws(ScopeError) -> [ScriptStatement] {
    if token.kind != .newline { return [try statement()] }
    advance()
    guard token.kind == .indent else { return [] }
    advance()
    var statements: [ScriptStatement] = []
    while token.kind != .dedent {
      guard token.kind != .end else { throw malformed("the block does not end") }
      statements.append(try deeper { parser throws(ScopeError) in try parser.statement() })
    }
    advance()
    return statements
  }

  private mutating func statement() throws(ScopeError) -> ScriptStatement {
    ScriptStatement(line: line, kind: try statementKind())
  }

  private mutating func statementKind() throws(ScopeError) -> ScriptStatement.Kind {
    if acceptWord("if") { return try conditional() }
    if acceptWord("while") {
      let condition = try expression()
      try expect(":")
      return .whileLoop(condition, try block())
    }
    if acceptWord("for") {
      let target = try targets()
      guard acceptWord("in") else { throw malformed("the loop needs \"in\" here") }
      let sequence = try expression()
      try expect(":")
      return .forLoop(target, sequence, try block())
    }
    if acceptWord("return") {
      let value = token.kind == .newline || token.kind == .end ? nil : try expressionList()
      try endOfLine()
      return .returning(value)
    }
    if acceptWord("pass") { return try ended(.pass) }
    if acceptWord("break") { return try ended(.leaveLoop) }
    if acceptWord("continue") { return try ended(.nextRound) }
    if acceptWord("assert") {
      let condition = try expression()
      if accept(",") { _ = try expression() }
      return try ended(.assertion(condition))
    }
    if isWord("with") || isWord("del") || isWord("global") || isWord("raise") || isWord("class") {
      throw ScopeError(
        .unsupported, "the statement \"\(text(token))\" is not converted", place: "\(path) line \(line)")
    }
    return try assignment()
  }

  private mutating func ended(_ kind: ScriptStatement.Kind) throws(ScopeError) -> ScriptStatement.Kind {
    try endOfLine()
    return kind
  }

  private mutating func conditional() throws(ScopeError) -> ScriptStatement.Kind {
    let condition = try expression()
    try expect(":")
    let then = try block()
    var otherwise: [ScriptStatement] = []
    if isWord("elif") {
      let line = line
      advance()
      let inner = try deeper { parser throws(ScopeError) in try parser.conditional() }
      otherwise = [ScriptStatement(line: line, kind: inner)]
    } else if acceptWord("else") {
      try expect(":")
      otherwise = try block()
    }
    return .conditional(condition, then: then, otherwise: otherwise)
  }

  /// The names before `in` of a loop.
  private mutating func targets() throws(ScopeError) -> ScriptTarget {
    let first = try postfix()
    guard isSymbol(",") else { return .single(first) }
    var items = [first]
    while accept(",") {
      if isWord("in") { break }
      items.append(try postfix())
    }
    return .unpack(items)
  }

  private mutating func assignment() throws(ScopeError) -> ScriptStatement.Kind {
    let first = try expression()
    if isSymbol(",") {
      var items = [first]
      while accept(",") {
        if isSymbol("=") || token.kind == .newline { break }
        items.append(try expression())
      }
      if accept("=") { return try ended(.assign(.unpack(items), try expressionList())) }
      return try ended(.expression(.tuple(items)))
    }
    if accept(":") {
      _ = try expression()
      guard accept("=") else { return try ended(.declare(first.dottedName ?? "")) }
      return try ended(.assign(.single(first), try expressionList()))
    }
    if accept("=") { return try ended(.assign(.single(first), try expressionList())) }
    return try ended(.expression(first))
  }
}
