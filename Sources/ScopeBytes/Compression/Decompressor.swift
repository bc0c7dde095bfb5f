/// What a compressed file holds, as far as it can be read.
public struct Decompressed: Sendable {
  /// The contents of all streams one after the other, as readers of the codec see them.
  public var data: ByteSlice
  /// Where the last stream ends in the input; what follows is no stream of the codec.
  public var consumed: Int
  /// What kept the rest from being read: ``data`` is then only the beginning.
  public var problem: ScopeError?

  /// How many times larger the contents are than what they came from.
  public var ratio: Int { data.count / max(consumed, 1) }
}

/// Decompresses streams within bounds. What came out before an error is kept: a loader that reads a pickle from a
/// broken stream runs it before it meets the break.
public enum Decompressor {
  /// Decompresses every stream of the codec from the beginning of the bytes on.
  ///
  /// - Parameter limit: most bytes that may come out; then ``Decompressed/problem`` is `limitExceeded`.
  /// - Throws: `engineUnavailable` when the codec needs libarchive and it is not installed; `malformed`, `truncated`
  ///   when nothing at all could be read.
  public static func decompress(
    _ bytes: ByteSlice, codec: CompressionCodec, limit: Int
  ) throws(ScopeError) -> Decompressed {
    switch codec {
    case .gzip: try inflate(bytes, wrapper: .gzip, limit: limit)
    case .zlib: try inflate(bytes, wrapper: .zlib, limit: limit)
    case .lz4:
      try ArchiveLibrary.shared().decompress(
        bytes.prefix(StreamExtent.lz4(bytes)), codec: codec, limit: limit)
    case .xz: try xz(bytes, limit: limit)
    case .zstandard:
      try ArchiveLibrary.shared().decompress(
        bytes.prefix(StreamExtent.zstandard(bytes)), codec: codec, limit: limit)
    case .bzip2, .lzma:
      try ArchiveLibrary.shared().decompress(bytes, codec: codec, limit: limit)
    }
  }

  /// All xz streams; when something else follows them, those in front of it.
  private static func xz(_ bytes: ByteSlice, limit: Int) throws(ScopeError) -> Decompressed {
    let library = try ArchiveLibrary.shared()
    let whole: Decompressed
    do throws(ScopeError) {
      whole = try library.decompress(bytes, codec: .xz, limit: limit)
      guard let problem = whole.problem, problem.code != .limitExceeded else { return whole }
    } catch {
      guard let part = prefix(of: bytes, library, limit: limit) else { throw error }
      return part
    }
    return prefix(of: bytes, library, limit: limit) ?? whole
  }

  private static func prefix(of bytes: ByteSlice, _ library: ArchiveLibrary, limit: Int) -> Decompressed? {
    for end in StreamExtent.xzEnds(bytes).reversed() where end < bytes.count {
      if let part = try? library.decompress(bytes.prefix(end), codec: .xz, limit: limit), part.problem == nil
      {
        return part
      }
    }
    return nil
  }

  /// gzip members or zlib streams, one after the other. Zeros between gzip members are passed over, as Python does.
  private static func inflate(
    _ bytes: ByteSlice, wrapper: Inflation.Wrapper, limit: Int
  ) throws(ScopeError) -> Decompressed {
    let codec = wrapper == .gzip ? "gzip" : "zlib"
    var parts: [ByteSlice] = []
    var total = 0
    var end = 0
    var problem: ScopeError?
    while end < bytes.count, problem == nil {
      var start = end
      if wrapper == .gzip, end > 0 {
        while start < bytes.count, bytes[start] == 0 { start += 1 }
      }
      let rest = bytes.dropFirst(start)
      if end > 0, !beginsStream(rest, wrapper) { break }
      let part = Inflation.run(rest, wrapper: wrapper, limit: limit - total)
      // A zlib header is two bytes that anything may begin with: what breaks at once is no second stream.
      if end > 0, wrapper == .zlib, part.isBroken, part.data.isEmpty { break }
      if part.exceedsLimit {
        problem = ScopeError(
          .limitExceeded, "the compressed data is too large to examine", expected: "at most \(limit) bytes",
          found: "more from \(start + part.consumed) bytes")
      } else if !part.isWhole {
        problem = ScopeError(
          part.isBroken ? .malformed : .truncated,
          part.isBroken
            ? "the \(codec) data is broken or its checksum is wrong" : "the \(codec) data ends too early",
          place: "byte \(bytes.offset + start + part.consumed)")
      }
      parts.append(part.data)
      total += part.data.count
      end = start + max(part.consumed, 1)
    }
    if total == 0, let problem { throw problem }
    return Decompressed(
      data: try joined(parts, count: total), consumed: min(end, bytes.count), problem: problem)
  }

  private static func beginsStream(_ bytes: ByteSlice, _ wrapper: Inflation.Wrapper) -> Bool {
    guard bytes.count >= 8 else { return false }
    if wrapper == .gzip { return bytes[0] == 0x1F && bytes[1] == 0x8B }
    return bytes[0] & 0x0F == 8 && bytes[0] >> 4 <= 7 && (Int(bytes[0]) << 8 | Int(bytes[1])) % 31 == 0
  }

  private static func joined(_ parts: [ByteSlice], count: Int) throws(ScopeError) -> ByteSlice {
    if parts.count == 1 { return parts[0] }
    var output = GrowingBuffer()
    for part in parts {
      var position = 0
      while position < part.count {
        try unsafe output.append(atMost: part.count - position) { room in
          unsafe part.dropFirst(position).withUnsafeBytes { source in
            let length = min(room.count, source.count)
            unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<length]))
            position += length
            return length
          }
        }
      }
    }
    return output.take()
  }
}
