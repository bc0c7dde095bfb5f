import ScopeBytes

/// A JSON value that keeps duplicate keys, which ordinary decoders drop (RFC 8259, bounded nesting).
indirect enum JSONValue: Sendable {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([(key: String, value: JSONValue)])

  /// The first value of a key.
  subscript(key: String) -> JSONValue? {
    guard case .object(let entries) = self else { return nil }
    return entries.first { $0.key == key }?.value
  }

  var text: String? { if case .string(let text) = self { text } else { nil } }

  /// A number from 0 without fraction, sign, exponent or leading zeros.
  var natural: Int? {
    guard case .number(let digits) = self, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      digits == "0" || !digits.hasPrefix("0")
    else { return nil }
    return Int(digits)
  }

  /// Every value of a key: readers keep the first or the last of them.
  func values(_ key: String) -> [JSONValue] {
    guard case .object(let entries) = self else { return [] }
    return entries.filter { $0.key == key }.map(\.value)
  }

  var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
}

/// Parses JSON strictly.
struct JSONScanner {
  private let bytes: [UInt8]
  private let base: Int
  private var position = 0
  private var budget = 4_000_000
  private let depthLimit: Int
  private let allowsInfinity: Bool

  private init(_ slice: ByteSlice, depthLimit: Int, allowsInfinity: Bool) {
    bytes = slice.array
    base = slice.offset
    self.depthLimit = depthLimit
    self.allowsInfinity = allowsInfinity
  }

  /// - Parameter allowsInfinity: whether `NaN` and `Infinity` are numbers, as Python writes and reads them.
  /// - Returns: the value and the position after it (white space not skipped).
  /// - Throws: `malformed`, `limitExceeded`.
  static func parse(
    _ slice: ByteSlice, depthLimit: Int = 64, allowsInfinity: Bool = false
  ) throws(ScopeError) -> (JSONValue, Int) {
    var scanner = JSONScanner(slice, depthLimit: depthLimit, allowsInfinity: allowsInfinity)
    let value = try scanner.value(depth: 0)
    return (value, scanner.position)
  }

  private func failure(_ expected: String) -> ScopeError {
    ScopeError(.malformed, "the JSON text is not valid", place: "byte \(base + position)", expected: expected)
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }

  private mutating func value(depth: Int) throws(ScopeError) -> JSONValue {
    budget -= 1
    guard depth < depthLimit, budget > 0 else {
      throw ScopeError(.limitExceeded, "the JSON text is nested too deeply or too long")
    }
    skipSpace()
    guard position < bytes.count else { throw failure("a value") }
    switch bytes[position] {
    case 0x7B: return try object(depth: depth)
    case 0x5B: return try list(depth: depth)
    case 0x22: return .string(try string())
    case 0x74: return try word("true", .bool(true))
    case 0x66: return try word("false", .bool(false))
    case 0x6E: return try word("null", .null)
    case 0x4E where allowsInfinity: return try word("NaN", .number("NaN"))
    case 0x49 where allowsInfinity: return try word("Infinity", .number("Infinity"))
    case 0x2D where allowsInfinity && position + 1 < bytes.count && bytes[position + 1] == 0x49:
      return try word("-Infinity", .number("-Infinity"))
    default:
      let start = position
      while position < bytes.count,
        [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(bytes[position]) || (0x30...0x39).contains(bytes[position])
      {
        position += 1
      }
      guard position > start else { throw failure("a value") }
      return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }
  }

  private mutating func word(_ text: String, _ value: JSONValue) throws(ScopeError) -> JSONValue {
    guard bytes[position...].starts(with: Array(text.utf8)) else { throw failure(text) }
    position += text.utf8.count
    return value
  }

  private mutating func object(depth: Int) throws(ScopeError) -> JSONValue {
    position += 1
    var entries: [(key: String, value: JSONValue)] = []
    skipSpace()
    if position < bytes.count, bytes[position] == 0x7D {
      position += 1
      return .object([])
    }
    while true {
      skipSpace()
      guard position < bytes.count, bytes[position] == 0x22 else { throw failure("a key") }
      let key = try string()
      skipSpace()
      guard position < bytes.count, bytes[position] == 0x3A else { throw failure(":") }
      position += 1
      entries.append((key, try value(depth: depth + 1)))
      skipSpace()
      guard position < bytes.count else { throw failure(", or }") }
      position += 1
      if bytes[position - 1] == 0x7D { return .object(entries) }
      guard bytes[position - 1] == 0x2C else { throw failure(", or }") }
    }
  }

  private mutating func list(depth: Int) throws(ScopeError) -> JSONValue {
    position += 1
    var values: [JSONValue] = []
    skipSpace()
    if position < bytes.count, bytes[position] == 0x5D {
      position += 1
      return .array([])
    }
    while true {
      values.append(try value(depth: depth + 1))
      skipSpace()
      guard position < bytes.count else { throw failure(", or ]") }
      position += 1
      if bytes[position - 1] == 0x5D { return .array(values) }
      guard bytes[position - 1] == 0x2C else { throw failure(", or ]") }
    }
  }

  private mutating func string() throws(ScopeError) -> String {
    position += 1
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case 0x22:
        guard let string = String(validating: text, as: UTF8.self) else { throw failure("UTF-8 text") }
        return string
      case 0x5C:
        guard position < bytes.count else { throw failure("an escape") }
        let escape = bytes[position]
        position += 1
        switch escape {
        case 0x6E: text.append(0x0A)
        case 0x74: text.append(0x09)
        case 0x72: text.append(0x0D)
        case 0x62: text.append(0x08)
        case 0x66: text.append(0x0C)
        case 0x22, 0x5C, 0x2F: text.append(escape)
        case 0x75: text += Array(String(try unicode()).utf8)
        default: throw failure("an escape")
        }
      case 0..<0x20: throw failure("no control characters in text")
      default: text.append(byte)
      }
    }
    throw failure("the end of a text")
  }

  private mutating func unicode() throws(ScopeError) -> Character {
    let high = try hex()
    if (0xD800..<0xDC00).contains(high), position + 1 < bytes.count, bytes[position] == 0x5C,
      bytes[position + 1] == 0x75
    {
      position += 2
      let low = try hex()
      if (0xDC00..<0xE000).contains(low),
        let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
      {
        return Character(scalar)
      }
    }
    return Character(Unicode.Scalar(high) ?? "\u{FFFD}")
  }

  private mutating func hex() throws(ScopeError) -> UInt32 {
    guard position + 4 <= bytes.count,
      let value = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw failure("four hexadecimal digits") }
    position += 4
    return value
  }
}
