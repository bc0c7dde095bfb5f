#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Immutable bytes: a mapped file or an array, alive as long as a slice refers to them.
///
/// The only owner of raw file memory in the project. `@unchecked Sendable`: the bytes are never written
/// after `init`.
@safe final class ByteStorage: @unchecked Sendable {
  let base: UnsafeRawPointer
  let count: Int
  private let owner: Owner

  /// Who gives the memory back, and how.
  private enum Owner { case mapping, allocation, heap }

  /// Takes a private, read-only mapping of an open file of known size.
  init(mapping descriptor: Int32, count: Int) throws(ScopeError) {
    guard let address = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
      unsafe address != UnsafeMutableRawPointer(bitPattern: -1)
    else {
      throw ScopeError(.unreadable, "the file cannot be mapped into memory: \(systemMessage(errno))")
    }
    unsafe base = UnsafeRawPointer(address)
    self.count = count
    owner = .mapping
  }

  /// Takes over memory from `malloc`, `calloc` or `realloc`.
  init(adopting buffer: UnsafeMutableRawPointer, count: Int) {
    unsafe base = UnsafeRawPointer(buffer)
    self.count = count
    owner = .heap
  }

  init(copying bytes: UnsafeRawBufferPointer) {
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
    if let source = bytes.baseAddress { unsafe buffer.copyMemory(from: source, byteCount: bytes.count) }
    unsafe base = UnsafeRawPointer(buffer)
    count = bytes.count
    owner = .allocation
  }

  /// Gives the memory of a mapped range back; the pages are read again when they are touched.
  func releasePages(from start: Int, count: Int) {
    guard owner == .mapping, count > 0 else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    guard page > 0 else { return }
    let first = start / page * page
    unsafe madvise(UnsafeMutableRawPointer(mutating: base + first), start + count - first, MADV_DONTNEED)
  }

  deinit {
    switch owner {
    case .mapping: unsafe munmap(UnsafeMutableRawPointer(mutating: base), count)
    case .allocation: unsafe UnsafeMutableRawPointer(mutating: base).deallocate()
    case .heap: unsafe free(UnsafeMutableRawPointer(mutating: base))
    }
  }
}

/// The message of a C library error number.
package func systemMessage(_ number: Int32) -> String { unsafe String(cString: strerror(number)) }

/// A bounds-checked window onto immutable bytes. Copying a slice copies no bytes.
public struct ByteSlice: Sendable {
  private let storage: ByteStorage
  /// Position of the first byte in the file (or array) the slice comes from; used in error messages.
  public let offset: Int
  /// Bytes in the slice.
  public let count: Int

  private init(storage: ByteStorage, offset: Int, count: Int) {
    self.storage = storage
    self.offset = offset
    self.count = count
  }

  /// All bytes of a storage.
  init(_ storage: ByteStorage) { self.init(storage: storage, offset: 0, count: storage.count) }

  /// An owned copy of `bytes`.
  public init(_ bytes: [UInt8]) {
    let storage = unsafe bytes.withUnsafeBytes { buffer in unsafe ByteStorage(copying: unsafe buffer) }
    self.init(storage: storage, offset: 0, count: bytes.count)
  }

  /// An owned little-endian copy of trivial values (`Float`, `Int64` ...).
  public init<Element: BitwiseCopyable>(elements: [Element]) {
    let storage = unsafe elements.withUnsafeBytes { buffer in unsafe ByteStorage(copying: unsafe buffer) }
    self.init(storage: storage, offset: 0, count: storage.count)
  }

  /// Maps a regular file read-only; nothing is read until it is touched.
  ///
  /// - Throws: `notFound`, `unreadable` (directory, device, permission).
  public init(mappingFile path: String) throws(ScopeError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let number = errno
      throw ScopeError(
        number == ENOENT ? .notFound : .unreadable,
        number == ENOENT ? "no such file" : "the file cannot be opened: \(systemMessage(number))", file: path,
        remedy: number == ENOENT ? "Check the path" : nil)
    }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw ScopeError(.unreadable, "the file cannot be examined: \(systemMessage(errno))", file: path)
    }
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFREG else {
      throw ScopeError(
        .unreadable, kind == S_IFDIR ? "this is a directory" : "this is not a regular file", file: path,
        expected: "a model file", remedy: "Give the path of a file")
    }
    guard status.st_size > 0 else {
      self.init([])
      return
    }
    do {
      let storage = try ByteStorage(mapping: descriptor, count: Int(status.st_size))
      self.init(storage: storage, offset: 0, count: storage.count)
    } catch {
      throw error.inFile(path)
    }
  }

  public var isEmpty: Bool { count == 0 }

  /// Position just after the last byte, in the file the slice comes from.
  public var endOffset: Int { offset + count }

  /// A sub-slice; checked, never traps on numbers that come from a file.
  ///
  /// - Throws: `truncated` when `[start, start + length)` is not inside the slice.
  public func slice(at start: Int, count length: Int, what: String = "data") throws(ScopeError) -> ByteSlice {
    guard start >= 0, length >= 0, start <= count, length <= count - start else {
      throw ScopeError(
        .truncated, "\(what) reaches beyond the end", place: "byte \(offset &+ start)",
        expected: "\(length) bytes", found: "\(max(0, count &- start)) bytes left",
        remedy: "The file is truncated or its header lies; fetch it again")
    }
    return ByteSlice(storage: storage, offset: offset + start, count: length)
  }

  /// Everything from `start` on; empty when `start` is at or after the end.
  public func dropFirst(_ start: Int) -> ByteSlice {
    let start = min(max(start, 0), count)
    return ByteSlice(storage: storage, offset: offset + start, count: count - start)
  }

  /// The first `length` bytes, or all of them when there are fewer.
  public func prefix(_ length: Int) -> ByteSlice {
    ByteSlice(storage: storage, offset: offset, count: min(max(length, 0), count))
  }

  /// The byte at `index`; traps outside `0..<count` like an array.
  public subscript(index: Int) -> UInt8 {
    precondition(index >= 0 && index < count, "byte index out of range")
    return unsafe storage.base.load(fromByteOffset: offset + index, as: UInt8.self)
  }

  /// A little-endian integer at `position`.
  ///
  /// - Throws: `truncated`.
  public func integer<T: FixedWidthInteger>(
    at position: Int, as type: T.Type = T.self, what: String = "number"
  ) throws(ScopeError) -> T {
    let field = try slice(at: position, count: MemoryLayout<T>.size, what: what)
    return unsafe T(littleEndian: field.storage.base.loadUnaligned(fromByteOffset: field.offset, as: T.self))
  }

  /// Lends the bytes. The pointer must not leave the closure.
  public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try unsafe body(UnsafeRawBufferPointer(start: storage.base + offset, count: count))
  }

  /// Gives back the memory that a mapped file's bytes took while they were looked at; they stay readable. A pass over a
  /// file larger than memory calls this behind itself.
  public func releasePages() { storage.releasePages(from: offset, count: count) }

  /// A copy of the bytes.
  public var array: [UInt8] { unsafe withUnsafeBytes { bytes in unsafe [UInt8](bytes) } }

  /// The bytes reinterpreted as little-endian elements; a partial last element is dropped.
  public func elements<Element: BitwiseCopyable>(as type: Element.Type) -> [Element] {
    let wanted = count / MemoryLayout<Element>.stride
    return unsafe [Element](unsafeUninitializedCapacity: wanted) { buffer, initialized in
      unsafe withUnsafeBytes { source in
        unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[..<(wanted * MemoryLayout<Element>.stride)]))
      }
      initialized = wanted
    }
  }

  /// Valid UTF-8 as a string, otherwise nil.
  public var utf8String: String? {
    unsafe withUnsafeBytes { bytes in unsafe String(validating: bytes, as: UTF8.self) }
  }

  /// Whether the slice begins with `prefix`.
  public func starts(with prefix: [UInt8]) -> Bool {
    guard count >= prefix.count else { return false }
    for (index, byte) in prefix.enumerated() where self[index] != byte { return false }
    return true
  }

  /// Position of the first occurrence of `pattern` at or after `start`, or nil.
  public func firstIndex(of pattern: [UInt8], from start: Int = 0) -> Int? {
    guard !pattern.isEmpty, start >= 0, start < count else { return nil }
    return unsafe withUnsafeBytes { bytes -> Int? in
      guard let base = bytes.baseAddress else { return nil }
      var candidate = start
      while candidate <= count - pattern.count {
        guard
          let hit = unsafe memchr(base + candidate, Int32(pattern[0]), count - pattern.count - candidate + 1)
        else {
          return nil
        }
        candidate = unsafe UnsafeRawPointer(hit) - base
        if pattern.indices.allSatisfy({ unsafe bytes[candidate + $0] == pattern[$0] }) { return candidate }
        candidate += 1
      }
      return nil
    }
  }

  /// Byte-wise equality.
  public func equals(_ other: ByteSlice) -> Bool {
    guard count == other.count else { return false }
    return unsafe withUnsafeBytes { left in
      unsafe other.withUnsafeBytes { right in
        guard count > 0, let left = left.baseAddress, let right = right.baseAddress else { return true }
        return unsafe memcmp(left, right, count) == 0
      }
    }
  }
}
