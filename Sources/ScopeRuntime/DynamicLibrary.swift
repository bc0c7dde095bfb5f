import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A shared library in this process. It stays loaded until the process ends, as the engines do not support unloading.
@safe public struct DynamicLibrary: @unchecked Sendable {
  public let path: String
  private let description: LibraryDescription
  let handle: UnsafeMutableRawPointer

  /// - Throws: `engineUnavailable` with the loader's message.
  public init(_ description: LibraryDescription, path: String) throws(ScopeError) {
    guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      let reason = unsafe dlerror().map { unsafe String(cString: $0) } ?? "unknown reason"
      throw Self.failure(description, path, "the library cannot be loaded: \(reason)")
    }
    self.path = path
    self.description = description
    unsafe self.handle = handle
  }

  /// The address of a function or variable; nil when the library has none of that name.
  public func address(of name: String) -> UnsafeMutableRawPointer? { unsafe dlsym(handle, name) }

  /// - Throws: `engineUnavailable` when the library has none of that name: it is another library, or too old.
  public func symbol(_ name: String) throws(ScopeError) -> UnsafeMutableRawPointer {
    guard let address = unsafe address(of: name) else {
      throw failure("this is not a library of \(description.name) that can be used (no \(name))")
    }
    return unsafe address
  }

  /// An error about this file.
  public func failure(_ message: String) -> ScopeError { Self.failure(description, path, message) }

  private static func failure(
    _ description: LibraryDescription, _ path: String, _ message: String
  ) -> ScopeError {
    let remedy = description.remedy.replacing("the library", with: "another library")
    return ScopeError(
      .engineUnavailable, message, file: path, remedy: remedy.prefix(1).uppercased() + remedy.dropFirst())
  }
}
