import ScopeBytes

/// One field of a protobuf message as it stands on the wire.
///
/// Source: protobuf encoding specification (wire types 0, 1, 2 and 5; groups are refused).
struct WireField {
  enum Payload {
    case varint(UInt64)
    case fixed64(UInt64)
    case bytes(ByteSlice)
    case fixed32(UInt32)
  }

  let number: Int
  let payload: Payload
  /// Tag and payload together, for preserving fields that are not interpreted.
  let serialized: ByteSlice
}

/// Reads the fields of one protobuf message in order; every length is checked against what is left.
struct WireReader {
  private var reader: ByteReader

  init(_ message: ByteSlice) { reader = ByteReader(message) }

  /// The next field, or nil at the end of the message.
  ///
  /// - Throws: `truncated`, `malformed`.
  mutating func next() throws(ScopeError) -> WireField? {
    guard !reader.isAtEnd else { return nil }
    let start = reader.position
    let tag = try Self.varint(&reader)
    let number = Int(truncatingIfNeeded: tag >> 3)
    guard number > 0, tag >> 3 <= 0x1FFF_FFFF else {
      throw ScopeError(
        .malformed, "not a protobuf message", place: "byte \(reader.bytes.offset + start)",
        expected: "a field number from 1 to 536870911", found: "\(tag >> 3)")
    }
    let payload: WireField.Payload
    switch tag & 7 {
    case 0: payload = .varint(try Self.varint(&reader))
    case 1: payload = .fixed64(try reader.integer(UInt64.self, what: "64-bit field \(number)"))
    case 2:
      let length = try Self.varint(&reader)
      guard length <= UInt64(reader.remaining) else {
        throw ScopeError(
          .truncated, "field \(number) declares more bytes than are left",
          place: "byte \(reader.fileOffset)", expected: "\(length) bytes",
          found: "\(reader.remaining) bytes left",
          remedy: "The file is truncated or its header lies; fetch it again")
      }
      payload = .bytes(try reader.slice(Int(length), what: "field \(number)"))
    case 5: payload = .fixed32(try reader.integer(UInt32.self, what: "32-bit field \(number)"))
    default:
      throw ScopeError(
        .malformed, "not a protobuf message", place: "byte \(reader.bytes.offset + start)",
        expected: "wire type 0, 1, 2 or 5", found: "\(tag & 7)")
    }
    return WireField(
      number: number, payload: payload,
      serialized: try reader.bytes.slice(at: start, count: reader.position - start))
  }

  /// A base-128 varint of at most ten bytes.
  static func varint(_ reader: inout ByteReader) throws(ScopeError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try reader.byte(what: "varint")
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
      guard shift < 70 else {
        throw ScopeError(.malformed, "a varint is longer than ten bytes", place: "byte \(reader.fileOffset)")
      }
    }
  }
}

extension WireField {
  private func mismatch(_ expected: String) -> ScopeError {
    ScopeError(
      .malformed, "field \(number) has the wrong wire type", place: "byte \(serialized.offset)",
      expected: expected)
  }

  func bytes() throws(ScopeError) -> ByteSlice {
    guard case .bytes(let bytes) = payload else { throw mismatch("length-delimited") }
    return bytes
  }

  /// A field that is present but empty; kept as an uninterpreted field so that it is written back.
  var isEmptyText: Bool { if case .bytes(let bytes) = payload { bytes.isEmpty } else { false } }

  func text() throws(ScopeError) -> String {
    let bytes = try bytes()
    guard let text = bytes.utf8String else {
      throw ScopeError(.malformed, "field \(number) is not UTF-8 text", place: "byte \(bytes.offset)")
    }
    return text
  }

  func int64() throws(ScopeError) -> Int64 {
    guard case .varint(let value) = payload else { throw mismatch("varint") }
    return Int64(bitPattern: value)
  }

  func float() throws(ScopeError) -> Float {
    guard case .fixed32(let bits) = payload else { throw mismatch("32-bit") }
    return Float(bitPattern: bits)
  }

  /// Appends one unpacked or many packed varints.
  func appendVarints(to values: inout [Int64]) throws(ScopeError) {
    switch payload {
    case .varint(let value): values.append(Int64(bitPattern: value))
    case .bytes(let bytes):
      var reader = ByteReader(bytes)
      values.reserveCapacity(values.count + bytes.count)
      while !reader.isAtEnd { values.append(Int64(bitPattern: try WireReader.varint(&reader))) }
    default: throw mismatch("varint or packed varints")
    }
  }

  /// Appends one unpacked or many packed 32-bit floats.
  func appendFloats(to values: inout [Float]) throws(ScopeError) {
    switch payload {
    case .fixed32(let bits): values.append(Float(bitPattern: bits))
    case .bytes(let bytes):
      guard bytes.count % 4 == 0 else { throw mismatch("packed 32-bit values") }
      values.append(contentsOf: bytes.elements(as: Float.self))
    default: throw mismatch("32-bit or packed 32-bit values")
    }
  }
}

/// Builds one protobuf message in ascending field order, the order serialisers use, so that an unchanged model is
/// written as the very bytes it was read from. Large payloads stay slices of the bytes they come from.
struct WireWriter {
  /// Fields kept without interpretation that are still to be written, by field number.
  private var preserved: ArraySlice<(number: UInt64, field: ByteSlice)>
  /// Finished parts in order.
  private var parts: [ByteSlice] = []
  private var tail: [UInt8] = []
  /// Bytes of the message so far.
  private(set) var count = 0

  /// - Parameter fields: serialised fields (tag included) to weave in by their number.
  init(preserving fields: [ByteSlice] = []) throws(ScopeError) {
    var numbered: [(number: UInt64, field: ByteSlice)] = []
    for field in fields {
      var reader = ByteReader(field)
      numbered.append((try WireReader.varint(&reader) >> 3, field))
    }
    // `sort` is not documented to be stable, so the position breaks ties.
    preserved =
      numbered.enumerated().sorted { ($0.element.number, $0.offset) < ($1.element.number, $1.offset) }
      .map(\.element)[...]
  }

  /// Writes what is left to preserve and returns the message as chunks.
  consuming func finish() -> [ByteSlice] {
    flushPreserved(below: .max)
    return tail.isEmpty ? parts : parts + [ByteSlice(tail)]
  }

  private mutating func flushPreserved(below number: UInt64) {
    while let next = preserved.first, next.number < number {
      preserved.removeFirst()
      raw(next.field)
    }
  }

  private mutating func append(_ byte: UInt8) {
    tail.append(byte)
    count += 1
  }

  private mutating func rawVarint(_ value: UInt64) {
    var value = value
    while value >= 0x80 {
      append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    append(UInt8(value))
  }

  mutating func raw(_ bytes: ByteSlice) {
    guard bytes.count >= 4096 else {
      tail.append(contentsOf: bytes.array)
      count += bytes.count
      return
    }
    if !tail.isEmpty { parts.append(ByteSlice(tail)) }
    tail = []
    parts.append(bytes)
    count += bytes.count
  }

  private mutating func tag(_ number: Int, _ type: UInt64) {
    flushPreserved(below: UInt64(number))
    rawVarint(UInt64(number) << 3 | type)
  }

  mutating func varint(_ number: Int, _ value: Int64) {
    tag(number, 0)
    rawVarint(UInt64(bitPattern: value))
  }

  mutating func float(_ number: Int, _ value: Float) {
    tag(number, 5)
    for shift in [0, 8, 16, 24] { append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(shift))) }
  }

  mutating func bytes(_ number: Int, _ value: ByteSlice) {
    tag(number, 2)
    rawVarint(UInt64(value.count))
    raw(value)
  }

  mutating func text(_ number: Int, _ value: String) {
    tag(number, 2)
    let utf8 = Array(value.utf8)
    rawVarint(UInt64(utf8.count))
    tail.append(contentsOf: utf8)
    count += utf8.count
  }

  mutating func message(_ number: Int, _ message: WireWriter) {
    tag(number, 2)
    let chunks = message.finish()
    rawVarint(UInt64(chunks.reduce(0) { $0 + $1.count }))
    for chunk in chunks { raw(chunk) }
  }
}
