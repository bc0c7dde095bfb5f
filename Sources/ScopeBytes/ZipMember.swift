/// One entry of a ZIP archive's central directory.
public struct ZipMember: Sendable, Hashable {
  /// As stored; invalid UTF-8 is replaced. Hostile until checked (see ``ZipAnomaly/Kind/pathTraversal``).
  public let name: String
  /// 0 stored, 8 deflated, 12 bzip2, 14 LZMA, 93 Zstandard, 95 xz.
  public let method: UInt16
  /// General purpose flags.
  public let flags: UInt16
  public let crc32: UInt32
  /// Bytes in the archive.
  public let compressedSize: Int
  /// Bytes after decompression, as the central directory declares.
  public let size: Int
  /// Position of the local header in the bytes given to the archive.
  public let headerOffset: Int
  /// Position of the member's data; nil when there is no valid local header at ``headerOffset`` or the data
  /// reaches beyond the file.
  public let dataOffset: Int?
  /// Attributes in the sense of the system that made the archive.
  public let externalAttributes: UInt32
  /// The upper byte of "version made by": 3 is Unix.
  public let madeBySystem: UInt8

  public var isEncrypted: Bool { flags & 1 != 0 }
  public var isDirectory: Bool { name.hasSuffix("/") && size == 0 && compressedSize == 0 }
  /// A device, pipe or socket.
  public var isSpecial: Bool {
    unixMode.map { [0o010000, 0o020000, 0o060000, 0o140000].contains($0 & 0o170000) } ?? false
  }
  /// Unix mode bits, when the archive was made on Unix.
  public var unixMode: UInt32? { madeBySystem == 3 ? externalAttributes >> 16 : nil }
  public var isSymbolicLink: Bool { unixMode.map { $0 & 0o170000 == 0o120000 } ?? false }
  public var isExecutable: Bool { unixMode.map { $0 & 0o170000 == 0o100000 && $0 & 0o111 != 0 } ?? false }

  /// Position just after the data; nil without data.
  public var dataEnd: Int? { dataOffset.map { $0 + compressedSize } }
}

/// Something in an archive that ordinary writers do not produce or that readers understand differently.
public struct ZipAnomaly: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The local header says something else than the central directory (name, method, sizes, checksum, flags).
    case localHeaderDisagrees
    /// No local header where the central directory says there is one, or data beyond the end.
    case localHeaderInvalid
    case duplicateName
    /// `..` in a name.
    case pathTraversal
    /// A leading slash, a drive letter or a backslash.
    case absolutePath
    /// A NUL or control character, or invalid UTF-8, in a name.
    case oddName
    case symbolicLink
    /// Bytes before the first local header.
    case prefixData
    /// Bytes after the end-of-central-directory record and its comment.
    case trailingData
    case severalEndRecords
    case overlappingMembers
    /// A local header that the directory does not have.
    case hiddenMember
    /// A folder's entry with data.
    case folderWithData
    /// A device, pipe or socket.
    case specialFile
    case encrypted
    case unknownMethod
    /// The end record's number of entries is not the number found.
    case entryCountDisagrees
    /// The contents do not have the declared checksum; only from ``ZipArchive/verify(_:limit:)``.
    case checksumMismatch
  }

  public let kind: Kind
  /// The member concerned, if one is.
  public let member: String?
  /// Position in the bytes given to the archive.
  public let offset: Int
  public let detail: String

  init(_ kind: Kind, member: String? = nil, at offset: Int, _ detail: String) {
    self.kind = kind
    self.member = member
    self.offset = offset
    self.detail = detail
  }
}
