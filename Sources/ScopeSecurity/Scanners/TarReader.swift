import ScopeBytes

/// One member of a tar archive.
struct TarMember {
  var name: String
  /// `0` file, `2` symbolic link, `5` folder ...
  var type: UInt8
  var linkTarget: String
  var data: ByteSlice
}

/// Reads the headers of POSIX and older tar archives (IEEE 1003.1, ustar; GNU long names are read as members).
enum TarReader {
  /// Whether the first block is a header: its checksum fits.
  static func looksLikeHeader(_ bytes: ByteSlice) -> Bool {
    guard bytes.count >= 512, bytes[0] != 0, let declared = octal(bytes.dropFirst(148).prefix(8)) else {
      return false
    }
    return checksum(bytes) == declared
  }

  /// - Throws: `malformed` on a bad header, `truncated` on a member beyond the end, `limitExceeded`.
  static func members(_ bytes: ByteSlice, limit: Int) throws(ScopeError) -> [TarMember] {
    var members: [TarMember] = []
    var position = 0
    while position + 512 <= bytes.count {
      let header = bytes.dropFirst(position).prefix(512)
      if header.array.allSatisfy({ $0 == 0 }) { break }
      guard let declared = octal(header.dropFirst(148).prefix(8)), checksum(header) == declared,
        let size = octal(header.dropFirst(124).prefix(12))
      else {
        throw ScopeError(
          .malformed, "a tar header's checksum is wrong", place: "byte \(bytes.offset + position)")
      }
      guard members.count < limit else {
        throw ScopeError(.limitExceeded, "the archive has too many members", expected: "at most \(limit)")
      }
      let data = try bytes.slice(at: position + 512, count: size, what: "tar member")
      let prefix =
        header.dropFirst(257).starts(with: Array("ustar\0".utf8))
        ? text(header.dropFirst(345).prefix(155)) : ""
      let name = text(header.prefix(100))
      members.append(
        TarMember(
          name: prefix.isEmpty ? name : "\(prefix)/\(name)", type: header[156],
          linkTarget: text(header.dropFirst(157).prefix(100)),
          data: data))
      let padded = (size + 511) / 512 * 512
      position += 512 + padded
    }
    return members
  }

  private static func checksum(_ header: ByteSlice) -> Int {
    var sum = 0
    for (index, byte) in header.prefix(512).array.enumerated() {
      sum += (148..<156).contains(index) ? 32 : Int(byte)
    }
    return sum
  }

  private static func octal(_ field: ByteSlice) -> Int? {
    var value = 0
    var seen = false
    for byte in field.array {
      if (0x30...0x37).contains(byte) {
        guard value < 1 << 50 else { return nil }
        value = value * 8 + Int(byte - 0x30)
        seen = true
      } else if byte == 0 || byte == 0x20 {
        if seen { break }
      } else {
        return nil
      }
    }
    return seen ? value : nil
  }

  private static func text(_ field: ByteSlice) -> String {
    String(decoding: field.array.prefix { $0 != 0 }, as: UTF8.self)
  }
}
