import OrderedCollections
import ScopeBytes

/// A JSON document (RFC 8259) with bounded nesting and size; duplicate keys are an error, the order of keys stays.
enum JSONValue: Sendable {
  case object(OrderedDictionary<String, JSONValue>)
  case array([JSONValue])
  case string(String)
  /// A number that is an integer of 64 bits.
  case integer(Int)
  case number(Double)
  case bool(Bool)
  case null

  subscript(key: String) -> JSONValue? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  /// - Throws: `malformed` with the byte position, `limitExceeded`.
  static func parse(
    _ bytes: ByteSlice, valueLimit: Int = 4_000_000, depthLimit: Int = 32
  ) throws(ScopeError) -> JSONValue {
    var parser = JSONParser(bytes, valueLimit: valueLimit, depthLimit: depthLimit)
    return try parser.document()
  }
}

private struct JSONParser {
  private let bytes: ByteSlice
  private var position = 0
  private var values = 0
  private let valueLimit: Int
  private let depthLimit: Int

  init(_ bytes: ByteSlice, valueLimit: Int, depthLimit: Int) {
    self.bytes = bytes
    self.valueLimit = valueLimit
    self.depthLimit = depthLimit
  }

  mutating func document() throws(ScopeError) -> JSONValue {
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw malformed("more after the JSON document") }
    return value
  }

  private func malformed(_ what: String) -> ScopeError {
    ScopeError(.malformed, what, place: "byte \(bytes.offset + position)")
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }

  private func peek() -> UInt8 { position < bytes.count ? bytes[position] : 0 }

  private mutating func expect(_ byte: UInt8) throws(ScopeError) {
    guard peek() == byte, position < bytes.count else {
      throw malformed("the JSON needs \"\(Character(Unicode.Scalar(byte)))\" here")
    }
    position += 1
  }

  private mutating func value(depth: Int) throws(ScopeError) -> JSONValue {
    values += 1
    guard depth < depthLimit, values <= valueLimit else {
      throw ScopeError(
        .limitExceeded, "the JSON is too large or nested too deeply",
        place: "byte \(bytes.offset + position)",
        expected: "at most \(depthLimit) levels and \(valueLimit) values")
    }
    skipSpace()
    switch peek() {
    case 0x7B: return try object(depth: depth)
    case 0x5B: return try array(depth: depth)
    case 0x22: return .string(try string())
    case 0x74: return try word("true", .bool(true))
    case 0x66: return try word("false", .bool(false))
    case 0x6E: return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func object(depth: Int) throws(ScopeError) -> JSONValue {
    try expect(0x7B)
    var members: OrderedDictionary<String, JSONValue> = [:]
    skipSpace()
    if peek() == 0x7D {
      position += 1
      return .object(members)
    }
    while true {
      skipSpace()
      let start = position
      let key = try string()
      skipSpace()
      try expect(0x3A)
      let member = try value(depth: depth + 1)
      guard members.updateValue(member, forKey: key) == nil else {
        throw ScopeError(
          .malformed, "the JSON has the key \"\(key.prefix(80))\" twice",
          place: "byte \(bytes.offset + start)")
      }
      skipSpace()
      if peek() == 0x2C {
        position += 1
        continue
      }
      try expect(0x7D)
      return .object(members)
    }
  }

  private mutating func array(depth: Int) throws(ScopeError) -> JSONValue {
    try expect(0x5B)
    var items: [JSONValue] = []
    skipSpace()
    if peek() == 0x5D {
      position += 1
      return .array(items)
    }
    while true {
      items.append(try value(depth: depth + 1))
      skipSpace()
      if peek() == 0x2C {
        position += 1
        continue
      }
      try expect(0x5D)
      return .array(items)
    }
  }

  private mutating func word(_ text: StaticString, _ value: JSONValue) throws(ScopeError) -> JSONValue {
    let wanted = Array("\(text)".utf8)
    guard bytes.dropFirst(position).starts(with: wanted) else { throw malformed("this is no JSON value") }
    position += wanted.count
    return value
  }

  private mutating func number() throws(ScopeError) -> JSONValue {
    let start = position
    while position < bytes.count, position - start < 64, Self.isNumeric(bytes[position]) { position += 1 }
    guard let text = try bytes.slice(at: start, count: position - start).utf8String,
      let first = text.utf8.first,
      first == 0x2D || (0x30...0x39).contains(first)
    else { throw malformed("this is no JSON value") }
    if let integer = Int(text) { return .integer(integer) }
    guard let double = Double(text), double.isFinite else { throw malformed("this is no JSON number") }
    return .number(double)
  }

  private static func isNumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(byte)
  }

  private mutating func string() throws(ScopeError) -> String {
    try expect(0x22)
    let start = position
    // The common case has no escape and is taken as it stands.
    while position < bytes.count, bytes[position] != 0x22, bytes[position] != 0x5C, bytes[position] >= 0x20 {
      position += 1
    }
    if position < bytes.count, bytes[position] == 0x22 {
      guard let text = try bytes.slice(at: start, count: position - start).utf8String else {
        throw malformed("the JSON text is not UTF-8")
      }
      position += 1
      return text
    }
    var buffer = try bytes.slice(at: start, count: position - start).array
    while position < bytes.count, bytes[position] != 0x22 {
      let byte = bytes[position]
      guard byte >= 0x20 else { throw malformed("the JSON text holds a control character") }
      position += 1
      if byte == 0x5C { try escape(into: &buffer) } else { buffer.append(byte) }
    }
    try expect(0x22)
    guard let text = String(validating: buffer, as: UTF8.self) else {
      throw malformed("the JSON text is not UTF-8")
    }
    return text
  }

  private mutating func escape(into buffer: inout [UInt8]) throws(ScopeError) {
    let code = peek()
    position += 1
    switch code {
    case 0x22, 0x5C, 0x2F: buffer.append(code)
    case 0x62: buffer.append(8)
    case 0x66: buffer.append(12)
    case 0x6E: buffer.append(10)
    case 0x72: buffer.append(13)
    case 0x74: buffer.append(9)
    case 0x75:
      var scalar = try hexFour()
      if (0xD800..<0xDC00).contains(scalar), peek() == 0x5C,
        bytes.dropFirst(position + 1).starts(with: [0x75])
      {
        position += 2
        let low = try hexFour()
        guard (0xDC00..<0xE000).contains(low) else {
          throw malformed("the JSON text has half a surrogate pair")
        }
        scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let valid = Unicode.Scalar(scalar) else {
        throw malformed("the JSON text has half a surrogate pair")
      }
      buffer += Array(String(Character(valid)).utf8)
    default: throw malformed("the JSON text has an unknown escape")
    }
  }

  private mutating func hexFour() throws(ScopeError) -> UInt32 {
    guard let text = try bytes.slice(at: position, count: 4, what: "escape").utf8String,
      text.allSatisfy(\.isHexDigit), let value = UInt32(text, radix: 16)
    else { throw malformed("the JSON text has a broken escape") }
    position += 4
    return value
  }
}

/// JSON as text.
public enum JSONText {
  /// A JSON string (RFC 8259).
  public static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
