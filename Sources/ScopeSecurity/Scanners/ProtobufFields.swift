import ScopeBytes

/// The fields of one protobuf message, as far as they can be read: a scanner goes on where a reader stops.
struct ProtobufFields: Sequence, IteratorProtocol {
  enum Payload {
    case varint(UInt64)
    case bytes(ByteSlice)
    case fixed
  }

  private var reader: ByteReader
  /// Set when the message breaks off.
  private(set) var isBroken = false

  init(_ message: ByteSlice) { reader = ByteReader(message) }

  mutating func next() -> (number: Int, payload: Payload)? {
    guard !reader.isAtEnd, !isBroken else { return nil }
    do throws(ScopeError) {
      let tag = try Self.varint(&reader)
      let number = Int(truncatingIfNeeded: tag >> 3)
      switch tag & 7 {
      case 0: return (number, .varint(try Self.varint(&reader)))
      case 1:
        try reader.skip(8)
        return (number, .fixed)
      case 2:
        let length = try Self.varint(&reader)
        guard length <= UInt64(reader.remaining) else {
          isBroken = true
          return nil
        }
        return (number, .bytes(try reader.slice(Int(length))))
      case 5:
        try reader.skip(4)
        return (number, .fixed)
      default:
        isBroken = true
        return nil
      }
    } catch {
      isBroken = true
      return nil
    }
  }

  static func varint(_ reader: inout ByteReader) throws(ScopeError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      let byte = try reader.byte()
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw ScopeError(.malformed, "a varint is longer than ten bytes")
  }
}
