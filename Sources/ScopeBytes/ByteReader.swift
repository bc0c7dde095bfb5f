/// A forward cursor over a ``ByteSlice``; every read checks what is left and throws `truncated`.
public struct ByteReader: Sendable {
  public let bytes: ByteSlice
  /// Next byte to read, relative to ``bytes``.
  public private(set) var position: Int

  public init(_ bytes: ByteSlice, at position: Int = 0) {
    self.bytes = bytes
    self.position = position
  }

  public var remaining: Int { max(0, bytes.count - position) }
  public var isAtEnd: Bool { position >= bytes.count }

  /// Position in the file, for error messages.
  public var fileOffset: Int { bytes.offset + position }

  public mutating func integer<T: FixedWidthInteger>(
    _ type: T.Type = T.self, what: String = "number"
  ) throws(ScopeError) -> T {
    let value: T = try bytes.integer(at: position, what: what)
    position += MemoryLayout<T>.size
    return value
  }

  public mutating func byte(what: String = "byte") throws(ScopeError) -> UInt8 {
    try integer(UInt8.self, what: what)
  }

  public mutating func slice(_ count: Int, what: String = "data") throws(ScopeError) -> ByteSlice {
    let result = try bytes.slice(at: position, count: count, what: what)
    position += count
    return result
  }

  public mutating func skip(_ count: Int, what: String = "data") throws(ScopeError) {
    _ = try slice(count, what: what)
  }

  /// Bytes up to (not including) the next newline, which is consumed.
  ///
  /// - Throws: `truncated` without a newline, `limitExceeded` beyond `limit` bytes.
  public mutating func line(limit: Int = 1 << 20, what: String = "line") throws(ScopeError) -> ByteSlice {
    guard let end = bytes.prefix(position + min(limit, remaining) + 1).firstIndex(of: [0x0A], from: position)
    else {
      throw ScopeError(
        remaining > limit ? .limitExceeded : .truncated, "\(what) has no end", place: "byte \(fileOffset)",
        expected: "a newline within \(limit) bytes")
    }
    let result = try bytes.slice(at: position, count: end - position, what: what)
    position = end + 1
    return result
  }
}

/// Multiplies sizes that come from a file.
///
/// - Throws: `limitExceeded` on overflow or a negative factor.
public func checkedProduct(_ factors: [Int], what: String) throws(ScopeError) -> Int {
  var product = 1
  if factors.contains(0), factors.allSatisfy({ $0 >= 0 }) { return 0 }
  for factor in factors {
    let (next, overflow) = product.multipliedReportingOverflow(by: factor)
    guard factor >= 0, !overflow else {
      throw ScopeError(
        .limitExceeded, "\(what) is not a possible size", expected: "a product below 2^63",
        found: factors.map(String.init).joined(separator: " x "))
    }
    product = next
  }
  return product
}
