import ScopeBytes

/// A message or scalar in protobuf's text form (protobuf.dev, "Text Format Language Specification").
struct TextProto {
  /// The text of a scalar, escapes resolved.
  var scalar: String?
  /// The fields of a message, in order.
  var entries: [Field] = []

  struct Field {
    var key: String
    var value: TextProto
  }

  subscript(key: String) -> TextProto? { entries.first { $0.key == key }?.value }

  func all(_ key: String) -> [TextProto] { entries.filter { $0.key == key }.map(\.value) }

  /// - Throws: `malformed` with the byte, `limitExceeded`.
  static func parse(_ bytes: ByteSlice) throws(ScopeError) -> TextProto {
    guard bytes.count <= 256 << 20 else {
      throw ScopeError(.limitExceeded, "the text is too large", expected: "at most \(256 << 20) bytes")
    }
    var parser = TextProtoParser(bytes)
    return try parser.message(until: nil, depth: 0)
  }
}

private struct TextProtoParser {
  private let bytes: [UInt8]
  private let base: Int
  private var position = 0
  private var budget = 8_000_000

  init(_ slice: ByteSlice) {
    bytes = slice.array
    base = slice.offset
  }

  private func failure(_ expected: String) -> ScopeError {
    ScopeError(
      position >= bytes.count ? .truncated : .malformed, "this is no protobuf text",
      place: "byte \(base + position)", expected: expected)
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      if bytes[position] == 0x23 {
        while position < bytes.count, bytes[position] != 0x0A { position += 1 }
      } else if [0x20, 0x09, 0x0A, 0x0D, 0x2C, 0x3B].contains(bytes[position]) {
        position += 1
      } else {
        return
      }
    }
  }

  mutating func message(until end: UInt8?, depth: Int) throws(ScopeError) -> TextProto {
    guard depth < 64 else {
      throw ScopeError(.limitExceeded, "the text is nested too deeply", expected: "at most 64 levels")
    }
    var result = TextProto()
    while true {
      skipSpace()
      guard position < bytes.count else {
        guard end == nil else { throw failure("the end of a message") }
        return result
      }
      if bytes[position] == end {
        position += 1
        return result
      }
      budget -= 1
      guard budget > 0 else { throw ScopeError(.limitExceeded, "the text has too many fields") }
      let key = try name()
      skipSpace()
      let hasColon = position < bytes.count && bytes[position] == 0x3A
      if hasColon { position += 1 }
      skipSpace()
      guard position < bytes.count else { throw failure("a value") }
      if bytes[position] == 0x5B {
        position += 1
        skipSpace()
        while position < bytes.count, bytes[position] != 0x5D {
          result.entries.append(TextProto.Field(key: key, value: try value(depth: depth)))
          skipSpace()
        }
        position += 1
      } else {
        guard hasColon || bytes[position] == 0x7B || bytes[position] == 0x3C else { throw failure(":") }
        result.entries.append(TextProto.Field(key: key, value: try value(depth: depth)))
      }
    }
  }

  private mutating func value(depth: Int) throws(ScopeError) -> TextProto {
    switch bytes[position] {
    case 0x7B:
      position += 1
      return try message(until: 0x7D, depth: depth + 1)
    case 0x3C:
      position += 1
      return try message(until: 0x3E, depth: depth + 1)
    case 0x22, 0x27:
      var text: [UInt8] = []
      // Adjacent texts are one.
      while position < bytes.count, bytes[position] == 0x22 || bytes[position] == 0x27 {
        try string(&text)
        skipSpace()
      }
      return TextProto(scalar: String(decoding: text.prefix(1 << 26), as: UTF8.self))
    default: return TextProto(scalar: try name())
    }
  }

  private mutating func name() throws(ScopeError) -> String {
    let start = position
    // Extension names and URLs of Any messages stand in brackets.
    if bytes[position] == 0x5B {
      while position < bytes.count, bytes[position] != 0x5D { position += 1 }
      position = min(position + 1, bytes.count)
    }
    while position < bytes.count, Self.isWord(bytes[position]) { position += 1 }
    guard position > start else { throw failure("a name or value") }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || [0x5F, 0x2B, 0x2D, 0x2E].contains(byte)
  }

  private mutating func string(_ text: inout [UInt8]) throws(ScopeError) {
    let quote = bytes[position]
    position += 1
    while position < bytes.count, bytes[position] != quote {
      let byte = bytes[position]
      position += 1
      guard byte == 0x5C else {
        text.append(byte)
        continue
      }
      guard position < bytes.count else { break }
      let escape = bytes[position]
      position += 1
      switch escape {
      case 0x6E: text.append(0x0A)
      case 0x74: text.append(0x09)
      case 0x72: text.append(0x0D)
      case 0x30...0x37:
        var value = Int(escape - 0x30)
        for _ in 0..<2 where position < bytes.count && (0x30...0x37).contains(bytes[position]) {
          value = value * 8 + Int(bytes[position] - 0x30)
          position += 1
        }
        text.append(UInt8(truncatingIfNeeded: value))
      case 0x78, 0x58:
        var value = 0
        for _ in 0..<2 where position < bytes.count {
          guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else { break }
          value = value * 16 + digit
          position += 1
        }
        text.append(UInt8(truncatingIfNeeded: value))
      default: text.append(escape)
      }
    }
    guard position < bytes.count else { throw failure("the end of a text") }
    position += 1
  }
}
