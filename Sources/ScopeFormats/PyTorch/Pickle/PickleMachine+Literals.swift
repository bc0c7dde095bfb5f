import ScopeBytes

/// Opcodes that push a number, a string or bytes.
extension PickleMachine {
  mutating func literal(_ opcode: PickleOpcode) throws(ScopeError) -> PickleValue {
    switch opcode {
    case .none: return .none
    case .newTrue: return .bool(true)
    case .newFalse: return .bool(false)
    case .binInt: return .int(Int64(try reader.integer(Int32.self)))
    case .binInt1: return .int(Int64(try reader.byte(what: "number")))
    case .binInt2: return .int(Int64(try reader.integer(UInt16.self)))
    case .int, .long: return try textNumber(opcode)
    case .long1: return longValue(try reader.slice(Int(try reader.byte(what: "length")), what: "integer"))
    case .long4: return longValue(try reader.slice(Int(try reader.integer(Int32.self)), what: "integer"))
    case .float: return try textFloat()
    case .binFloat: return .float(Double(bitPattern: try reader.integer(UInt64.self).byteSwapped))

    case .string:
      let line = try reader.line(limit: reader.remaining, what: "string")
      guard let text = PickleText.unquoted(line) else {
        try goOn(
          after: ScopeError(.malformed, "the string literal has no matching quotes or a broken escape"))
        return .string(line)
      }
      return .string(ByteSlice(text))
    case .unicode:
      let line = try reader.line(limit: reader.remaining, what: "string")
      guard let text = PickleText.rawUnicodeEscape(line) else {
        try goOn(after: ScopeError(.malformed, "the string has a broken escape"))
        return .string(line)
      }
      return .string(text.count == line.count ? line : ByteSlice(text))
    case .binString: return .string(try reader.slice(Int(try reader.integer(Int32.self)), what: "string"))
    case .shortBinString, .shortBinUnicode:
      return .string(try reader.slice(Int(try reader.byte(what: "length")), what: "string"))
    case .binUnicode: return .string(try reader.slice(Int(try reader.integer(UInt32.self)), what: "string"))
    case .binUnicode8: return .string(try longSlice("string"))
    case .shortBinBytes: return .bytes(try reader.slice(Int(try reader.byte(what: "length")), what: "bytes"))
    case .binBytes: return .bytes(try reader.slice(Int(try reader.integer(UInt32.self)), what: "bytes"))
    case .binBytes8: return .bytes(try longSlice("bytes"))
    case .byteArray8: return .bytearray(try longSlice("bytearray"))
    default: throw ScopeError(.malformed, "\(opcode) is not a literal")
    }
  }

  private mutating func longSlice(_ what: String) throws(ScopeError) -> ByteSlice {
    let length = try reader.integer(UInt64.self, what: "length")
    guard length <= UInt64(reader.remaining) else {
      throw ScopeError(
        .truncated, "\(what) reaches beyond the end", expected: "\(length) bytes",
        found: "\(reader.remaining) bytes left")
    }
    return try reader.slice(Int(length), what: what)
  }

  /// Little-endian two's complement of any length.
  private func longValue(_ bytes: ByteSlice) -> PickleValue {
    guard bytes.count <= 8 else { return .bigInt(.twosComplement(bytes)) }
    var value: UInt64 = 0
    for index in 0..<bytes.count { value |= UInt64(bytes[index]) << UInt64(8 * index) }
    if bytes.count > 0, bytes.count < 8, bytes[bytes.count - 1] >= 0x80 {
      value |= UInt64.max << UInt64(8 * bytes.count)
    }
    return .int(Int64(bitPattern: value))
  }

  private mutating func textNumber(_ opcode: PickleOpcode) throws(ScopeError) -> PickleValue {
    var line = try reader.line(limit: reader.remaining, what: "number")
    if opcode == .int, line.count == 2, line[0] == 0x30, line[1] == 0x30 || line[1] == 0x31 {
      return .bool(line[1] == 0x31)
    }
    if opcode == .long, line.count > 0, line[line.count - 1] == 0x4C { line = line.prefix(line.count - 1) }
    var lenient = false
    switch PickleText.number(line, lenient: &lenient) {
    case .small(let value):
      if lenient { run.events.append(note(.anomaly(.oddText(opcode)))) }
      return .int(value)
    case .big: return .bigInt(.text(line))
    case .invalid:
      try goOn(after: ScopeError(.malformed, "this is not a number", found: line.prefix(40).utf8String))
      return .int(0)
    }
  }

  private mutating func textFloat() throws(ScopeError) -> PickleValue {
    var line = try reader.line(limit: 4096, what: "number")
    if let zero = line.firstIndex(of: [0]) {
      // CPython's C parser stops there.
      line = line.prefix(zero)
      run.events.append(note(.anomaly(.oddText(.float))))
    }
    guard let text = line.utf8String, let value = Double(text.filter { !$0.isWhitespace && $0 != "_" }) else {
      try goOn(after: ScopeError(.malformed, "this is not a number", found: line.prefix(40).utf8String))
      return .float(0)
    }
    return .float(value)
  }
}
