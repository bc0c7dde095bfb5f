import CZlib

/// What inflating gave, whether it came to an end or not.
struct Inflation {
  var data: ByteSlice
  /// Bytes of the input that were used.
  var consumed: Int
  /// The stream came to its end and its checksum fits.
  var isWhole = false
  /// The bytes are no stream from some point on, or the checksum does not fit.
  var isBroken = false
  /// There was more than the limit.
  var exceedsLimit = false

  enum Wrapper: Int32 {
    case none = -15
    case zlib = 15
    case gzip = 31
  }

  /// Inflates one stream, keeping what came out before an error, a limit or the end of the input.
  static func run(_ bytes: ByteSlice, wrapper: Wrapper, limit: Int) -> Inflation {
    var output = GrowingBuffer()
    var result = Inflation(data: ByteSlice([UInt8]()), consumed: 0)
    var stream = unsafe z_stream()
    guard
      unsafe inflateInit2_(&stream, wrapper.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        == Z_OK
    else { return result }
    defer { unsafe inflateEnd(&stream) }
    unsafe bytes.withUnsafeBytes { source in
      guard let base = unsafe source.bindMemory(to: UInt8.self).baseAddress else { return }
      var status = Z_OK
      while status == Z_OK {
        let given = min(1 << 30, source.count - result.consumed)
        unsafe stream.next_in = UnsafeMutablePointer(mutating: base + result.consumed)
        unsafe stream.avail_in = UInt32(given)
        var made = 0
        // One byte beyond the limit shows that there is more.
        do throws(ScopeError) {
          try unsafe output.append(atMost: min(1 << 30, limit + 1 - output.count)) { room in
            guard let target = unsafe room.bindMemory(to: UInt8.self).baseAddress else { return 0 }
            unsafe stream.next_out = target
            unsafe stream.avail_out = UInt32(room.count)
            status = unsafe CZlib.inflate(&stream, Z_NO_FLUSH)
            made = unsafe room.count - Int(stream.avail_out)
            return made
          }
        } catch {
          result.exceedsLimit = true
          return
        }
        let used = unsafe given - Int(stream.avail_in)
        result.consumed += used
        if output.count > limit {
          result.exceedsLimit = true
          return
        }
        if used == 0, made == 0, status == Z_OK { return }
      }
      result.isWhole = status == Z_STREAM_END
      result.isBroken = status == Z_DATA_ERROR || status == Z_NEED_DICT
    }
    result.data = output.take().prefix(limit)
    return result
  }
}
