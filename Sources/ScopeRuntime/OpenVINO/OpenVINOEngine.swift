import COpenVINO
import ScopeBytes
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A loaded OpenVINO library with its core, which finds the CPU plugin and the ONNX frontend beside the library.
///
/// Loaded with `dlopen`; lives until the process ends. `@unchecked Sendable`: the function table is immutable and the
/// core thread-safe by OpenVINO's contract.
@safe public final class OpenVINOEngine: @unchecked Sendable {
  /// Version the library reports, such as `2026.4.1`.
  public let version: String
  /// Path it was loaded from.
  public let path: String

  let api: UnsafePointer<ScopeOvApi>
  let core: OpaquePointer
  let elementTypes: OpenVINOElementTypes

  /// The oldest release the declarations were tried with.
  private static let oldest = (2024, 6)
  private static let loaded = Mutex<[String: OpenVINOEngine]>([:])

  /// Loads OpenVINO from `path`, or from the first place of ``LibraryLocator`` that works.
  ///
  /// - Throws: `engineUnavailable` naming the places that were tried.
  public static func load(path: String? = nil) throws(ScopeError) -> OpenVINOEngine {
    try LibraryLocator().load(.openVINO, explicit: path) {
      (file: String) throws(ScopeError) -> OpenVINOEngine in
      if let engine = loaded.withLock({ $0[file] }) { return engine }
      let engine = try OpenVINOEngine(loading: file)
      loaded.withLock { $0[file] = engine }
      return engine
    }
  }

  private init(loading path: String) throws(ScopeError) {
    let library = try DynamicLibrary(.openVINO, path: path)
    // Never deallocated, as the library is never unloaded.
    let table = UnsafeMutablePointer<ScopeOvApi>.allocate(capacity: 1)
    unsafe table.initialize(to: ScopeOvApi())
    let lacking = unsafe scope_ov_load(table, library.handle) { handle, name in
      guard let name = unsafe name else { return nil }
      return unsafe dlsym(UnsafeMutableRawPointer(mutating: handle), name)
    }
    if let name = unsafe lacking.map({ unsafe String(cString: $0) }) {
      throw library.failure("this is not an OpenVINO C library (no \(name))")
    }
    let api = unsafe UnsafePointer(table)
    var text = unsafe ScopeOvVersion()
    unsafe try Self.check(api, api.pointee.get_openvino_version(&text))
    // `2026.4.1-22982-...`
    let version = unsafe String(cString: text.number).prefix { $0.isNumber || $0 == "." }
    unsafe api.pointee.version_free(&text)
    let parts = version.split(separator: ".").compactMap { Int($0) }
    guard parts.count >= 2, (parts[0], parts[1]) >= Self.oldest else {
      throw library.failure(
        "OpenVINO \(version) is too old; \(Self.oldest.0).\(Self.oldest.1) or later is needed")
    }
    guard let elementTypes = unsafe OpenVINOElementTypes(probing: api) else {
      throw library.failure("OpenVINO \(version) numbers its element types in an unknown way")
    }
    var core: OpaquePointer?
    unsafe try Self.check(api, api.pointee.core_create(&core))
    guard let core = unsafe core else { throw library.failure("OpenVINO returned no core") }
    self.version = String(version)
    self.path = path
    self.elementTypes = elementTypes
    unsafe self.api = api
    unsafe self.core = core
  }

  /// What the C functions say about their own parameters; they leave no message of it.
  static let invalidParameter: Int32 = -14

  /// Turns a status into an error with OpenVINO's last message. That is the process's: with failures in several
  /// threads at once it may be another's.
  private static func check(_ api: UnsafePointer<ScopeOvApi>, _ status: Int32) throws(ScopeError) {
    guard status != 0 else { return }
    var message = ""
    if status != invalidParameter, let text = unsafe api.pointee.get_last_err_msg() {
      message = unsafe readable(String(cString: text))
      unsafe api.pointee.free(text)
    }
    if message.isEmpty {
      let text = unsafe api.pointee.get_error_info(status).map { unsafe String(cString: $0) }
      message = text.map { "\($0) (status \(status))" } ?? "status \(status)"
    }
    throw ScopeError(.engineFailure, "OpenVINO: \(message)")
  }

  func check(_ status: Int32) throws(ScopeError) { unsafe try Self.check(api, status) }

  /// OpenVINO's message on one line, without the places in its source code, at most 500 characters.
  package static func readable(_ message: String) -> String {
    var sentences: [Substring] = []
    var conditions: [Substring] = []
    for line in message.split(whereSeparator: \.isNewline) where !line.hasPrefix("Exception from src/") {
      // `Check 'condition' failed at src/file.cpp:12: sentence`
      var rest = line.drop { $0 == " " }
      if rest.hasPrefix("Check '"), let place = rest.firstRange(of: " failed at src/") {
        conditions.append(rest[..<place.lowerBound] + " failed")
        let after = rest[place.upperBound...]
        rest = after.firstRange(of: ": ").map { after[$0.upperBound...] } ?? ""
      }
      if !rest.isEmpty { sentences.append(rest) }
    }
    let text = (sentences.isEmpty ? conditions : sentences).joined(separator: " ")
    return text.count > 500 ? text.prefix(500) + " ..." : text
  }
}

/// Owns one object of OpenVINO's.
///
/// `@unchecked Sendable`: what it points to is immutable, or used by one thread at a time (a request).
@safe final class OpenVINOHandle: @unchecked Sendable {
  let pointer: OpaquePointer
  private let release: (OpaquePointer) -> Void

  init(_ pointer: OpaquePointer, release: @escaping (OpaquePointer) -> Void) {
    unsafe self.pointer = pointer
    unsafe self.release = release
  }

  deinit { unsafe release(pointer) }
}
