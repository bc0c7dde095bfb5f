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
    let end = try ZipEndRecord.find(in: bytes, &anomalies)
    let directory = try bytes.slice(
      at: end.directoryOffset, count: end.directorySize, what: "central directory")
    var reader = ByteReader(directory)
    var members: [ZipMember] = []
    var names: [String: Int] = [:]
    while reader.remaining >= 46 {
      let start = end.directoryOffset + reader.position
      guard members.count < Self.memberLimit else {
        throw ScopeError(
          .limitExceeded, "the archive has too many members", expected: "at most \(Self.memberLimit)")
      }
      guard let entry = try ZipCentralEntry(&reader) else {
        guard members.isEmpty else { break }
        throw ScopeError(
          .malformed, "the central directory does not begin with an entry", place: "byte \(start)",
          expected: "50 4b 01 02")
      }
      let member = try entry.resolve(in: bytes, base: end.base, &anomalies)
      if names[member.name] != nil {
        anomalies.append(ZipAnomaly(.duplicateName, member: member.name, at: start, "the name appears twice"))
      }
      // Python's zipfile takes the last entry of a name.
      names[member.name] = members.count
      members.append(member)
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
    self.members = members
    self.anomalies = anomalies
    prefixLength = prefix
    indexByName = names
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
