import ScopeBytes

/// One member of a tar archive.
struct TarMember {
  var name: String
  /// `0` file, `1` hard link, `2` symbolic link, `3` and `4` devices, `5` folder, `6` pipe ...
  var type: UInt8
  var linkTarget: String
  var data: ByteSlice
  /// Position of the header in the file.
  var offset: Int

  var isLink: Bool { type == 0x31 || type == 0x32 }
  var isSpecial: Bool { type == 0x33 || type == 0x34 || type == 0x36 }
  var isFolder: Bool { type == 0x35 || type == 0 && name.hasSuffix("/") }
}

/// Everything in a tar archive that some reader sees.
struct TarContents {
  var members: [TarMember] = []
  /// Where the archive ends; what follows is padding or something else.
  var end = 0
  /// What kept the rest from being read.
  var problem: ScopeError?
  /// Places where readers understand the archive differently.
  var ambiguities: [(offset: Int, detail: String)] = []
}

/// Reads the headers of POSIX and older tar archives: ustar and pax (IEEE 1003.1), GNU long names and sizes.
enum TarReader {
  /// Whether the first block is a header: its checksum fits.
  static func looksLikeHeader(_ bytes: ByteSlice) -> Bool {
    guard bytes.count >= 512, bytes[0] != 0, let declared = number(bytes.dropFirst(148).prefix(8)) else {
      return false
    }
    return checksums(bytes).contains(declared)
  }

  /// The members up to the end blocks or up to what cannot be read.
  static func read(_ bytes: ByteSlice, limit: Int) -> TarContents {
    var contents = TarContents()
    var next = Extensions()
    var position = 0
    while position + 512 <= bytes.count {
      let header = bytes.dropFirst(position).prefix(512)
      if header.firstNonzero == nil {
        position += 512
        break
      }
      guard looksLikeHeader(header) || header[0] == 0 && isHeader(header) else {
        contents.problem = ScopeError(
          .malformed, "a tar header's checksum is wrong", place: "byte \(header.offset)")
        break
      }
      guard contents.members.count < limit else {
        contents.problem = ScopeError(
          .limitExceeded, "the archive has too many members", expected: "at most \(limit)")
        break
      }
      var member = member(header)
      guard let size = next.size ?? number(header.dropFirst(124).prefix(12)) else {
        contents.problem = ScopeError(
          .malformed, "a tar member's size is no number", place: "byte \(header.offset)")
        break
      }
      // Links, folders and devices have no data: Python goes on right behind the header, whatever the size says.
      let hasNoData = (0x31...0x36).contains(member.type) || member.isFolder
      if hasNoData, size > 0 {
        let follows = bytes.dropFirst(position + 512).prefix(512)
        if looksLikeHeader(follows) || follows.firstNonzero == nil {
          contents.ambiguities.append((header.offset, "a member without data declares \(size) bytes"))
        }
      }
      let length = hasNoData ? 0 : size
      guard let data = try? bytes.slice(at: position + 512, count: length, what: "tar member") else {
        member.data = bytes.dropFirst(position + 512)
        contents.members.append(next.applied(to: member))
        contents.problem = ScopeError(
          .truncated, "a tar member reaches beyond the end", place: "byte \(header.offset)",
          expected: "\(size) bytes", found: "\(max(0, bytes.count - position - 512))")
        position = bytes.count
        break
      }
      member.data = data
      position += 512 + (length + 511) / 512 * 512
      if next.take(member) { continue }
      contents.members.append(next.applied(to: member))
      next = Extensions(global: next.global)
    }
    contents.end = min(position, bytes.count)
    return contents
  }

  private static func isHeader(_ header: ByteSlice) -> Bool {
    number(header.dropFirst(148).prefix(8)).map { checksums(header).contains($0) } ?? false
  }

  private static func member(_ header: ByteSlice) -> TarMember {
    let isPOSIX = header.dropFirst(257).starts(with: Array("ustar\0".utf8))
    let prefix = isPOSIX ? text(header.dropFirst(345).prefix(155)) : ""
    let name = text(header.prefix(100))
    return TarMember(
      name: prefix.isEmpty ? name : "\(prefix)/\(name)", type: header[156],
      linkTarget: text(header.dropFirst(157).prefix(100)), data: header.prefix(0), offset: header.offset)
  }

  /// What headers before a member say about it.
  private struct Extensions {
    var name: String?
    var linkTarget: String?
    var size: Int?
    /// From a global pax header, for all that follow.
    var global: [String: String] = [:]

    init(global: [String: String] = [:]) {
      self.global = global
      apply(global)
    }

    private mutating func apply(_ records: [String: String]) {
      if let path = records["path"] ?? records["GNU.sparse.name"] { name = path }
      if let link = records["linkpath"] { linkTarget = link }
      if let count = records["size"].flatMap({ Int($0) }), count >= 0 { size = count }
    }

    /// Whether the member is such a header.
    mutating func take(_ member: TarMember) -> Bool {
      switch member.type {
      case 0x4C: name = TarReader.text(member.data.prefix(1 << 16))
      case 0x4B: linkTarget = TarReader.text(member.data.prefix(1 << 16))
      case 0x78, 0x58:
        size = nil
        apply(TarReader.records(member.data))
      case 0x67:
        global.merge(TarReader.records(member.data)) { $1 }
        size = nil
        apply(global)
      default: return false
      }
      return true
    }

    func applied(to member: TarMember) -> TarMember {
      var result = member
      if let name { result.name = name }
      if let linkTarget { result.linkTarget = linkTarget }
      return result
    }
  }

  /// pax records: `LENGTH KEY=VALUE\n`, the length counting all of it.
  fileprivate static func records(_ data: ByteSlice) -> [String: String] {
    var records: [String: String] = [:]
    var rest = data.prefix(1 << 20)
    while records.count < 1000, let space = rest.prefix(24).firstIndex(of: [0x20]),
      let length = Int(text(rest.prefix(space))), length > space + 2, length <= rest.count
    {
      let record = rest.prefix(length - 1).dropFirst(space + 1)
      if let equals = record.firstIndex(of: [0x3D]) {
        records[text(record.prefix(equals))] = text(record.dropFirst(equals + 1))
      }
      rest = rest.dropFirst(length)
    }
    return records
  }

  /// The sums of the header's bytes, its own field counted as spaces; old archives took the bytes as signed.
  private static func checksums(_ header: ByteSlice) -> [Int] {
    var unsigned = 256
    var signed = 256
    for (index, byte) in header.prefix(512).array.enumerated() where !(148..<156).contains(index) {
      unsigned += Int(byte)
      signed += Int(Int8(bitPattern: byte))
    }
    return [unsigned, signed]
  }

  /// Octal digits, or base 256 where the top bit of the first byte is set (GNU, star); blank is 0.
  private static func number(_ field: ByteSlice) -> Int? {
    guard !field.isEmpty else { return nil }
    if field[0] == 0x80 {
      var value = 0
      for byte in field.array.dropFirst() {
        guard value < 1 << 52 else { return nil }
        value = value << 8 | Int(byte)
      }
      return value
    }
    var value = 0
    var seen = false
    for byte in field.array {
      if (0x30...0x37).contains(byte) {
        guard value < 1 << 50 else { return nil }
        value = value * 8 + Int(byte - 0x30)
        seen = true
      } else if byte == 0 || byte == 0x20 {
        if seen || byte == 0 { break }
      } else {
        return nil
      }
    }
    return value
  }

  fileprivate static func text(_ field: ByteSlice) -> String {
    String(decoding: field.array.prefix { $0 != 0 }, as: UTF8.self)
  }
}
