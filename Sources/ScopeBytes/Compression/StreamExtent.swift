/// Where the streams of a codec end in front of something else. libarchive reads on: it takes what follows an xz stream
/// for damage, and drops what it had decompressed.
enum StreamExtent {
  /// Bytes of the LZ4 frames that the bytes begin with; all of them when that cannot be told.
  ///
  /// Source: LZ4 frame format 1.6.
  static func lz4(_ bytes: ByteSlice) -> Int {
    var position = 0
    while position < bytes.count {
      let rest = bytes.dropFirst(position)
      if let length = CompressionCodec.skippableLength(rest) {
        position += length
        continue
      }
      if rest.starts(with: [0x02, 0x21, 0x4C, 0x18]) { return bytes.count }
      guard rest.starts(with: [0x04, 0x22, 0x4D, 0x18]), rest.count >= 7 else { break }
      let flags = rest[4]
      var inner = 4 + 2 + (flags & 8 != 0 ? 8 : 0) + (flags & 1 != 0 ? 4 : 0) + 1
      while true {
        guard let size: UInt32 = try? rest.integer(at: inner) else { return bytes.count }
        inner += 4
        if size == 0 { break }
        inner += Int(size & 0x7FFF_FFFF) + (flags & 16 != 0 ? 4 : 0)
        guard inner < rest.count else { return bytes.count }
      }
      position += inner + (flags & 4 != 0 ? 4 : 0)
    }
    return min(position, bytes.count)
  }

  /// Bytes of the Zstandard frames that the bytes begin with; all of them when that cannot be told.
  ///
  /// Source: RFC 8878, section 3.1.1.
  static func zstandard(_ bytes: ByteSlice) -> Int {
    var position = 0
    while position < bytes.count {
      let rest = bytes.dropFirst(position)
      if let length = CompressionCodec.skippableLength(rest) {
        position += length
        continue
      }
      guard rest.starts(with: [0x28, 0xB5, 0x2F, 0xFD]), rest.count >= 6 else { break }
      let descriptor = rest[4]
      let isSingleSegment = descriptor & 0x20 != 0
      let dictionary = [0, 1, 2, 4][Int(descriptor & 3)]
      let size = [isSingleSegment ? 1 : 0, 2, 4, 8][Int(descriptor >> 6)]
      var inner = 5 + (isSingleSegment ? 0 : 1) + dictionary + size
      while true {
        guard let header = try? rest.slice(at: inner, count: 3) else { return bytes.count }
        let value = Int(header[0]) | Int(header[1]) << 8 | Int(header[2]) << 16
        // Bit 0: last block; bits 1-2: raw, one repeated byte, compressed.
        inner += 3 + (value >> 1 & 3 == 1 ? 1 : value >> 3)
        guard inner <= rest.count else { return bytes.count }
        if value & 1 != 0 { break }
      }
      position += inner + (descriptor & 4 != 0 ? 4 : 0)
    }
    return min(position, bytes.count)
  }

  /// Places where an xz stream may end: its footer with a checksum that fits, first to last, at most 64.
  ///
  /// Source: the .xz file format 1.2, section 2.1.2 (CRC32, backward size, flags, "YZ").
  static func xzEnds(_ bytes: ByteSlice) -> [Int] {
    var ends: [Int] = []
    var search = 22
    while ends.count < 64, let hit = bytes.firstIndex(of: [0x59, 0x5A], from: search) {
      search = hit + 1
      let footer = hit - 10
      guard footer >= 12, footer % 4 == 0, let sum: UInt32 = try? bytes.integer(at: footer),
        Deflate.crc32(bytes.dropFirst(footer + 4).prefix(6)) == sum
      else { continue }
      ends.append(hit + 2)
    }
    return ends
  }
}
