import ScopeBytes

/// The text encodings of pickle protocol 0.
enum PickleText {
  /// A quoted Python 2 string literal (STRING), as `codecs.escape_decode` reads it.
  ///
  /// - Returns: nil when the quotes do not match or an escape is broken.
  static func unquoted(_ line: ByteSlice) -> [UInt8]? {
    var source = line.array[...]
    // CPython strips white space around the literal.
    while let last = source.last, isSpace(last) { source.removeLast() }
    while let first = source.first, isSpace(first) { source.removeFirst() }
    guard source.count >= 2, let quote = source.first, quote == source.last, quote == 0x22 || quote == 0x27
    else {
      return nil
    }
    source = source.dropFirst().dropLast()
    var result: [UInt8] = []
    result.reserveCapacity(source.count)
    var position = source.startIndex
    while position < source.endIndex {
      let byte = source[position]
      position += 1
      guard byte == 0x5C else {
        result.append(byte)
        continue
      }
      guard position < source.endIndex else { return nil }
      let escape = source[position]
      position += 1
      switch escape {
      case 0x0A: break
      case 0x5C, 0x27, 0x22: result.append(escape)
      case 0x61: result.append(7)
      case 0x62: result.append(8)
      case 0x66: result.append(12)
      case 0x6E: result.append(10)
      case 0x72: result.append(13)
      case 0x74: result.append(9)
      case 0x76: result.append(11)
      case 0x78:
        guard position + 1 < source.endIndex, let high = hex(source[position]),
          let low = hex(source[position + 1])
        else { return nil }
        result.append(UInt8(high << 4 | low))
        position += 2
      case 0x30...0x37:
        var value = UInt32(escape - 0x30)
        var digits = 1
        while digits < 3, position < source.endIndex, (0x30...0x37).contains(source[position]) {
          value = value << 3 | UInt32(source[position] - 0x30)
          position += 1
          digits += 1
        }
        result.append(UInt8(truncatingIfNeeded: value))
      default: result += [0x5C, escape]
      }
    }
    return result
  }

  /// UNICODE: Latin-1 bytes with `\uXXXX` and `\UXXXXXXXX`, to UTF-8 (lone surrogates become three bytes).
  ///
  /// - Returns: nil when an escape is broken.
  static func rawUnicodeEscape(_ line: ByteSlice) -> [UInt8]? {
    let source = line.array
    guard source.contains(where: { $0 == 0x5C || $0 >= 0x80 }) else { return source }
    var result: [UInt8] = []
    result.reserveCapacity(source.count)
    var position = 0
    while position < source.count {
      let byte = source[position]
      position += 1
      guard byte == 0x5C, position < source.count else {
        append(UInt32(byte), to: &result)
        continue
      }
      let next = source[position]
      guard next == 0x75 || next == 0x55 else {
        // A backslash before anything else stands for itself and protects it (`\\u0041` is no escape).
        result.append(0x5C)
        append(UInt32(next), to: &result)
        position += 1
        continue
      }
      let digits = next == 0x75 ? 4 : 8
      position += 1
      guard position + digits <= source.count else { return nil }
      var scalar: UInt32 = 0
      for index in position..<(position + digits) {
        guard let digit = hex(source[index]) else { return nil }
        scalar = scalar << 4 | digit
      }
      guard scalar <= 0x10FFFF else { return nil }
      append(scalar, to: &result)
      position += digits
    }
    return result
  }

  /// A number of INT or LONG as Python's `int(text, 0)` reads it.
  enum Number {
    case small(Int64)
    case big
    case invalid
  }

  /// - Parameter lenient: set when only Python's wider syntax (`_`, prefixes, spaces) made it a number.
  static func number(_ text: ByteSlice, lenient: inout Bool) -> Number {
    // CPython's C parser stops at a zero byte.
    guard let string = text.prefix(text.firstIndex(of: [0]) ?? text.count).utf8String else { return .invalid }
    lenient = string.utf8.count != text.count
    if let value = Int64(string) { return .small(value) }
    var digits = string.filter { !$0.isWhitespace && $0 != "_" }[...]
    if digits.count != string.count { lenient = true }
    let negative = digits.first == "-"
    if let sign = digits.first, sign == "-" || sign == "+" { digits.removeFirst() }
    var radix = 10
    let prefix = digits.prefix(2).lowercased()
    for (mark, base) in [("0x", 16), ("0o", 8), ("0b", 2)] where prefix == mark {
      radix = base
      digits.removeFirst(2)
      lenient = true
    }
    guard !digits.isEmpty, digits.allSatisfy({ ($0.hexDigitValue ?? 99) < radix }) else { return .invalid }
    return Int64((negative ? "-" : "") + digits, radix: radix).map { .small($0) } ?? .big
  }

  private static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
    switch scalar {
    case 0..<0x80: bytes.append(UInt8(scalar))
    case 0..<0x800: bytes += [UInt8(0xC0 | scalar >> 6), UInt8(0x80 | scalar & 0x3F)]
    case 0..<0x10000:
      bytes += [UInt8(0xE0 | scalar >> 12), UInt8(0x80 | scalar >> 6 & 0x3F), UInt8(0x80 | scalar & 0x3F)]
    default:
      bytes += [
        UInt8(0xF0 | scalar >> 18), UInt8(0x80 | scalar >> 12 & 0x3F), UInt8(0x80 | scalar >> 6 & 0x3F),
        UInt8(0x80 | scalar & 0x3F),
      ]
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private static func hex(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x30...0x39: UInt32(byte - 0x30)
    case 0x41...0x46: UInt32(byte - 0x37)
    case 0x61...0x66: UInt32(byte - 0x57)
    default: nil
    }
  }
}
