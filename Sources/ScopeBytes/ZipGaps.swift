/// What lies between the members of an archive.
enum ZipGaps {
  /// Local headers that no directory entry points to, and other bytes that belong to no member.
  ///
  /// Zeros and data descriptors are nothing. Readers that go through a file from its beginning (bsdtar, Java's
  /// streams, recovery tools) see what the directory does not name.
  static func find(
    _ members: [ZipMember], directoryOffset: Int, in bytes: ByteSlice, _ anomalies: inout [ZipAnomaly]
  ) -> (members: [ZipMember], gaps: [ByteSlice]) {
    var hidden: [ZipMember] = []
    var gaps: [ByteSlice] = []
    let sorted = members.filter { $0.dataOffset != nil }.sorted { $0.headerOffset < $1.headerOffset }
    guard let first = sorted.first else { return ([], []) }
    var end = first.headerOffset
    var previous = first
    for index in 0...sorted.count {
      let next = index < sorted.count ? sorted[index].headerOffset : directoryOffset
      if next > end, index > 0, hidden.count < 1024, gaps.count < 1024 {
        let gap = bytes.dropFirst(end).prefix(next - end)
        examine(gap, base: bytes.offset, after: previous, &hidden, &gaps, &anomalies)
      }
      if index < sorted.count, let dataEnd = sorted[index].dataEnd, dataEnd >= end {
        end = dataEnd
        previous = sorted[index]
      }
    }
    return (hidden, gaps)
  }

  private static func examine(
    _ gap: ByteSlice, base: Int, after member: ZipMember, _ hidden: inout [ZipMember],
    _ gaps: inout [ByteSlice],
    _ anomalies: inout [ZipAnomaly]
  ) {
    var rest = gap
    if member.flags & 8 != 0 {
      // The data descriptor, with or without its signature and ZIP64 sizes.
      let isSigned = rest.starts(with: [0x50, 0x4B, 7, 8])
      let lengths = isSigned ? [16, 24] : [12, 20]
      guard let length = lengths.first(where: { $0 == rest.count }) ?? lengths.first, rest.count > length
      else {
        return
      }
      rest = rest.dropFirst(length)
    }
    while !rest.isEmpty, hidden.count < 1024 {
      guard let start = rest.firstIndex(of: [0x50, 0x4B, 3, 4]) else { break }
      if rest.prefix(start).array.contains(where: { $0 != 0 }) { gaps.append(rest.prefix(start)) }
      let header = rest.dropFirst(start)
      guard let found = localMember(header, base: base) else { break }
      hidden.append(found)
      anomalies.append(
        ZipAnomaly(
          .hiddenMember, member: found.name, at: found.headerOffset, "the directory does not name this member"
        ))
      rest = header.dropFirst(max(30, (found.dataEnd ?? 0) - found.headerOffset))
    }
    if rest.array.contains(where: { $0 != 0 }) { gaps.append(rest) }
  }

  /// The member that a local header describes; one whose size follows its data reaches to the end of the gap.
  private static func localMember(_ header: ByteSlice, base: Int) -> ZipMember? {
    guard let fields = try? header.slice(at: 0, count: 30),
      let flags = try? fields.integer(at: 6, as: UInt16.self),
      let method = try? fields.integer(at: 8, as: UInt16.self),
      let sum = try? fields.integer(at: 14, as: UInt32.self),
      let compressed = try? fields.integer(at: 18, as: UInt32.self),
      let size = try? fields.integer(at: 22, as: UInt32.self),
      let nameLength = try? fields.integer(at: 26, as: UInt16.self),
      let extraLength = try? fields.integer(at: 28, as: UInt16.self),
      let name = try? header.slice(at: 30, count: Int(nameLength)),
      case let data = 30 + Int(nameLength) + Int(extraLength), data <= header.count
    else { return nil }
    let room = header.count - data
    let length = compressed == 0 && flags & 8 != 0 ? room : min(Int(compressed), room)
    return ZipMember(
      name: String(decoding: name.array, as: UTF8.self), method: method, flags: flags, crc32: sum,
      compressedSize: length, size: max(Int(size), length), headerOffset: header.offset - base,
      dataOffset: header.offset - base + data, externalAttributes: 0, madeBySystem: 0)
  }
}
