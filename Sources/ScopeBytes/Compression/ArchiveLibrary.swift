import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// libarchive, loaded when the first file needs it: linked, it would cost every start of the tool some milliseconds
/// (it pulls in libxml2, ICU and the C++ runtime). `@unchecked Sendable`: function pointers, never changed.
///
/// Source: archive.h and archive_entry.h of libarchive 3; its functions have not changed their signatures since 3.1.
@safe final class ArchiveLibrary: @unchecked Sendable {
  typealias Handle = OpaquePointer
  private typealias Simple = @convention(c) (Handle?) -> Int32
  private typealias WithNumber = @convention(c) (Handle?, Int32) -> Int32

  /// Results of libarchive's functions.
  enum Status {
    static let endOfFile: Int32 = 1
    static let fine: Int32 = 0
    static let warning: Int32 = -20
  }

  private let create: @convention(c) () -> Handle?
  private let release: @convention(c) (Handle?) -> Int32
  private let appendFilter: @convention(c) (Handle?, Int32) -> Int32
  private let supportRaw: @convention(c) (Handle?) -> Int32
  private let supportEmpty: @convention(c) (Handle?) -> Int32
  private let supportSevenZip: @convention(c) (Handle?) -> Int32
  private let openMemory: @convention(c) (Handle?, UnsafeRawPointer?, Int) -> Int32
  private let nextHeader: @convention(c) (Handle?, UnsafeMutablePointer<Handle?>) -> Int32
  private let readData: @convention(c) (Handle?, UnsafeMutableRawPointer?, Int) -> Int
  private let filterBytes: @convention(c) (Handle?, Int32) -> Int64
  private let errorText: @convention(c) (Handle?) -> UnsafePointer<CChar>?
  private let entryPath: @convention(c) (Handle?) -> UnsafePointer<CChar>?
  private let entryPathUTF8: @convention(c) (Handle?) -> UnsafePointer<CChar>?
  private let entryType: @convention(c) (Handle?) -> UInt32
  private let entrySize: @convention(c) (Handle?) -> Int64
  private let entryLink: @convention(c) (Handle?) -> UnsafePointer<CChar>?
  private let entryEncrypted: @convention(c) (Handle?) -> Int32

  private static let loaded = Mutex<Result<ArchiveLibrary, ScopeError>?>(nil)

  /// - Throws: `engineUnavailable` naming how to install it.
  static func shared() throws(ScopeError) -> ArchiveLibrary {
    let result = loaded.withLock { loaded -> Result<ArchiveLibrary, ScopeError> in
      if let loaded { return loaded }
      let result: Result<ArchiveLibrary, ScopeError>
      do throws(ScopeError) { result = .success(try ArchiveLibrary()) } catch { result = .failure(error) }
      loaded = result
      return result
    }
    return try result.get()
  }

  private static let names = ["libarchive.so.13", "libarchive.so"]

  private init() throws(ScopeError) {
    var found: UnsafeMutableRawPointer?
    for name in Self.names where unsafe found == nil { unsafe found = dlopen(name, RTLD_NOW | RTLD_LOCAL) }
    guard let library = unsafe found else {
      throw ScopeError(
        .engineUnavailable, "libarchive was not found, which reads this compression",
        remedy: "Run scripts/bootstrap, or install the package libarchive-dev (libarchive13)")
    }
    func symbol<Function>(_ name: String, _ type: Function.Type) throws(ScopeError) -> Function {
      guard let address = unsafe dlsym(library, name) else {
        throw ScopeError(
          .engineUnavailable, "this libarchive is too old", expected: "version 3.1 or later with \(name)",
          remedy: "Install a newer libarchive")
      }
      return unsafe unsafeBitCast(address, to: type)
    }
    unsafe create = try unsafe symbol("archive_read_new", (@convention(c) () -> Handle?).self)
    unsafe release = try symbol("archive_read_free", Simple.self)
    unsafe appendFilter = try symbol("archive_read_append_filter", WithNumber.self)
    unsafe supportRaw = try symbol("archive_read_support_format_raw", Simple.self)
    unsafe supportEmpty = try symbol("archive_read_support_format_empty", Simple.self)
    unsafe supportSevenZip = try symbol("archive_read_support_format_7zip", Simple.self)
    unsafe openMemory = try unsafe symbol(
      "archive_read_open_memory", (@convention(c) (Handle?, UnsafeRawPointer?, Int) -> Int32).self)
    unsafe nextHeader = try unsafe symbol(
      "archive_read_next_header", (@convention(c) (Handle?, UnsafeMutablePointer<Handle?>) -> Int32).self)
    unsafe readData = try unsafe symbol(
      "archive_read_data", (@convention(c) (Handle?, UnsafeMutableRawPointer?, Int) -> Int).self)
    unsafe filterBytes = try symbol(
      "archive_filter_bytes", (@convention(c) (Handle?, Int32) -> Int64).self)
    unsafe errorText = try unsafe symbol(
      "archive_error_string", (@convention(c) (Handle?) -> UnsafePointer<CChar>?).self)
    unsafe entryPath = try unsafe symbol(
      "archive_entry_pathname", (@convention(c) (Handle?) -> UnsafePointer<CChar>?).self)
    unsafe entryPathUTF8 = try unsafe symbol(
      "archive_entry_pathname_utf8", (@convention(c) (Handle?) -> UnsafePointer<CChar>?).self)
    unsafe entryType = try symbol("archive_entry_filetype", (@convention(c) (Handle?) -> UInt32).self)
    unsafe entrySize = try symbol("archive_entry_size", (@convention(c) (Handle?) -> Int64).self)
    unsafe entryLink = try unsafe symbol(
      "archive_entry_symlink", (@convention(c) (Handle?) -> UnsafePointer<CChar>?).self)
    unsafe entryEncrypted = try symbol("archive_entry_is_encrypted", Simple.self)
  }

  /// One reader; released when it goes.
  @safe private struct Reader: ~Copyable {
    let handle: Handle
    let library: ArchiveLibrary

    init(_ library: ArchiveLibrary) throws(ScopeError) {
      guard let handle = unsafe library.create() else {
        throw ScopeError(.limitExceeded, "libarchive has no memory")
      }
      unsafe self.handle = handle
      self.library = library
    }

    deinit { _ = unsafe library.release(handle) }

    /// libarchive's own words on what went wrong.
    var message: String {
      unsafe library.errorText(handle).map { unsafe String(cString: $0) } ?? "no reason given"
    }
  }

  /// ARCHIVE_FILTER_* of archive.h.
  private static func filter(_ codec: CompressionCodec) -> Int32 {
    switch codec {
    case .gzip, .zlib: 1
    case .bzip2: 2
    case .lzma: 5
    case .xz: 6
    case .lz4: 13
    case .zstandard: 14
    }
  }

  /// All streams of the codec; nothing else is tried on the bytes.
  func decompress(
    _ bytes: ByteSlice, codec: CompressionCodec, limit: Int
  ) throws(ScopeError) -> Decompressed {
    var skipped = 0
    if codec == .zstandard || codec == .lz4 {
      while skipped < bytes.count, let length = CompressionCodec.skippableLength(bytes.dropFirst(skipped)) {
        skipped += length
      }
    }
    try checkDictionary(bytes, codec)
    let input = bytes.dropFirst(skipped)
    return try unsafe input.withUnsafeBytes { source throws(ScopeError) -> Decompressed in
      let reader = try Reader(self)
      var entry: Handle?
      func broken(_ reason: String) -> ScopeError {
        ScopeError(
          .malformed, "the \(codec.rawValue) data cannot be read", place: "byte \(input.offset)",
          found: reason)
      }
      guard unsafe supportRaw(reader.handle) == Status.fine,
        unsafe supportEmpty(reader.handle) == Status.fine,
        unsafe appendFilter(reader.handle, Self.filter(codec)) >= Status.warning,
        unsafe openMemory(reader.handle, source.baseAddress, source.count) >= Status.warning
      else { throw broken(reader.message) }
      // A stream that breaks at once counts as an empty one; what went wrong is told only here.
      let early = unsafe errorText(reader.handle).map { unsafe String(cString: $0) }
      let status = unsafe nextHeader(reader.handle, &entry)
      guard status == Status.fine || status == Status.warning || status == Status.endOfFile else {
        throw broken(early ?? reader.message)
      }
      let fed = unsafe filterBytes(reader.handle, -1)
      if status == Status.endOfFile, early != nil || fed <= 0 {
        throw broken(early ?? "nothing came out")
      }
      var result =
        status == Status.endOfFile
        ? Decompressed(data: ByteSlice([UInt8]()), consumed: 0) : try contents(reader, limit: limit)
      let used = unsafe filterBytes(reader.handle, -1)
      result.consumed = min(bytes.count, skipped + Int(clamping: max(used, 0)))
      if let problem = result.problem, problem.code == .malformed {
        result.problem = ScopeError(
          .malformed, "the \(codec.rawValue) data is broken or followed by something else",
          place: "byte \(bytes.offset + result.consumed)", found: reader.message)
      }
      return result
    }
  }

  /// The data of the reader's current entry.
  private func contents(_ reader: borrowing Reader, limit: Int) throws(ScopeError) -> Decompressed {
    var output = GrowingBuffer()
    var result = Decompressed(data: ByteSlice([UInt8]()), consumed: 0)
    let handle = unsafe reader.handle
    while true {
      var read = 0
      try unsafe output.append(atMost: limit + 1 - output.count) { room in
        read = unsafe readData(handle, room.baseAddress, room.count)
        return max(read, 0)
      }
      if output.count > limit {
        result.problem = ScopeError(
          .limitExceeded, "the compressed data is too large to examine", expected: "at most \(limit) bytes")
        break
      }
      if read == 0 { break }
      if read < 0 {
        result.problem = ScopeError(.malformed, "the compressed data is broken", found: reader.message)
        break
      }
    }
    result.data = output.take().prefix(limit)
    return result
  }

  /// The decoder reserves the dictionary that the header asks for.
  private func checkDictionary(_ bytes: ByteSlice, _ codec: CompressionCodec) throws(ScopeError) {
    guard codec == .lzma, let size: UInt32 = try? bytes.integer(at: 1), size > 1 << 28, size != .max else {
      return
    }
    throw ScopeError(
      .limitExceeded, "the lzma dictionary is too large", expected: "at most \(1 << 28) bytes",
      found: "\(size)")
  }

  // MARK: - 7-Zip

  /// Visits the entries of a 7-Zip archive in their order.
  ///
  /// - Parameter visit: gets each entry; false ends the walk.
  /// - Throws: `malformed`, `limitExceeded`.
  func sevenZip(
    _ bytes: ByteSlice, limit: Int, visit: (SevenZipEntry) -> Bool
  ) throws(ScopeError) {
    try unsafe bytes.withUnsafeBytes { source throws(ScopeError) in
      let reader = try Reader(self)
      guard unsafe supportSevenZip(reader.handle) == Status.fine,
        unsafe openMemory(reader.handle, source.baseAddress, source.count) >= Status.warning
      else { throw broken(reader) }
      var left = limit
      while true {
        var entry: Handle?
        let status = unsafe nextHeader(reader.handle, &entry)
        if status == Status.endOfFile { return }
        guard status == Status.fine || status == Status.warning, let entry = unsafe entry else {
          throw broken(reader)
        }
        let item = try unsafe self.entry(entry, reader, limit: left)
        left = max(0, left - item.contents.data.count)
        guard visit(item) else { return }
      }
    }
  }

  private func broken(_ reader: borrowing Reader) -> ScopeError {
    ScopeError(.malformed, "the 7-Zip archive cannot be read to its end", found: reader.message)
  }

  private func entry(
    _ entry: Handle, _ reader: borrowing Reader, limit: Int
  ) throws(ScopeError) -> SevenZipEntry {
    let name = unsafe entryPathUTF8(entry) ?? entryPath(entry)
    let type = unsafe entryType(entry)
    let isEncrypted = unsafe entryEncrypted(entry) > 0
    var item = SevenZipEntry(
      name: unsafe name.map { unsafe String(cString: $0) } ?? "(no name)", mode: type,
      linkTarget: unsafe entryLink(entry).map { unsafe String(cString: $0) },
      size: Int(clamping: unsafe entrySize(entry)), isEncrypted: isEncrypted,
      contents: Decompressed(data: ByteSlice([UInt8]()), consumed: 0))
    if !isEncrypted, type == S_IFREG { item.contents = try contents(reader, limit: limit) }
    return item
  }
}

/// One entry of a 7-Zip archive.
public struct SevenZipEntry: Sendable {
  public var name: String
  /// The file type bits of a Unix mode: `S_IFREG`, `S_IFDIR`, `S_IFLNK` ...
  public var mode: UInt32
  public var linkTarget: String?
  /// Bytes that the header declares.
  public var size: Int
  public var isEncrypted: Bool
  /// Of a regular file that is not encrypted.
  public var contents: Decompressed

  public var isRegular: Bool { mode == S_IFREG }
  public var isDirectory: Bool { mode == S_IFDIR }
}

/// 7-Zip archives, by libarchive.
public enum SevenZip {
  /// Visits the entries in their order.
  ///
  /// - Parameters:
  ///   - limit: most bytes that all entries together may expand to.
  ///   - visit: gets each entry; false ends the walk.
  /// - Throws: `engineUnavailable` without libarchive; `malformed` where the archive breaks off or its header claims more
  ///   than it can hold.
  public static func forEachEntry(
    of bytes: ByteSlice, limit: Int, visit: (SevenZipEntry) -> Bool
  ) throws(ScopeError) {
    try SevenZipHeader.check(bytes)
    try ArchiveLibrary.shared().sevenZip(bytes, limit: limit, visit: visit)
  }
}
