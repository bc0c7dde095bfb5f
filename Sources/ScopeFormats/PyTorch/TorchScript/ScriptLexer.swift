import ScopeBytes

/// A piece of TorchScript source.
struct ScriptToken {
  enum Kind: Equatable {
    case name
    case number
    case string
    /// One character of punctuation, or the first of a two-character operator (`->`, `==`, `**` ...).
    case symbol(UInt8)
    case newline
    case indent
    case dedent
    case end
  }

  var kind: Kind
  var start: Int
  var end: Int
  var line: Int
}

/// Cuts TorchScript source into tokens, with Python's rules for lines and indentation.
struct ScriptLexer {
  private let bytes: [UInt8]
  private let path: String
  private var position = 0
  private var line = 1
  private var brackets = 0
  private var indentation = [0]
  private var tokens: [ScriptToken] = []

  private static let indentationLimit = 120

  /// - Throws: `malformed` with file and line.
  static func tokens(_ bytes: [UInt8], path: String) throws(ScopeError) -> [ScriptToken] {
    var lexer = ScriptLexer(bytes, path)
    try lexer.run()
    return lexer.tokens
  }

  private init(_ bytes: [UInt8], _ path: String) {
    self.bytes = bytes
    self.path = path
    tokens.reserveCapacity(bytes.count / 4)
  }

  private func malformed(_ what: String, found: String? = nil) -> ScopeError {
    ScopeError(.malformed, what, place: "\(path) line \(line)", found: found)
  }

  private mutating func add(_ kind: ScriptToken.Kind, _ start: Int) {
    tokens.append(ScriptToken(kind: kind, start: start, end: position, line: line))
  }

  private mutating func run() throws(ScopeError) {
    var isLineStart = true
    while position < bytes.count {
      if isLineStart, brackets == 0 {
        isLineStart = false
        if try !beginLine() {
          isLineStart = true
          continue
        }
      }
      let byte = bytes[position]
      switch byte {
      case 0x20, 0x09, 0x0D: position += 1
      case 0x0A:
        if brackets == 0 {
          add(.newline, position)
          isLineStart = true
        }
        position += 1
        line += 1
      case 0x23: while position < bytes.count, bytes[position] != 0x0A { position += 1 }
      case 0x22, 0x27: try string(quote: byte)
      case 0x30...0x39: number()
      case 0x2E where position + 1 < bytes.count && Self.isDigit(bytes[position + 1]): number()
      case _ where Self.isNameStart(byte):
        let start = position
        while position < bytes.count, Self.isNameStart(bytes[position]) || Self.isDigit(bytes[position]) {
          position += 1
        }
        add(.name, start)
      default: try symbol(byte)
      }
    }
    guard brackets == 0 else { throw malformed("a bracket is not closed before the end of the file") }
    if let last = tokens.last, last.kind != .newline { add(.newline, position) }
    for _ in indentation.dropFirst() { add(.dedent, position) }
    add(.end, position)
  }

  /// Reads a line's indentation; false for an empty line, which is skipped.
  private mutating func beginLine() throws(ScopeError) -> Bool {
    let start = position
    while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
    guard position < bytes.count else { return false }
    if bytes[position] == 0x0A || bytes[position] == 0x0D || bytes[position] == 0x23 {
      while position < bytes.count, bytes[position] != 0x0A { position += 1 }
      if position < bytes.count {
        position += 1
        line += 1
      }
      return false
    }
    let width = position - start
    let current = indentation.last ?? 0
    if width > current {
      guard indentation.count < Self.indentationLimit else {
        throw ScopeError(
          .limitExceeded, "the program is nested too deeply", place: "\(path) line \(line)",
          expected: "at most \(Self.indentationLimit) levels")
      }
      indentation.append(width)
      add(.indent, start)
    } else if width < current {
      while let last = indentation.last, last > width {
        indentation.removeLast()
        add(.dedent, start)
      }
      guard indentation.last == width else { throw malformed("the indentation fits no block") }
    }
    return true
  }

  private mutating func string(quote: UInt8) throws(ScopeError) {
    let start = position
    position += 1
    while position < bytes.count, bytes[position] != quote {
      guard bytes[position] != 0x0A else { throw malformed("a string is not closed on its line") }
      position += bytes[position] == 0x5C ? 2 : 1
    }
    guard position < bytes.count else { throw malformed("a string is not closed") }
    position += 1
    add(.string, start)
  }

  private mutating func number() {
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      if Self.isDigit(byte) || byte == 0x2E || Self.isNameStart(byte) {
        position += 1
      } else if byte == 0x2B || byte == 0x2D, bytes[position - 1] | 0x20 == 0x65 {
        position += 1
      } else {
        break
      }
    }
    add(.number, start)
  }

  private mutating func symbol(_ byte: UInt8) throws(ScopeError) {
    let start = position
    position += 1
    switch byte {
    case 0x28, 0x5B, 0x7B: brackets += 1
    case 0x29, 0x5D, 0x7D:
      guard brackets > 0 else { throw malformed("a bracket is closed that was not opened") }
      brackets -= 1
    case 0x2C, 0x3A, 0x2E, 0x2B, 0x25, 0x26, 0x7C, 0x5E, 0x7E, 0x40: break
    case 0x2D:
      if position < bytes.count, bytes[position] == 0x3E { position += 1 }
    case 0x3D, 0x3C, 0x3E, 0x21, 0x2A, 0x2F:
      if position < bytes.count, bytes[position] == 0x3D || (bytes[position] == byte && byte != 0x3D) {
        position += 1
      }
    default:
      throw malformed(
        "a byte that is not part of the language",
        found: byte < 0x80 ? "0x\(String(byte, radix: 16))" : "a byte beyond ASCII")
    }
    add(.symbol(byte), start)
  }

  static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  static func isNameStart(_ byte: UInt8) -> Bool {
    (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x41 && byte <= 0x5A) || byte == 0x5F
  }
}
