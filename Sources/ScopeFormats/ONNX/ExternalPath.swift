import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Decides whether a path that a model file names may be opened.
public enum ExternalPath {
  /// The real path of `location` inside `directory`.
  ///
  /// - Throws: `malformed` when the path is empty, absolute, climbs out of the folder or leaves it through a symbolic
  ///   link (CVE-2022-25882, CVE-2024-27318).
  public static func resolve(_ location: String, in directory: String) throws(ScopeError) -> String {
    let escape = { (why: String) -> ScopeError in
      ScopeError(
        .malformed, "external data \(why)", expected: "a file inside the model's folder",
        found: "'\(location)'",
        remedy: "Do not load this file; run `neural-scope security` on it")
    }
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.isEmpty, !location.utf8.contains(0) else { throw escape("has no usable path") }
    guard !location.hasPrefix("/") else { throw escape("is an absolute path") }
    guard !parts.contains("..") else { throw escape("climbs out of the model's folder") }
    let base = directory.isEmpty ? "." : directory
    let path = "\(base)/\(location)"
    guard let realBase = realPath(base), let real = realPath(path) else { return path }
    guard real.hasPrefix(realBase == "/" ? "/" : realBase + "/") else {
      throw escape("leaves the model's folder through a symbolic link")
    }
    return real
  }

  /// The path without symbolic links, or nil when it does not exist.
  private static func realPath(_ path: String) -> String? {
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }
}
