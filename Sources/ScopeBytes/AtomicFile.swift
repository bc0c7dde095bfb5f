import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes a file beside its destination and renames it into place, so that a reader never sees half of it
/// and an interrupted run leaves nothing behind.
public enum AtomicFile {
  /// Temporary files of writes in progress, removed by ``removeUnfinished()`` when the process is interrupted.
  private static let unfinished = Mutex<Set<String>>([])

  /// - Throws: `cannotWrite` with the system's reason.
  public static func write(_ chunks: [ByteSlice], to path: String) throws(ScopeError) {
    try write(to: path) { (append: (ByteSlice) throws(ScopeError) -> Void) throws(ScopeError) in
      for chunk in chunks { try append(chunk) }
    }
  }

  /// Writes what `body` hands over, piece by piece, so that the whole never has to be in memory.
  ///
  /// - Throws: `cannotWrite`; what `body` throws. The destination then stays as it was.
  public static func write(
    to path: String, _ body: (_ append: (ByteSlice) throws(ScopeError) -> Void) throws(ScopeError) -> Void
  ) throws(ScopeError) {
    let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).partial"
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure(path, errno) }
    unfinished.withLock { _ = $0.insert(temporary) }
    defer { unfinished.withLock { _ = $0.remove(temporary) } }
    do throws(ScopeError) {
      try body { (chunk: ByteSlice) throws(ScopeError) in try write(chunk, to: descriptor, path: path) }
      guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(path, errno) }
    } catch {
      close(descriptor)
      unsafe unlink(temporary)
      throw error
    }
    guard close(descriptor) == 0, unsafe rename(temporary, path) == 0 else {
      let number = errno
      unsafe unlink(temporary)
      throw failure(path, number)
    }
  }

  public static func write(_ text: String, to path: String) throws(ScopeError) {
    try write([ByteSlice(Array(text.utf8))], to: path)
  }

  /// Creates `directory` (and its parents) and proves that a file can be written in it, before long work starts.
  ///
  /// - Parameter byteCount: what will be written there, roughly; the disk must have as much left.
  /// - Throws: `cannotWrite`.
  public static func prepareDirectory(_ directory: String, for byteCount: Int = 0) throws(ScopeError) {
    var built = directory.hasPrefix("/") ? "/" : ""
    for part in directory.split(separator: "/") {
      built += built.isEmpty || built.hasSuffix("/") ? String(part) : "/\(part)"
      if unsafe mkdir(built, 0o755) != 0, errno != EEXIST { throw failure(built, errno) }
    }
    let probe =
      "\(directory.isEmpty ? "." : directory)/.neural-scope-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let descriptor = unsafe open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure(directory, errno) }
    defer {
      close(descriptor)
      unsafe unlink(probe)
    }
    try write(ByteSlice([UInt8](repeating: 0x20, count: 4096)), to: descriptor, path: directory)
    var status = statvfs()
    if unsafe fstatvfs(descriptor, &status) == 0 {
      let (free, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
      if !overflow, free < UInt64(byteCount) {
        throw ScopeError(
          .cannotWrite, "the disk is too full", file: directory, expected: "\(byteCount) bytes free",
          found: "\(free)",
          remedy: "Free some space or choose another output folder")
      }
    }
  }

  /// Removes the temporary files of writes in progress; called on Ctrl-C.
  public static func removeUnfinished() {
    for path in unfinished.withLock({ $0 }) { unsafe unlink(path) }
  }

  /// Removes a file that turned out wrong; one that is not there is no error.
  public static func remove(_ path: String) { unsafe unlink(path) }

  private static func write(_ bytes: ByteSlice, to descriptor: Int32, path: String) throws(ScopeError) {
    unsafe try bytes.withUnsafeBytes { (buffer: UnsafeRawBufferPointer) throws(ScopeError) in
      var written = 0
      while written < buffer.count {
        let step = unsafe Glibc.write(
          descriptor, buffer.baseAddress! + written, min(buffer.count - written, 1 << 30))
        if step < 0 {
          if errno == EINTR { continue }
          throw failure(path, errno)
        }
        written += step
      }
    }
  }

  private static func failure(_ path: String, _ number: Int32) -> ScopeError {
    ScopeError(
      .cannotWrite, "cannot be written: \(systemMessage(number))", file: path,
      remedy: number == ENOSPC
        ? "Free some space or choose another output folder" : "Choose a writable output folder")
  }
}
