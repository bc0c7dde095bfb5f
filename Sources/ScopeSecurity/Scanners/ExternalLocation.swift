#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Judges a path that a model names for its external data, without opening the file.
enum ExternalLocation {
  enum Outcome: Equatable {
    case missing
    /// A regular file of that many bytes inside the folder.
    case file(Int)
    /// The real path lies outside the folder.
    case leavesFolder(String)
    /// A regular file with several names.
    case hardLinked(Int)
    /// A folder, device, pipe or socket.
    case special(String)
  }

  /// Why the text of the location leaves the folder, or nil.
  static func escape(_ location: String) -> String? {
    if location.isEmpty { return "is empty" }
    if location.utf8.contains(0) { return "holds a NUL byte" }
    if location.hasPrefix("/") || location.hasPrefix("\\") { return "is absolute" }
    let scalars = Array(location.unicodeScalars.prefix(2))
    if scalars.count == 2, scalars[1] == ":", scalars[0].isASCII { return "is absolute (a drive letter)" }
    if location.contains("://") { return "is a URL" }
    let parts = location.split(whereSeparator: { $0 == "/" || $0 == "\\" })
    return parts.contains("..") ? "climbs out of the model's folder" : nil
  }

  /// Looks at the file system.
  static func inspect(_ location: String, in directory: String) -> Outcome {
    let base = directory.isEmpty ? "." : directory
    guard let realBase = realPath(base), let real = realPath("\(base)/\(location)") else { return .missing }
    guard real.hasPrefix(realBase == "/" ? "/" : realBase + "/") else { return .leavesFolder(real) }
    var status = stat()
    guard stat(real, &status) == 0 else { return .missing }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return status.st_nlink > 1 ? .hardLinked(Int(status.st_nlink)) : .file(Int(status.st_size))
    case S_IFDIR: return .special("a folder")
    case S_IFIFO: return .special("a pipe")
    case S_IFCHR, S_IFBLK: return .special("a device")
    default: return .special("not a regular file")
    }
  }

  static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
