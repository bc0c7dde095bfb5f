import COnnxRuntime
import ScopeBytes
import Synchronization

/// A loaded ONNX Runtime library with its environment.
///
/// Loaded with `dlopen`; lives until the process ends, as unloading the library is not supported by it.
/// `@unchecked Sendable`: the function table and the environment are immutable and thread-safe by ONNX Runtime's contract.
@safe public final class Engine: @unchecked Sendable {
  /// Version the library reports, such as `1.31.1`.
  public let version: String
  /// Path it was loaded from.
  public let path: String

  let api: ScopeOrtApi
  let environment: OpaquePointer
  let allocator: OpaquePointer
  let cpuMemory: OpaquePointer

  /// The lowest API version that has every function used here; libraries from 1.16 on provide it.
  private static let apiVersion: UInt32 = 16
  private static let loaded = Mutex<[String: Engine]>([:])

  /// Loads ONNX Runtime from `path`, or from the first place of ``LibraryLocator`` that works.
  ///
  /// - Throws: `engineUnavailable` naming the places that were tried.
  public static func load(path: String? = nil) throws(ScopeError) -> Engine {
    try LibraryLocator().load(.onnxRuntime, explicit: path) { (file: String) throws(ScopeError) -> Engine in
      if let engine = loaded.withLock({ $0[file] }) { return engine }
      let engine = try Engine(loading: file)
      loaded.withLock { $0[file] = engine }
      return engine
    }
  }

  private init(loading path: String) throws(ScopeError) {
    let library = try DynamicLibrary(.onnxRuntime, path: path)
    guard let base = unsafe scope_ort_base(try library.symbol("OrtGetApiBase")) else {
      throw library.failure("this is not an ONNX Runtime library (no function table)")
    }
    let version = unsafe String(cString: scope_ort_version(base))
    let parts = version.split(separator: ".").compactMap { Int($0) }
    guard parts.count >= 2, parts[0] > 1 || (parts[0] == 1 && parts[1] >= 16),
      let api = unsafe scope_ort_api(base, Self.apiVersion)
    else {
      throw library.failure("ONNX Runtime \(version) is too old; 1.16 or later is needed")
    }
    var environment: OpaquePointer?
    var allocator: OpaquePointer?
    var memory: OpaquePointer?
    // Severity 4: nothing but fatal errors. A library must not write to the user's terminal; errors come as statuses.
    unsafe try Self.check(api, scope_ort_create_env(api, 4, "neural-scope", &environment))
    unsafe try Self.check(api, scope_ort_default_allocator(api, &allocator))
    unsafe try Self.check(api, scope_ort_cpu_memory(api, 1, 0, &memory))
    guard let environment = unsafe environment, let allocator = unsafe allocator, let memory = unsafe memory
    else { throw library.failure("ONNX Runtime returned no environment") }
    unsafe try Self.check(api, scope_ort_disable_telemetry(api, environment))
    self.version = version
    self.path = path
    unsafe self.api = api
    unsafe self.environment = environment
    unsafe self.allocator = allocator
    unsafe cpuMemory = memory
  }

  /// Turns a status into an error and releases it.
  private static func check(_ api: ScopeOrtApi, _ status: OpaquePointer?) throws(ScopeError) {
    guard let status = unsafe status else { return }
    let message = unsafe String(cString: scope_ort_error_message(api, status))
    unsafe scope_ort_release_status(api, status)
    throw ScopeError(.engineFailure, "ONNX Runtime: \(message)")
  }

  func check(_ status: OpaquePointer?) throws(ScopeError) { unsafe try Self.check(api, status) }
}
