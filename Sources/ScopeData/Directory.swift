import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Listing folders.
enum Directory {
  enum Kind { case file, folder, other, missing }

  static func kind(of path: String) -> Kind {
    var status = stat()
    guard stat(path, &status) == 0 else { return .missing }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    default: return .other
    }
  }

  /// Names in a folder, sorted by their UTF-8 bytes like Python's `sorted`; hidden ones are left out.
  ///
  /// - Throws: `notFound`, `unreadable`.
  static func names(in path: String) throws(ScopeError) -> [String] {
    guard let handle = opendir(path) else {
      let number = errno
      throw ScopeError(
        number == ENOENT ? .notFound : .unreadable,
        number == ENOENT
          ? "no such folder" : "the folder cannot be read: \(String(cString: strerror(number)))",
        file: path)
    }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let length = Int(entry.pointee.d_reclen)
      let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
      let bytes = UnsafeRawBufferPointer(
        start: UnsafeRawPointer(entry) + offset, count: max(0, length - offset))
      let name = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
