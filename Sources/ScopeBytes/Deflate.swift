import CZlib

/// Raw deflate streams and CRC-32, by zlib.
public enum Deflate {
  /// Decompresses a raw deflate stream of known decompressed size.
  ///
  /// - Throws: `limitExceeded` when `size` exceeds `limit` or what deflate can expand to (1032:1), before
  ///   anything is allocated; `malformed` when the stream is broken or its length is not `size`.
  public static func inflate(_ data: ByteSlice, size: Int, limit: Int) throws(ScopeError) -> ByteSlice {
    guard size <= limit else {
      throw ScopeError(
        .limitExceeded, "the decompressed data is too large", expected: "at most \(limit) bytes",
        found: "\(size)")
    }
    guard size / 1040 <= data.count + 1 else {
      throw ScopeError(
        .limitExceeded, "the declared size is more than deflate can expand to",
        expected: "at most 1032 times \(data.count) bytes", found: "\(size)")
    }
    // One byte more than declared shows a stream that is longer than it says.
    var output = [UInt8](repeating: 0, count: size + 1)
    var produced = 0
    let status = unsafe output.withUnsafeMutableBufferPointer { target -> Int32 in
      unsafe data.withUnsafeBytes { source -> Int32 in
        unsafe inflateAll(source, target, &produced)
      }
    }
    guard status == Z_STREAM_END, produced == size else {
      throw ScopeError(
        .malformed, "the compressed data is broken or its length is wrong", place: "byte \(data.offset)",
        expected: "\(size) bytes",
        found: produced > size
          ? "more" : "\(produced) bytes\(status == Z_STREAM_END ? "" : " before an error")")
    }
    output.removeLast()
    return ByteSlice(output)
  }

  private static func inflateAll(
    _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableBufferPointer<UInt8>, _ produced: inout Int
  ) -> Int32 {
    var stream = unsafe z_stream()
    guard unsafe inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      return Z_MEM_ERROR
    }
    defer { unsafe inflateEnd(&stream) }
    guard let sourceBase = unsafe source.bindMemory(to: UInt8.self).baseAddress,
      let targetBase = target.baseAddress
    else {
      return Z_BUF_ERROR
    }
    // zlib counts in 32 bits: larger members go through in steps.
    let step = 1 << 30
    var consumed = 0
    while true {
      let given = min(step, source.count - consumed)
      let room = min(step, target.count - produced)
      unsafe stream.next_in = UnsafeMutablePointer(mutating: sourceBase + consumed)
      unsafe stream.avail_in = UInt32(given)
      unsafe stream.next_out = targetBase + produced
      unsafe stream.avail_out = UInt32(room)
      let status = unsafe CZlib.inflate(&stream, Z_NO_FLUSH)
      let used = unsafe given - Int(stream.avail_in)
      let made = unsafe room - Int(stream.avail_out)
      consumed += used
      produced += made
      if status != Z_OK { return status }
      if used == 0, made == 0 { return Z_BUF_ERROR }
    }
  }

  /// Bytes that the chunks, one after the other, take as one zlib stream.
  ///
  /// - Parameter level: 0 (stored) to 9 (smallest).
  /// - Throws: `invalidArgument` for another level; `limitExceeded` when zlib has no memory.
  public static func deflatedSize(_ chunks: [ByteSlice], level: Int) throws(ScopeError) -> Int {
    guard (0...9).contains(level) else {
      throw ScopeError(
        .invalidArgument, "the compression level is not possible", expected: "0 ... 9", found: "\(level)")
    }
    var stream = unsafe z_stream()
    guard
      unsafe deflateInit_(&stream, Int32(level), ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else {
      throw ScopeError(.limitExceeded, "zlib has no memory to compress")
    }
    defer { unsafe deflateEnd(&stream) }
    var target = [UInt8](repeating: 0, count: 1 << 16)
    var size = 0
    unsafe target.withUnsafeMutableBufferPointer { target in
      func drain(_ flush: Int32) {
        repeat {
          unsafe stream.next_out = target.baseAddress
          unsafe stream.avail_out = UInt32(target.count)
          _ = unsafe CZlib.deflate(&stream, flush)
          unsafe size += target.count - Int(stream.avail_out)
        } while unsafe stream.avail_out == 0
      }
      for chunk in chunks {
        unsafe chunk.withUnsafeBytes { source in
          guard let base = unsafe source.bindMemory(to: UInt8.self).baseAddress else { return }
          var position = 0
          // zlib counts in 32 bits.
          while position < source.count {
            let count = min(1 << 30, source.count - position)
            unsafe stream.next_in = UnsafeMutablePointer(mutating: base + position)
            unsafe stream.avail_in = UInt32(count)
            drain(Z_NO_FLUSH)
            position += count
          }
        }
      }
      drain(Z_FINISH)
    }
    return size
  }

  /// The CRC-32 of ZIP and PNG.
  public static func crc32(_ data: ByteSlice) -> UInt32 {
    unsafe data.withUnsafeBytes { buffer in
      guard let base = unsafe buffer.bindMemory(to: UInt8.self).baseAddress else { return 0 }
      var sum: uLong = 0
      var position = 0
      while position < buffer.count {
        let count = min(1 << 30, buffer.count - position)
        sum = unsafe CZlib.crc32(sum, base + position, UInt32(count))
        position += count
      }
      return UInt32(truncatingIfNeeded: sum)
    }
  }
}
