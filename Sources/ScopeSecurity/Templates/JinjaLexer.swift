/// A token inside a Jinja tag.
enum JinjaToken: Equatable {
  case name(String)
  /// Escapes resolved.
  case text(String)
  case number(String)
  case symbol(String)
}

/// A piece of a template: literal text, or the tokens of a tag.
struct JinjaSegment {
  enum Kind {
    case literal(String)
    case output([JinjaToken])
    case statement([JinjaToken])
  }

  var kind: Kind
  /// From 1.
  var line: Int
}

/// Splits a Jinja template (Jinja 3.1, default delimiters) into literal text and tags; comments are dropped.
struct JinjaLexer {
  /// Tokens and bytes that a template may have.
  static let tokenLimit = 400_000
  static let byteLimit = 4 << 20

  private let bytes: [UInt8]
  private var position = 0
  private var line = 1
  private var tokens = 0
  private(set) var segments: [JinjaSegment] = []
  /// Why the splitting ended early.
  private(set) var problem: String?

  init(_ text: String) {
    bytes = Array(text.utf8)
    guard bytes.count <= Self.byteLimit else {
      problem = "the template has more than \(Self.byteLimit) bytes"
      return
    }
    run()
  }

  private func at(_ offset: Int) -> UInt8 {
    position + offset < bytes.count ? bytes[position + offset] : 0
  }

  private mutating func advance() {
    if bytes[position] == 0x0A { line += 1 }
    position += 1
  }

  private mutating func run() {
    var literal: [UInt8] = []
    var start = 1
    func flush(_ segments: inout [JinjaSegment]) {
      if !literal.isEmpty {
        segments.append(JinjaSegment(kind: .literal(String(decoding: literal, as: UTF8.self)), line: start))
      }
      literal = []
    }
    while position < bytes.count, problem == nil {
      guard at(0) == 0x7B, [0x7B, 0x25, 0x23].contains(at(1)) else {
        if literal.isEmpty { start = line }
        literal.append(bytes[position])
        advance()
        continue
      }
      flush(&segments)
      let kind = at(1)
      let opened = line
      position += 2
      if kind == 0x23 {
        while position < bytes.count, !(at(0) == 0x23 && at(1) == 0x7D) { advance() }
        if position >= bytes.count { problem = "a comment of line \(opened) has no end" }
        position = min(position + 2, bytes.count)
        continue
      }
      if at(0) == 0x2D || at(0) == 0x2B { position += 1 }
      let found = tag(end: kind == 0x25 ? 0x25 : 0x7D)
      if case .name("raw")? = found.first, kind == 0x25 {
        raw()
        continue
      }
      segments.append(JinjaSegment(kind: kind == 0x25 ? .statement(found) : .output(found), line: opened))
    }
    flush(&segments)
  }

  /// Literal text up to `{% endraw %}`.
  private mutating func raw() {
    let start = position
    let opened = line
    while position < bytes.count {
      if at(0) == 0x7B, at(1) == 0x25 {
        var next = position + 2
        while next < bytes.count, [0x20, 0x2D, 0x2B, 0x09, 0x0A].contains(bytes[next]) { next += 1 }
        if bytes[next...].starts(with: Array("endraw".utf8)) {
          segments.append(
            JinjaSegment(
              kind: .literal(String(decoding: bytes[start..<position], as: UTF8.self)), line: opened))
          position = next + 6
          while position < bytes.count, !(at(0) == 0x25 && at(1) == 0x7D) { advance() }
          position = min(position + 2, bytes.count)
          return
        }
      }
      advance()
    }
    problem = "a raw block of line \(opened) has no end"
  }

  /// The tokens up to the end of a tag: `%}` or `}}` outside of braces.
  private mutating func tag(end: UInt8) -> [JinjaToken] {
    var result: [JinjaToken] = []
    var braces: [UInt8] = []
    let opened = line
    while position < bytes.count {
      let byte = at(0)
      if [0x20, 0x09, 0x0A, 0x0D].contains(byte) {
        advance()
        continue
      }
      let isTrimmed = (byte == 0x2D || byte == 0x2B) && at(1) == end && at(2) == 0x7D
      if braces.isEmpty, isTrimmed || byte == end && at(1) == 0x7D {
        position += isTrimmed ? 3 : 2
        return result
      }
      tokens += 1
      guard tokens <= Self.tokenLimit else {
        problem = "the template has more than \(Self.tokenLimit) tokens"
        return result
      }
      switch byte {
      case 0x22, 0x27:
        guard let text = string() else {
          problem = "a text in line \(opened) has no end"
          return result
        }
        // Adjacent texts are one.
        if case .text(let before)? = result.last {
          result[result.count - 1] = .text(before + text)
        } else {
          result.append(.text(text))
        }
      case 0x30...0x39: result.append(.number(number()))
      case 0x41...0x5A, 0x61...0x7A, 0x5F, 0x80...0xFF: result.append(.name(name()))
      default:
        let symbol = Self.symbols.first { bytes[position...].starts(with: $0) } ?? [byte]
        if [0x28, 0x5B, 0x7B].contains(byte) { braces.append(byte) }
        if [0x29, 0x5D, 0x7D].contains(byte) { _ = braces.popLast() }
        position += symbol.count
        result.append(.symbol(String(decoding: symbol, as: UTF8.self)))
      }
    }
    problem = "a tag of line \(opened) has no end"
    return result
  }

  private static let symbols: [[UInt8]] = ["//", "**", "==", "!=", "<=", ">="].map { Array($0.utf8) }

  private mutating func name() -> String {
    let start = position
    while position < bytes.count,
      (0x30...0x39).contains(at(0)) || (0x41...0x5A).contains(at(0)) || (0x61...0x7A).contains(at(0))
        || at(0) == 0x5F || at(0) >= 0x80
    {
      position += 1
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func number() -> String {
    let start = position
    while (0x30...0x39).contains(at(0)) || at(0) == 0x5F || (0x61...0x7A).contains(at(0))
      || (0x41...0x5A).contains(at(0)) || at(0) == 0x2E && (0x30...0x39).contains(at(1))
    {
      position += 1
    }
    return String(decoding: bytes[start..<position], as: UTF8.self).filter { $0 != "_" }
  }

  private mutating func string() -> String? {
    let quote = at(0)
    position += 1
    var text: [UInt8] = []
    while position < bytes.count, at(0) != quote {
      guard at(0) == 0x5C, position + 1 < bytes.count else {
        text.append(at(0))
        advance()
        continue
      }
      position += 1
      let escape = at(0)
      advance()
      switch escape {
      case 0x6E: text.append(0x0A)
      case 0x74: text.append(0x09)
      case 0x72: text.append(0x0D)
      case 0x0A: break
      case 0x78: append(hex(2), to: &text)
      case 0x75: append(hex(4), to: &text)
      case 0x55: append(hex(8), to: &text)
      case 0x30...0x37:
        var value = UInt32(escape - 0x30)
        for _ in 0..<2 where (0x30...0x37).contains(at(0)) {
          value = value * 8 + UInt32(at(0) - 0x30)
          position += 1
        }
        append(value, to: &text)
      case 0x4E where at(0) == 0x7B:
        var named: [UInt8] = []
        while position < bytes.count, at(0) != 0x7D {
          named.append(at(0))
          position += 1
        }
        position = min(position + 1, bytes.count)
        let isLine = String(decoding: named.dropFirst(), as: UTF8.self).uppercased() == "LOW LINE"
        text.append(isLine ? 0x5F : 0x3F)
      case 0x5C, 0x27, 0x22: text.append(escape)
      default: text += [0x5C, escape]
      }
    }
    guard position < bytes.count else { return nil }
    position += 1
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func hex(_ count: Int) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<count {
      guard let digit = Character(Unicode.Scalar(at(0))).hexDigitValue else { break }
      value = value &* 16 &+ UInt32(digit)
      position += 1
    }
    return value
  }

  private func append(_ value: UInt32, to text: inout [UInt8]) {
    guard let scalar = Unicode.Scalar(value) else { return }
    text += Array(String(Character(scalar)).utf8)
  }
}
