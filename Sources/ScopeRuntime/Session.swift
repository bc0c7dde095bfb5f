import COnnxRuntime
import ScopeBytes
import ScopeFormats
import ScopeGraph

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How a session is made.
public struct SessionOptions: Sendable, Hashable {
  /// ONNX Runtime's graph optimization level.
  public enum Optimization: Int32, Sendable, Hashable {
    case none = 0
    case basic = 1
    case extended = 2
    case all = 99
  }

  /// Threads inside an operator; 0 takes every core.
  public var threads = 0
  public var optimization = Optimization.all
  /// Whether idle threads spin. Off by default: an idle session's spinning distorts what is timed beside it.
  public var allowSpinning = false
  /// Whether independent branches of the graph run at the same time, on threads of their own.
  public var parallelExecution = false
  /// File name prefix of a profile to record; see ``Session/endProfiling()``.
  public var profilePrefix: String?
  /// Where to write the graph as the engine optimized it, its weights in `<path>.weights` beside it; nil writes none.
  public var optimizedModelPath: String?
  /// Further `session.*` configuration entries.
  public var configuration: [String: String] = [:]
  /// Keep freed activations for reuse. Off lowers the memory that stays allocated.
  public var cpuArena = true

  public init(
    threads: Int = 0, optimization: Optimization = .all, allowSpinning: Bool = false,
    profilePrefix: String? = nil, optimizedModelPath: String? = nil,
    configuration: [String: String] = [:], cpuArena: Bool = true
  ) {
    self.threads = threads
    self.optimization = optimization
    self.allowSpinning = allowSpinning
    self.profilePrefix = profilePrefix
    self.optimizedModelPath = optimizedModelPath
    self.configuration = configuration
    self.cpuArena = cpuArena
  }
}

/// A model loaded into ONNX Runtime.
///
/// `@unchecked Sendable`: the handle is immutable and `Run` is thread-safe by ONNX Runtime's contract.
@safe public final class Session: InferenceSession, @unchecked Sendable {
  public let engine: Engine
  public let options: SessionOptions
  /// Name, element type and shape; dynamic sizes are symbolic or unknown.
  public let inputs: [ValueInfo]
  public let outputs: [ValueInfo]
  /// Time ONNX Runtime took to load and optimize the model.
  public let loadTime: Duration
  public var engineKind: EngineKind { .onnxRuntime }
  public var engineVersion: String { engine.version }
  public var threads: Int { options.threads > 0 ? options.threads : Machine.coreCount }
  private let handle: OpaquePointer

  /// - Throws: `engineFailure` with ONNX Runtime's message; `unsupported` beyond 2 GiB.
  public convenience init(engine: Engine, model: Model, options: SessionOptions = .init()) throws(ScopeError)
  {
    try self.init(engine: engine, modelBytes: try ONNXWriter.bytes(model), options: options)
  }

  /// - Parameter modelBytes: a serialised ONNX model without external data.
  public init(engine: Engine, modelBytes: ByteSlice, options: SessionOptions = .init()) throws(ScopeError) {
    let native = try NativeOptions(engine: engine, options: options)
    var session: OpaquePointer?
    let clock = ContinuousClock()
    let start = clock.now
    let status = unsafe modelBytes.withUnsafeBytes { bytes in
      unsafe scope_ort_create_session(
        engine.api, engine.environment, bytes.baseAddress, bytes.count, native.handle, &session)
    }
    unsafe try engine.check(status)
    let elapsed = clock.now - start
    guard let session = unsafe session else {
      throw ScopeError(.engineFailure, "ONNX Runtime returned no session")
    }
    do throws(ScopeError) {
      inputs = unsafe try SessionSignature.read(engine: engine, session: session, inputs: true)
      outputs = unsafe try SessionSignature.read(engine: engine, session: session, inputs: false)
    } catch {
      unsafe scope_ort_release_session(engine.api, session)
      throw error
    }
    self.engine = engine
    self.options = options
    loadTime = elapsed
    unsafe handle = session
  }

  deinit { unsafe scope_ort_release_session(engine.api, handle) }

  public func run(_ feeds: [String: HostArray], fetch: [String]? = nil) throws(ScopeError) -> [String:
    HostArray]
  {
    try run(feeds, fetch: fetch, releasesMemory: false)
  }

  /// Runs the model once.
  ///
  /// - Parameters:
  ///   - feeds: an array per input name.
  ///   - fetch: output names; nil fetches every output.
  ///   - releasesMemory: give the memory of activations back to the system after this run instead of keeping it for the
  ///     next one, where whole blocks of it are free.
  /// - Returns: an array per fetched name.
  /// - Throws: `engineFailure` with ONNX Runtime's message; `invalidArgument` for an unknown input or output.
  public func run(
    _ feeds: [String: HostArray], fetch: [String]? = nil, releasesMemory: Bool
  ) throws(ScopeError) -> [String: HostArray] {
    let names = fetch ?? outputs.map(\.name)
    try checkNames(feeds: feeds.keys, fetch: names)
    let ordered = feeds.sorted { $0.key < $1.key }
    return unsafe try lend(ordered[...], to: []) { (values: [OpaquePointer?]) throws(ScopeError) in
      unsafe try self.run(
        inputNames: ordered.map(\.key), values: values, outputNames: names, releasesMemory: releasesMemory)
    }
  }

  /// Makes an ONNX Runtime value over each array's own memory, keeping all of them alive while `body` runs.
  private func lend<R>(
    _ feeds: ArraySlice<(key: String, value: HostArray)>, to values: [OpaquePointer?],
    _ body: ([OpaquePointer?]) throws(ScopeError) -> R
  ) throws(ScopeError) -> R {
    guard let (name, array) = feeds.first else { return unsafe try body(values) }
    return unsafe try array.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws(ScopeError) in
      let wanted = try checkedProduct(array.dimensions, what: "input '\(name)'")
      guard array.dataType.byteCount(elements: wanted) == bytes.count else {
        throw ScopeError(
          .invalidArgument, "input '\(name)' does not fit its shape \(array.dimensions)",
          expected: "\(array.dataType.byteCount(elements: wanted)) bytes", found: "\(bytes.count)")
      }
      var value: OpaquePointer?
      let sizes = array.dimensions.map { Int64($0) }
      unsafe try engine.check(
        scope_ort_create_tensor(
          engine.api, engine.cpuMemory, UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count,
          sizes, sizes.count,
          array.dataType.rawValue, &value))
      defer { unsafe scope_ort_release_value(engine.api, value) }
      return unsafe try lend(feeds.dropFirst(), to: values + [value], body)
    }
  }

  private func run(
    inputNames: [String], values: [OpaquePointer?], outputNames: [String], releasesMemory: Bool
  ) throws(ScopeError) -> [String: HostArray] {
    var runOptions: OpaquePointer?
    defer { if let options = unsafe runOptions { unsafe scope_ort_release_run_options(engine.api, options) } }
    // Without an arena there is nothing that could be given back.
    if releasesMemory, options.cpuArena {
      unsafe try engine.check(scope_ort_create_run_options(engine.api, &runOptions))
      unsafe try engine.check(
        scope_ort_add_run_config(engine.api, runOptions, "memory.enable_memory_arena_shrinkage", "cpu:0"))
    }
    var results = unsafe [OpaquePointer?](repeating: nil, count: outputNames.count)
    let status = unsafe withCStrings(inputNames) { inputPointers in
      unsafe withCStrings(outputNames) { outputPointers in
        unsafe scope_ort_run(
          engine.api, handle, runOptions, inputPointers, values, values.count, outputPointers,
          outputNames.count,
          &results)
      }
    }
    defer {
      for index in unsafe results.indices {
        if let value = unsafe results[index] { unsafe scope_ort_release_value(engine.api, value) }
      }
    }
    unsafe try engine.check(status)
    var arrays: [String: HostArray] = [:]
    for (index, name) in outputNames.enumerated() {
      guard let value = unsafe results[index] else {
        throw ScopeError(.engineFailure, "ONNX Runtime returned no value for '\(name)'")
      }
      do throws(ScopeError) { arrays[name] = unsafe try read(value) } catch {
        throw error.at("output '\(name)'")
      }
    }
    return arrays
  }

  private func read(_ value: OpaquePointer) throws(ScopeError) -> HostArray {
    var isTensor: Int32 = 0
    unsafe try engine.check(scope_ort_is_tensor(engine.api, value, &isTensor))
    guard isTensor != 0 else {
      throw ScopeError(.unsupported, "the output is a sequence, map or sparse tensor")
    }
    var info: OpaquePointer?
    unsafe try engine.check(scope_ort_tensor_info_of_value(engine.api, value, &info))
    defer { unsafe scope_ort_release_tensor_info(engine.api, info) }
    let (dataType, shape) = unsafe try SessionSignature.tensorType(engine: engine, info: info)
    guard let dataType, dataType != .string, let sizes = shape.sizes else {
      throw ScopeError(.unsupported, "the output's element type cannot be read")
    }
    var data: UnsafeMutableRawPointer?
    unsafe try engine.check(scope_ort_tensor_data(engine.api, value, &data))
    let count = dataType.byteCount(elements: sizes.reduce(1, *))
    let bytes = unsafe UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : count)
    return unsafe HostArray(copying: bytes, dataType: dataType, dimensions: sizes)
  }

  /// Ends recording and returns what was recorded, in order. The file is removed.
  ///
  /// - Throws: `invalidArgument` when the session was made without `profilePrefix`.
  public func endProfiling() throws(ScopeError) -> [ProfileEvent] {
    guard options.profilePrefix != nil else {
      throw ScopeError(.invalidArgument, "the session was made without a profile prefix")
    }
    var pointer: UnsafeMutablePointer<CChar>?
    unsafe try engine.check(scope_ort_end_profiling(engine.api, handle, engine.allocator, &pointer))
    guard let pointer = unsafe pointer else {
      throw ScopeError(.engineFailure, "ONNX Runtime wrote no profile")
    }
    let path = unsafe String(cString: pointer)
    unsafe try engine.check(scope_ort_free(engine.api, engine.allocator, pointer))
    defer { unsafe unlink(path) }
    return ProfileReader.events(try ByteSlice(mappingFile: path))
  }
}

extension HostArray {
  /// A copy of memory that ONNX Runtime owns.
  init(copying bytes: UnsafeRawBufferPointer, dataType: DataType, dimensions: [Int]) {
    let count = bytes.count
    func copy<Element: BitwiseCopyable>(_ type: Element.Type) -> [Element] {
      let stride = MemoryLayout<Element>.stride
      return unsafe [Element](unsafeUninitializedCapacity: count / stride) { buffer, initialized in
        unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes[..<(count / stride * stride)]))
        initialized = count / stride
      }
    }
    let values: Values =
      switch dataType {
      case .float32: .float32(copy(Float.self))
      case .float64: .float64(copy(Double.self))
      case .int64: .int64(copy(Int64.self))
      case .int32: .int32(copy(Int32.self))
      case .uint8: .uint8(copy(UInt8.self))
      case .int8: .int8(copy(Int8.self))
      case .bool: .bool(copy(UInt8.self).map { $0 != 0 })
      default: .other(dataType, copy(UInt8.self))
      }
    self.init(values, dimensions)
  }
}
