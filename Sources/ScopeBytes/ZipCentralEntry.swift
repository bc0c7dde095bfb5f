/// One parsed central directory header, before its local header has been looked at.
struct ZipCentralEntry {
  let position: Int
  let madeBySystem: UInt8
  let flags: UInt16
  let method: UInt16
  let crc32: UInt32
  let compressedSize: Int
  let size: Int
  let headerOffset: Int
  let externalAttributes: UInt32
  let nameBytes: ByteSlice
  /// The name in the extra field "Info-ZIP Unicode Path", which Python prefers.
  let unicodeName: String?

  /// Reads one entry; nil, with the reader unmoved, when there is no entry's signature.
  init?(_ reader: inout ByteReader) throws(ScopeError) {
    let fields = try reader.bytes.slice(at: reader.position, count: 46, what: "central directory entry")
    guard fields.starts(with: [0x50, 0x4B, 1, 2]) else { return nil }
    position = reader.fileOffset
    try reader.skip(46)
    madeBySystem = fields[5]
    flags = try fields.integer(at: 8)
    method = try fields.integer(at: 10)
    crc32 = try fields.integer(at: 16)
    let narrowCompressed: UInt32 = try fields.integer(at: 20)
    let narrowSize: UInt32 = try fields.integer(at: 24)
    let nameLength: UInt16 = try fields.integer(at: 28)
    let extraLength: UInt16 = try fields.integer(at: 30)
    let commentLength: UInt16 = try fields.integer(at: 32)
    externalAttributes = try fields.integer(at: 38)
    let narrowOffset: UInt32 = try fields.integer(at: 42)
    nameBytes = try reader.slice(Int(nameLength), what: "member name")
    let extra = try reader.slice(Int(extraLength), what: "extra field")
    try reader.skip(Int(commentLength), what: "member comment")
    unicodeName = Self.unicodePath(extra, of: nameBytes)
    var wide = Self.zip64(extra)
    size = Int(clamping: narrowSize == .max ? try Self.next(&wide, position) : UInt64(narrowSize))
    compressedSize = Int(
      clamping: narrowCompressed == .max ? try Self.next(&wide, position) : UInt64(narrowCompressed))
    headerOffset = Int(clamping: narrowOffset == .max ? try Self.next(&wide, position) : UInt64(narrowOffset))
  }

  private static func next(_ reader: inout ByteReader?, _ position: Int) throws(ScopeError) -> UInt64 {
    guard var field = reader else {
      throw ScopeError(.malformed, "a ZIP64 size is missing from the extra field", place: "byte \(position)")
    }
    let value: UInt64 = try field.integer(what: "ZIP64 size")
    reader = field
    return value
  }

  /// The ZIP64 extended information in an extra field.
  private static func zip64(_ extra: ByteSlice) -> ByteReader? { field(1, of: extra).map { ByteReader($0) } }

  /// The data of one kind in an extra field.
  private static func field(_ kind: Int, of extra: ByteSlice) -> ByteSlice? {
    var position = 0
    while position + 4 <= extra.count {
      let length = Int(extra[position + 2]) | Int(extra[position + 3]) << 8
      if Int(extra[position]) | Int(extra[position + 1]) << 8 == kind {
        return extra.dropFirst(position + 4).prefix(length)
      }
      position += 4 + length
    }
    return nil
  }

  /// APPNOTE 4.6.9: version 1, the checksum of the header's name, the name in UTF-8. Nil where it says the same, or
  /// the header's name is in a code page that it translates.
  private static func unicodePath(_ extra: ByteSlice, of name: ByteSlice) -> String? {
    guard let field = field(0x7075, of: extra), field.count > 5, field[0] == 1,
      let text = field.dropFirst(5).utf8String, let plain = name.utf8String, text != plain,
      plain.utf8.allSatisfy({ $0 < 0x80 })
    else { return nil }
    return text
  }

  /// Looks at the local header and makes the member, noting every disagreement.
  func resolve(in bytes: ByteSlice, base: Int, _ anomalies: inout [ZipAnomaly]) throws(ScopeError)
    -> ZipMember
  {
    let name = nameBytes.utf8String ?? String(decoding: nameBytes.array, as: UTF8.self)
    let (start, overflow) = headerOffset.addingReportingOverflow(base)
    func note(_ kind: ZipAnomaly.Kind, _ detail: String) {
      anomalies.append(ZipAnomaly(kind, member: name, at: overflow ? 0 : start, detail))
    }
    checkName(name, note)
    if let unicodeName {
      note(.localHeaderDisagrees, "its Unicode path is \"\(unicodeName)\", which some readers take")
      checkName(unicodeName, note)
    }
    var dataOffset: Int?
    if !overflow, start >= 0, start <= bytes.count - 30,
      case let local = bytes.dropFirst(start).prefix(30), local.starts(with: [0x50, 0x4B, 3, 4])
    {
      let nameLength: UInt16 = try local.integer(at: 26)
      let extraLength: UInt16 = try local.integer(at: 28)
      let data = start + 30 + Int(nameLength) + Int(extraLength)
      if data <= bytes.count, compressedSize <= bytes.count - data {
        dataOffset = data
        let extra = try bytes.slice(at: start + 30 + Int(nameLength), count: Int(extraLength))
        let localName = try bytes.slice(at: start + 30, count: Int(nameLength))
        try compare(local, name: localName, extra: extra, note)
      } else {
        note(.localHeaderInvalid, "the data reaches beyond the file")
      }
    } else {
      note(.localHeaderInvalid, "no local header at the declared place")
    }
    let member = ZipMember(
      name: name, method: method, flags: flags, crc32: crc32, compressedSize: compressedSize, size: size,
      headerOffset: overflow ? 0 : start, dataOffset: dataOffset, externalAttributes: externalAttributes,
      madeBySystem: madeBySystem)
    if member.isEncrypted { note(.encrypted, "the member is encrypted") }
    if member.isSymbolicLink { note(.symbolicLink, "the member is a symbolic link") }
    if member.isSpecial { note(.specialFile, "the member is a device, pipe or socket") }
    if name.hasSuffix("/"), size > 0 || compressedSize > 0 {
      note(.folderWithData, "a folder's entry has \(compressedSize) bytes of data")
    }
    // Method 99 says that the real one is behind AES.
    if ![0, 8, 12, 14, 93, 95].contains(method), !(method == 99 && member.isEncrypted) {
      note(.unknownMethod, "compression method \(method)")
    }
    return member
  }

  private func compare(
    _ local: ByteSlice, name: ByteSlice, extra: ByteSlice, _ note: (ZipAnomaly.Kind, String) -> Void
  ) throws(ScopeError) {
    if !name.equals(nameBytes) {
      note(
        .localHeaderDisagrees,
        "the local name is \"\(name.utf8String ?? String(decoding: name.array, as: UTF8.self))\"")
    }
    let localFlags: UInt16 = try local.integer(at: 6)
    let localMethod: UInt16 = try local.integer(at: 8)
    let localSum: UInt32 = try local.integer(at: 14)
    let narrowCompressed: UInt32 = try local.integer(at: 18)
    let narrowSize: UInt32 = try local.integer(at: 22)
    var wide = Self.zip64(extra)
    var localSize = UInt64(narrowSize)
    var localCompressed = UInt64(narrowCompressed)
    if narrowSize == .max, let value = try? Self.next(&wide, position) { localSize = value }
    if narrowCompressed == .max, let value = try? Self.next(&wide, position) { localCompressed = value }
    if localMethod != method {
      note(.localHeaderDisagrees, "the local method is \(localMethod), not \(method)")
    }
    // Bit 0: encryption; bit 3: sizes and checksum follow the data and are zero here.
    if (localFlags ^ flags) & 1 != 0 {
      note(.localHeaderDisagrees, "the local header differs about encryption")
    }
    let deferred = localFlags & 8 != 0
    func differs(_ value: UInt64, _ central: UInt64) -> Bool { value != central && !(deferred && value == 0) }
    if differs(localSize, UInt64(size)) || differs(localCompressed, UInt64(compressedSize)) {
      note(
        .localHeaderDisagrees,
        "the local sizes are \(localCompressed)/\(localSize), not \(compressedSize)/\(size)")
    }
    if differs(UInt64(localSum), UInt64(crc32)) { note(.localHeaderDisagrees, "the local checksum differs") }
  }

  private func checkName(_ name: String, _ note: (ZipAnomaly.Kind, String) -> Void) {
    let parts = name.split(whereSeparator: { $0 == "/" || $0 == "\\" })
    if parts.contains("..") { note(.pathTraversal, "the name leaves the folder") }
    let drive = name.utf8.prefix(2).last == 0x3A && name.first?.isLetter == true
    if name.hasPrefix("/") || name.hasPrefix("\\") || drive { note(.absolutePath, "the name is absolute") }
    if nameBytes.utf8String == nil
      || name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
    {
      note(.oddName, "the name holds control characters or invalid UTF-8")
    }
  }
}
