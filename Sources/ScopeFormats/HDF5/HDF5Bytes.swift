import ScopeBytes

/// Bytes of an HDF5 file with the widths of its addresses and lengths, and a budget that bounds what reading it may
/// cost whatever its structures point at.
struct HDF5Bytes {
  let bytes: ByteSlice
  /// Bytes of an address.
  let offsetSize: Int
  /// Bytes of a length.
  let lengthSize: Int
  /// Where address 0 lies.
  let base: Int
  private var budget = 8_000_000

  init(_ bytes: ByteSlice, offsetSize: Int, lengthSize: Int, base: Int) {
    self.bytes = bytes
    self.offsetSize = offsetSize
    self.lengthSize = lengthSize
    self.base = base
  }

  mutating func spend(_ count: Int = 1) throws(ScopeError) {
    budget -= max(count, 1)
    guard budget >= 0 else {
      throw ScopeError(.limitExceeded, "the HDF5 file refers to more parts than a model has")
    }
  }

  /// An unsigned number of 1 to 8 bytes; nil when all bits are set ("undefined") or it is beyond 2^63.
  func number(at position: Int, width: Int) throws(ScopeError) -> Int? {
    let field = try bytes.slice(at: position, count: width, what: "number")
    var value: UInt64 = 0
    var isUndefined = true
    for index in (0..<width).reversed() {
      value = value << 8 | UInt64(field[index])
      if field[index] != 0xFF { isUndefined = false }
    }
    return isUndefined ? nil : Int(exactly: value)
  }

  /// A position in ``bytes`` from an address in the file; nil when it is undefined.
  func address(at position: Int) throws(ScopeError) -> Int? {
    guard let value = try number(at: position, width: offsetSize) else { return nil }
    let (sum, overflow) = value.addingReportingOverflow(base)
    guard !overflow, sum <= bytes.count else {
      throw ScopeError(
        .truncated, "an HDF5 address lies beyond the end of the file",
        place: "byte \(bytes.offset + position)",
        found: "\(value)", remedy: "The file is truncated or damaged; fetch it again")
    }
    return sum
  }

  /// - Throws: `limitExceeded` when the length is not possible.
  func length(at position: Int) throws(ScopeError) -> Int {
    guard let value = try number(at: position, width: lengthSize) else {
      throw ScopeError(
        .limitExceeded, "an HDF5 length is not possible", place: "byte \(bytes.offset + position)")
    }
    return value
  }

  /// - Throws: `malformed` when the four letters are not at `position`.
  func expect(_ signature: String, at position: Int, _ what: String) throws(ScopeError) {
    guard try bytes.slice(at: position, count: 4, what: what).starts(with: Array(signature.utf8)) else {
      throw ScopeError(
        .malformed, "\(what) is not where the file says", place: "byte \(bytes.offset + position)",
        expected: "\"\(signature)\"")
    }
  }

  func byte(_ position: Int) throws(ScopeError) -> Int {
    Int(try bytes.integer(at: position, as: UInt8.self))
  }
  func word(_ position: Int) throws(ScopeError) -> Int {
    Int(try bytes.integer(at: position, as: UInt16.self))
  }
  func long(_ position: Int) throws(ScopeError) -> Int {
    Int(try bytes.integer(at: position, as: UInt32.self))
  }

  /// Text up to a NUL, of at most `limit` bytes.
  func text(at position: Int, limit: Int = 65_535) throws(ScopeError) -> String {
    let room = bytes.dropFirst(position).prefix(limit)
    guard position >= 0, let end = room.firstIndex(of: [0]) else {
      throw ScopeError(
        .malformed, "a name in the HDF5 file has no end", place: "byte \(bytes.offset + position)")
    }
    return String(decoding: room.prefix(end).array, as: UTF8.self)
  }
}
