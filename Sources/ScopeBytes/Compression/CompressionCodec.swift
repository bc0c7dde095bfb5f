/// A format of one compressed stream.
public enum CompressionCodec: String, Sendable, Hashable, CaseIterable {
  case gzip, bzip2, xz, lzma, lz4, zlib
  case zstandard = "Zstandard"

  /// The codec whose magic number the bytes begin with, or nil.
  public init?(magic bytes: ByteSlice) {
    for (magic, codec) in Self.magics where bytes.starts(with: magic) {
      self = codec
      return
    }
    // bzip2: a digit for the block size, then the first block or the end of an empty stream.
    if bytes.starts(with: Array("BZh".utf8)), bytes.count > 4, (0x31...0x39).contains(bytes[3]),
      [0x31, 0x17].contains(bytes[4])
    {
      self = .bzip2
    } else if let codec = Self.afterSkippableFrames(bytes) {
      self = codec
    } else {
      return nil
    }
  }

  /// A codec without a magic number that the bytes are a stream of: zlib and lzma. Their first block is tried, so that
  /// ordinary bytes are not taken for one.
  public init?(trying bytes: ByteSlice) {
    if Self.isZlib(bytes) {
      self = .zlib
    } else if Self.isLZMA(bytes) {
      self = .lzma
    } else {
      return nil
    }
  }

  private static let magics: [([UInt8], CompressionCodec)] = [
    ([0x1F, 0x8B], .gzip), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], .xz),
    ([0x04, 0x22, 0x4D, 0x18], .lz4), ([0x02, 0x21, 0x4C, 0x18], .lz4),
    ([0x28, 0xB5, 0x2F, 0xFD], .zstandard),
    ([0x78, 0x9C], .zlib), ([0x78, 0xDA], .zlib),
  ]

  /// Frames that decoders of LZ4 and Zstandard pass over: `5? 2A 4D 18`, length, anything.
  static func skippableLength(_ bytes: ByteSlice) -> Int? {
    guard bytes.count >= 8, bytes[0] & 0xF0 == 0x50, bytes.dropFirst(1).starts(with: [0x2A, 0x4D, 0x18]),
      let length: UInt32 = try? bytes.integer(at: 4)
    else { return nil }
    return 8 + Int(length)
  }

  private static func afterSkippableFrames(_ bytes: ByteSlice) -> CompressionCodec? {
    var rest = bytes
    var frames = 0
    while let length = skippableLength(rest), frames < 1024 {
      rest = rest.dropFirst(length)
      frames += 1
    }
    guard frames > 0 else { return nil }
    return rest.starts(with: [0x04, 0x22, 0x4D, 0x18]) ? .lz4 : .zstandard
  }

  /// RFC 1950: deflate, a window of at most 32 KiB, a header that is a multiple of 31, no preset dictionary; and the
  /// data after it inflates.
  private static func isZlib(_ bytes: ByteSlice) -> Bool {
    guard bytes.count >= 8, bytes[0] & 0x0F == 8, bytes[0] >> 4 <= 7, bytes[1] & 0x20 == 0,
      (Int(bytes[0]) << 8 | Int(bytes[1])) % 31 == 0
    else { return false }
    let start = Inflation.run(bytes.prefix(1 << 16), wrapper: .zlib, limit: 1 << 16)
    return start.isWhole || start.data.count >= 64 && !start.isBroken
  }

  /// The header of the LZMA SDK's `.lzma`: properties, dictionary size, size; then a range coder that begins with 0.
  private static func isLZMA(_ bytes: ByteSlice) -> Bool {
    guard bytes.count >= 18, bytes[0] < 225, bytes[13] == 0,
      let dictionary: UInt32 = try? bytes.integer(at: 1),
      let size: UInt64 = try? bytes.integer(at: 5)
    else { return false }
    // Dictionary sizes that encoders write: 2^n or 2^n + 2^(n-1); sizes below 256 GiB or unknown (as xz judges them).
    let top = UInt32(1) << UInt32(31 - max(dictionary, 1).leadingZeroBitCount)
    guard dictionary >= 4096, dictionary == top || dictionary == top | top >> 1 || dictionary == .max,
      size == .max || (1..<1 << 38).contains(size)
    else { return false }
    if bytes[0] == 0x5D, size == .max { return true }
    guard let start = try? Decompressor.decompress(bytes.prefix(1 << 14), codec: .lzma, limit: 1 << 16) else {
      return false
    }
    return start.problem == nil || start.data.count >= 64 && start.problem?.code != .malformed
  }
}
