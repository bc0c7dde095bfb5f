import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A folder for files that another library insists on writing; removed with everything in it when the value dies, and
/// by ``removeAll()`` when the process is interrupted.
public final class TemporaryFolder: Sendable {
  private static let existing = Mutex<Set<String>>([])

  /// Readable and writable by this user only.
  public let path: String

  /// - Throws: `cannotWrite` with the system's reason.
  public init() throws(ScopeError) {
    let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? ""
    let root = parent.isEmpty ? "/tmp" : parent.hasSuffix("/") ? String(parent.dropLast()) : parent
    var path = ""
    for attempt in 1...8 {
      path = "\(root)/neural-scope-\(getpid())-\(UInt32.random(in: 0 ... .max))"
      if unsafe mkdir(path, 0o700) == 0 { break }
      guard errno == EEXIST, attempt < 8 else {
        throw ScopeError(
          .cannotWrite, "no temporary folder can be made: \(systemMessage(errno))", file: root,
          remedy: "Name a writable folder in the environment variable TMPDIR")
      }
    }
    self.path = path
    let made = path
    Self.existing.withLock { _ = $0.insert(made) }
  }

  deinit { Self.remove(path) }

  /// Makes the folders that `relativePath` lies in, below this one.
  ///
  /// - Parameter relativePath: of ordinary parts only; the caller has checked it.
  /// - Throws: `cannotWrite`.
  public func makeParents(of relativePath: String) throws(ScopeError) {
    var built = path
    for part in relativePath.split(separator: "/").dropLast() {
      built += "/\(part)"
      guard unsafe mkdir(built, 0o700) == 0 || errno == EEXIST else {
        throw ScopeError(.cannotWrite, "a folder cannot be made: \(systemMessage(errno))", file: built)
      }
    }
  }

  /// Paths of the files in it, sorted.
  public var files: [String] { Self.names(path).map { "\(path)/\($0)" } }

  /// Removes the files in it, not those of folders below; the folder stays.
  public func empty() {
    for file in files { unsafe unlink(file) }
  }

  /// Removes the temporary folders of work in progress; called on Ctrl-C.
  public static func removeAll() {
    for path in existing.withLock({ $0 }) { remove(path) }
  }

  private static func remove(_ path: String) {
    removeTree(path)
    existing.withLock { _ = $0.remove(path) }
  }

  /// Removes a folder and what is below it; links are removed, never followed.
  private static func removeTree(_ path: String) {
    for name in names(path) {
      let entry = "\(path)/\(name)"
      var status = stat()
      if unsafe lstat(entry, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
        removeTree(entry)
      } else {
        unsafe unlink(entry)
      }
    }
    unsafe rmdir(path)
  }

  private static func names(_ path: String) -> [String] {
    guard let folder = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}
