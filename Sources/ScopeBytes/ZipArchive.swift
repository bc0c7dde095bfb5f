/// A ZIP archive (APPNOTE 6.3, ZIP64 included) over mapped bytes: stored members are slices of the file.
///
/// The central directory decides, as in the readers of Python and PyTorch; whatever disagrees with it is
/// reported in ``anomalies`` and does not stop the reading.
public struct ZipArchive: Sendable {
  public let bytes: ByteSlice
  /// In the order of the central directory.
  public let members: [ZipMember]
  public let anomalies: [ZipAnomaly]
  /// Position of the first local header: 0 unless something stands before the archive.
  public let prefixLength: Int
  /// Members that this reader's directory does not have but another reader may find: of another directory, or a local
  /// header in a gap. Their names may repeat those of ``members``.
  public let shadowMembers: [ZipMember]
  /// Bytes between the members that belong to none of them and are not all zero, at most 1024 places.
  public let gaps: [ByteSlice]
  /// The archive's comment.
  public let comment: ByteSlice
  private let indexByName: [String: Int]

  /// Most entries an archive may have.
  public static let memberLimit = 1_000_000

  /// Whether the bytes begin like an archive with members, or are an empty archive.
  public static func looksLikeArchive(_ bytes: ByteSlice) -> Bool {
    bytes.starts(with: [0x50, 0x4B, 3, 4]) || bytes.starts(with: [0x50, 0x4B, 5, 6])
  }

  /// Reads the directory; touches no member's data.
  ///
  /// - Throws: `truncated` without an end-of-central-directory record, `malformed` when the directory is not
  ///   where that record says, `limitExceeded` beyond ``memberLimit`` entries.
  public init(_ bytes: ByteSlice) throws(ScopeError) {
    self.bytes = bytes
    var anomalies: [ZipAnomaly] = []
    let records = try ZipEndRecord.find(in: bytes, &anomalies)
    guard let end = records.first else { throw ScopeError(.malformed, "the archive has no directory") }
    let members = try Self.members(of: end, in: bytes, &anomalies)
    var names: [String: Int] = [:]
    var folded: [String: String] = [:]
    for (index, member) in members.enumerated() {
      if names[member.name] != nil {
        anomalies.append(
          ZipAnomaly(.duplicateName, member: member.name, at: member.headerOffset, "the name appears twice"))
      } else if let other = folded.updateValue(member.name, forKey: Self.folded(member.name)),
        Self.isReadByName(member.name)
      {
        // PyTorch's reader ignores the case of letters, others the kind of slash.
        anomalies.append(
          ZipAnomaly(
            .duplicateName, member: member.name, at: member.headerOffset,
            "some readers take it for \"\(other)\""))
      }
      // Python's zipfile takes the last entry of a name.
      names[member.name] = index
    }
    if members.count != end.entryCount {
      anomalies.append(
        ZipAnomaly(
          .entryCountDisagrees, at: end.offset,
          "the end record announces \(end.entryCount) entries, the directory holds \(members.count)"))
    }
    let prefix = members.map(\.headerOffset).min() ?? end.directoryOffset
    if prefix > 0 {
      anomalies.append(ZipAnomaly(.prefixData, at: 0, "\(prefix) bytes before the first member"))
    }
    Self.findOverlaps(members, directoryOffset: end.directoryOffset, &anomalies)
    var shadows = Self.otherMembers(records, known: members, in: bytes, &anomalies)
    let (hidden, gaps) = ZipGaps.find(members, directoryOffset: end.directoryOffset, in: bytes, &anomalies)
    shadows += hidden
    self.members = members
    self.anomalies = anomalies
    self.gaps = gaps
    shadowMembers = shadows
    comment = end.comment(in: bytes)
    prefixLength = prefix
    indexByName = names
  }

  /// The entries of one directory.
  private static func members(
    of end: ZipEndRecord, in bytes: ByteSlice, _ anomalies: inout [ZipAnomaly]
  ) throws(ScopeError) -> [ZipMember] {
    let directory = try bytes.slice(
      at: end.directoryOffset, count: end.directorySize, what: "central directory")
    var reader = ByteReader(directory)
    var members: [ZipMember] = []
    while reader.remaining >= 46 {
      let start = end.directoryOffset + reader.position
      guard members.count < memberLimit else {
        throw ScopeError(
          .limitExceeded, "the archive has too many members", expected: "at most \(memberLimit)")
      }
      guard let entry = try ZipCentralEntry(&reader) else {
        guard members.isEmpty else { break }
        throw ScopeError(
          .malformed, "the central directory does not begin with an entry", place: "byte \(start)",
          expected: "50 4b 01 02")
      }
      members.append(try entry.resolve(in: bytes, base: end.base, &anomalies))
    }
    return members
  }

  /// Members of the directories that were not chosen. A directory inside a stored member is that member's own, unless
  /// its record ends exactly at the end of the file.
  private static func otherMembers(
    _ records: [ZipEndRecord], known: [ZipMember], in bytes: ByteSlice, _ anomalies: inout [ZipAnomaly]
  ) -> [ZipMember] {
    var seen = Set(known.map(\.headerOffset))
    var result: [ZipMember] = []
    var others = 0
    let stored = known.compactMap { member in member.dataOffset.map { $0..<$0 + member.compressedSize } }
    for record in records.dropFirst().prefix(8) {
      let isInside = stored.contains { $0.contains(record.offset) && $0.contains(record.directoryOffset) }
      if isInside, !record.reachesEnd(of: bytes) { continue }
      var ignored: [ZipAnomaly] = []
      guard let members = try? Self.members(of: record, in: bytes, &ignored) else { continue }
      others += 1
      if others == 1 {
        anomalies.append(
          ZipAnomaly(
            .severalEndRecords, at: record.offset,
            "another directory with \(members.count) entries can be taken for the archive's"))
      }
      result += members.filter { seen.insert($0.headerOffset).inserted }
    }
    return result
  }

  /// The name as the most careless reader compares it.
  private static func folded(_ name: String) -> String {
    name.lowercased().split(whereSeparator: { $0 == "/" || $0 == "\\" }).filter { $0 != "." }
      .joined(separator: "/")
  }

  /// Names that loaders ask for: two of them that differ only in case or slashes are no accident.
  private static func isReadByName(_ name: String) -> Bool {
    let last = folded(name).split(separator: "/").last ?? ""
    return [
      "data.pkl", "constants.pkl", "version", "byteorder", "config.json", "metadata.json", "model.weights.h5",
      "schema.json", "model.json", "saved_model.pb", "manifest.json", "model_config.yaml",
    ].contains(last)
  }

  /// The member of that name; the last one when there are several.
  public func member(named name: String) -> ZipMember? { indexByName[name].map { members[$0] } }

  /// The member's bytes: a slice of the file when stored, decompressed when deflated. The checksum is not
  /// computed here; see ``verify(_:limit:)``.
  ///
  /// - Parameter limit: most bytes that decompression may produce.
  /// - Throws: `malformed`, `unsupported` (encryption, other methods), `limitExceeded`.
  public func contents(of member: ZipMember, limit: Int = 1 << 30) throws(ScopeError) -> ByteSlice {
    let place = "member \"\(member.name)\""
    guard let offset = member.dataOffset else {
      throw ScopeError(.malformed, "the member has no valid local header", place: place)
    }
    guard !member.isEncrypted else {
      throw ScopeError(
        .unsupported, "the member is encrypted", place: place, remedy: "Decrypt the archive first")
    }
    do throws(ScopeError) {
      let data = try bytes.slice(at: offset, count: member.compressedSize, what: "member")
      switch member.method {
      case 0:
        guard member.compressedSize == member.size else {
          throw ScopeError(
            .malformed, "a stored member has two different sizes", expected: "\(member.size) bytes",
            found: "\(member.compressedSize)")
        }
        return data
      case 8: return try Deflate.inflate(data, size: member.size, limit: limit)
      default:
        throw ScopeError(
          .unsupported, "the compression method is not supported", expected: "stored or deflated",
          found: "method \(member.method)")
      }
    } catch {
      throw error.at(place)
    }
  }

  /// What can be read of a member by any loader, however damaged or misdeclared it is: encryption flags are ignored,
  /// declared sizes do not matter, and what came out before an error is kept.
  ///
  /// - Parameter limit: most bytes that decompression may produce.
  /// - Throws: `malformed` without data, `unsupported` for a method that nobody reads, `engineUnavailable`.
  public func salvage(_ member: ZipMember, limit: Int) throws(ScopeError) -> Decompressed {
    guard let offset = member.dataOffset else {
      throw ScopeError(
        .malformed, "the member has no valid local header", place: "member \"\(member.name)\"")
    }
    // The compressed size may lie as well: decoders know where their stream ends.
    let rest = bytes.dropFirst(offset)
    let data = rest.prefix(member.compressedSize)
    switch member.method {
    case 0:
      return Decompressed(data: rest.prefix(max(member.compressedSize, member.size)), consumed: data.count)
    case 8:
      let inflated = Inflation.run(rest, wrapper: .none, limit: limit)
      var result = Decompressed(data: inflated.data, consumed: inflated.consumed)
      if inflated.exceedsLimit {
        result.problem = ScopeError(
          .limitExceeded, "the compressed member is too large to examine", expected: "at most \(limit) bytes",
          found: "\(member.size)")
      } else if !inflated.isWhole {
        result.problem = ScopeError(
          .malformed, "the compressed data is broken", place: "byte \(data.offset + inflated.consumed)")
      }
      return result
    case 12: return try Decompressor.decompress(data, codec: .bzip2, limit: limit)
    case 14: return try lzma(data, of: member, limit: limit)
    case 93: return try Decompressor.decompress(data, codec: .zstandard, limit: limit)
    case 95: return try Decompressor.decompress(data, codec: .xz, limit: limit)
    default:
      throw ScopeError(
        .unsupported, "the compression method is not supported",
        expected: "stored, deflate, bzip2, LZMA, Zstandard or xz", found: "method \(member.method)")
    }
  }

  /// APPNOTE 5.8.8: version, length of the properties, properties, stream without a header.
  private func lzma(_ data: ByteSlice, of member: ZipMember, limit: Int) throws(ScopeError) -> Decompressed {
    let length: UInt16 = try data.integer(at: 2, what: "LZMA properties")
    let properties = try data.slice(at: 4, count: Int(length), what: "LZMA properties")
    guard length == 5 else { throw ScopeError(.malformed, "the LZMA properties are not five bytes") }
    let stream = data.dropFirst(9)
    guard stream.count <= limit else {
      throw ScopeError(
        .limitExceeded, "the LZMA data is too large to examine", expected: "at most \(limit) bytes")
    }
    // Flag bit 1: the stream has an end mark; otherwise it ends with the declared size.
    let size = member.flags & 2 != 0 ? UInt64.max : UInt64(member.size)
    let header = properties.array + (0..<8).map { UInt8(truncatingIfNeeded: size >> ($0 * 8)) }
    return try Decompressor.decompress(ByteSlice(header + stream.array), codec: .lzma, limit: limit)
  }

  /// Reads the whole member and compares its checksum.
  ///
  /// - Returns: nil when it fits, otherwise the mismatch.
  public func verify(_ member: ZipMember, limit: Int = 1 << 30) throws(ScopeError) -> ZipAnomaly? {
    let sum = Deflate.crc32(try contents(of: member, limit: limit))
    guard sum != member.crc32 else { return nil }
    return ZipAnomaly(
      .checksumMismatch, member: member.name, at: member.headerOffset,
      "CRC-32 is \(String(sum, radix: 16)), the directory says \(String(member.crc32, radix: 16))")
  }

  private static func findOverlaps(
    _ members: [ZipMember], directoryOffset: Int, _ anomalies: inout [ZipAnomaly]
  ) {
    var furthest = 0
    var previous = ""
    for member in members.sorted(by: { $0.headerOffset < $1.headerOffset }) {
      guard let end = member.dataEnd else { continue }
      if member.headerOffset < furthest {
        anomalies.append(
          ZipAnomaly(
            .overlappingMembers, member: member.name, at: member.headerOffset, "overlaps \"\(previous)\""))
      }
      if end > directoryOffset {
        anomalies.append(
          ZipAnomaly(
            .overlappingMembers, member: member.name, at: member.headerOffset, "overlaps the directory"))
      }
      if end > furthest {
        furthest = end
        previous = member.name
      }
    }
  }
}
