#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Memory that grows while something is decompressed into it, and becomes a ``ByteSlice`` without a copy.
@safe struct GrowingBuffer: ~Copyable {
  private var base: UnsafeMutableRawPointer?
  private var capacity = 0
  private(set) var count = 0

  init() { unsafe base = nil }

  deinit { if let base = unsafe base { unsafe free(base) } }

  /// Lends free room for `body` to write to.
  ///
  /// - Parameter most: bytes that may be added; the room is never larger.
  /// - Parameter body: says how many bytes it wrote.
  /// - Throws: `limitExceeded` when there is no memory.
  mutating func append(
    atMost most: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int
  ) throws(ScopeError) {
    if capacity == count { try grow() }
    guard let base = unsafe base else { return }
    let room = unsafe UnsafeMutableRawBufferPointer(start: base + count, count: min(capacity - count, most))
    let written = unsafe body(room)
    precondition(written >= 0 && written <= room.count)
    count += written
  }

  private mutating func grow() throws(ScopeError) {
    let wanted = max(1 << 16, capacity * 2)
    guard let grown = unsafe realloc(base, wanted) else {
      throw ScopeError(
        .limitExceeded, "there is no memory for the decompressed data", found: "\(wanted) bytes")
    }
    unsafe base = grown
    capacity = wanted
  }

  /// The bytes written; the buffer is empty afterwards.
  mutating func take() -> ByteSlice {
    guard let taken = unsafe base, count > 0 else { return ByteSlice([UInt8]()) }
    // Shrinking cannot fail in a way that loses the data.
    let fitted = unsafe realloc(taken, count) ?? taken
    let result = unsafe ByteSlice(ByteStorage(adopting: fitted, count: count))
    unsafe base = nil
    capacity = 0
    count = 0
    return result
  }
}
