import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The files of a model as OMS counts them.
struct SignedFiles {
  /// Left out by the reference implementation.
  static let versionControl = [".git", ".gitattributes", ".github", ".gitignore"]

  /// Path relative to the model (`.` for a model that is one file) and path on disk, by path components.
  private(set) var files: [(name: String, path: String)] = []
  /// Symbolic links and special files, by relative path.
  private(set) var irregular: [String] = []

  private let root: String
  private let ignored: Set<String>
  private let followsLinks: Bool

  /// - Parameter ignored: relative paths; a folder's name leaves out everything in it.
  /// - Throws: `notFound`, `unreadable`, `limitExceeded` beyond a million files or 64 levels.
  init(of model: String, ignoring ignored: Set<String>, followsLinks: Bool) throws(ScopeError) {
    root = model
    self.ignored = ignored
    self.followsLinks = followsLinks
    var status = stat()
    guard stat(model, &status) == 0 else {
      throw ScopeError(errno == ENOENT ? .notFound : .unreadable, "the model cannot be examined", file: model)
    }
    if status.st_mode & S_IFMT == S_IFDIR {
      try visit("", depth: 0)
      files.sort { Self.parts($0.name).lexicographicallyPrecedes(Self.parts($1.name)) }
    } else {
      files = [(".", model)]
    }
  }

  private static func parts(_ name: String) -> [Substring] { name.split(separator: "/") }

  private mutating func visit(_ folder: String, depth: Int) throws(ScopeError) {
    let path = folder.isEmpty ? root : "\(root)/\(folder)"
    guard depth <= 64 else {
      throw ScopeError(
        .limitExceeded, "folders are nested too deeply", file: path, expected: "at most 64 levels")
    }
    guard let handle = opendir(path) else {
      throw ScopeError(.unreadable, "the folder cannot be opened: \(systemMessage(errno))", file: path)
    }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    closedir(handle)
    for name in names {
      let relative = folder.isEmpty ? name : "\(folder)/\(name)"
      guard !ignored.contains(relative) else { continue }
      var status = stat()
      guard lstat("\(root)/\(relative)", &status) == 0 else { continue }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: try visit(relative, depth: depth + 1)
      case S_IFREG: files.append((relative, "\(root)/\(relative)"))
      case S_IFLNK where followsLinks:
        if Self.isFile("\(root)/\(relative)") { files.append((relative, "\(root)/\(relative)")) }
      default: irregular.append(relative)
      }
      guard files.count + irregular.count <= 1_000_000 else {
        throw ScopeError(
          .limitExceeded, "the folder has too many files", file: root, expected: "at most 1000000")
      }
    }
  }

  static func isFolder(_ path: String) -> Bool { kind(path) == S_IFDIR }
  static func isFile(_ path: String) -> Bool { kind(path) == S_IFREG }

  private static func kind(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }

  /// `path` relative to `folder` when it lies in it, both as they are on disk.
  static func relative(_ path: String, to folder: String) -> String? {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    guard let base = real(folder), let real = real(parent.isEmpty ? "/" : parent) else { return nil }
    if real == base { return name }
    let prefix = base == "/" ? "/" : base + "/"
    return real.hasPrefix(prefix) ? "\(real.dropFirst(prefix.count))/\(name)" : nil
  }

  private static func real(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The last component of the real path, `model` when there is none.
  static func name(of path: String) -> String {
    (real(path) ?? path).split(separator: "/").last.map(String.init) ?? "model"
  }
}
