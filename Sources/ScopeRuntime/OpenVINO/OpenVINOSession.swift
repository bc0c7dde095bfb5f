import COpenVINO
import ScopeBytes
import ScopeFormats
import ScopeGraph
import Synchronization

/// An ONNX model compiled by OpenVINO for the CPU.
///
/// `@unchecked Sendable`: the compiled model is immutable; a request is used by one run at a time.
@safe public final class OpenVINOSession: InferenceSession, @unchecked Sendable {
  public let engine: OpenVINOEngine
  public let options: OpenVINOOptions
  public let inputs: [ValueInfo]
  public let outputs: [ValueInfo]
  /// What the compiled model says it uses, which may be fewer than asked for.
  public let threads: Int
  /// Time OpenVINO took to read and compile the model.
  public let loadTime: Duration
  public var engineKind: EngineKind { .openVINO }
  public var engineVersion: String { engine.version }

  private let compiled: OpenVINOHandle
  private let ports: [String: OpenVINOHandle]
  private let results: [String: OpenVINOHandle]
  /// Requests that no run uses now.
  private let idle = Mutex<[OpenVINOHandle]>([])

  /// - Throws: `engineFailure` with OpenVINO's message.
  public convenience init(
    engine: OpenVINOEngine, model: Model, options: OpenVINOOptions = .init()
  ) throws(ScopeError) {
    try self.init(engine: engine, modelBytes: try ONNXWriter.bytes(model), options: options)
  }

  /// - Parameter modelBytes: a serialised ONNX model without external data.
  /// - Throws: the ONNX reader's error for bytes that are no ONNX model: OpenVINO would try its other formats;
  ///   `engineFailure` with OpenVINO's message.
  public init(
    engine: OpenVINOEngine, modelBytes: ByteSlice, options: OpenVINOOptions = .init()
  ) throws(ScopeError) {
    let declared = try OpenVINOModel.check(modelBytes)
    let clock = ContinuousClock()
    let start = clock.now
    let model = try OpenVINOModel.read(engine, modelBytes)
    try OpenVINOModel.reshape(engine, model, declared, options.shapes)
    let compiled = try OpenVINOModel.compile(engine, model, options)
    let signature = OpenVINOSignature(engine: engine, compiled: compiled)
    (inputs, ports) = try signature.inputs(declared.requiredInputs)
    (outputs, results) = try signature.outputs(declared.outputs)
    threads =
      try signature.property("INFERENCE_NUM_THREADS").flatMap { Int($0) }
      ?? (options.threads > 0 ? options.threads : Machine.coreCount)
    loadTime = clock.now - start
    self.engine = engine
    self.options = options
    self.compiled = compiled
  }

  /// - Throws: also `invalidArgument` for an input that is not fed.
  public func run(
    _ feeds: [String: HostArray], fetch: [String]? = nil
  ) throws(ScopeError) -> [String: HostArray] {
    let names = fetch ?? outputs.map(\.name)
    try checkNames(feeds: feeds.keys, fetch: names)
    // A request keeps what was last set: an input left out would be read from memory that is gone.
    if let missing = inputs.first(where: { feeds[$0.name] == nil }) {
      throw ScopeError(.invalidArgument, "the input '\(missing.name)' is not fed")
    }
    let free = idle.withLock { $0.popLast() }
    let request = if let free { free } else { try makeRequest() }
    // Inputs that no node reads have no port.
    let ordered = feeds.compactMap { name, array in ports[name].map { (name: name, array: array, port: $0) } }
    let arrays = try lend(ordered[...], to: request) { () throws(ScopeError) -> [String: HostArray] in
      unsafe try engine.check(engine.api.pointee.infer_request_infer(request.pointer))
      var arrays: [String: HostArray] = [:]
      for name in names { arrays[name] = try read(name, from: request) }
      return arrays
    }
    // Not after a failure: its state is not known then.
    idle.withLock { $0.append(request) }
    return arrays
  }

  private func makeRequest() throws(ScopeError) -> OpenVINOHandle {
    var request: OpaquePointer?
    unsafe try engine.check(
      engine.api.pointee.compiled_model_create_infer_request(compiled.pointer, &request))
    guard let request = unsafe request else {
      throw ScopeError(.engineFailure, "OpenVINO returned no request")
    }
    return unsafe OpenVINOHandle(request) { [engine] in unsafe engine.api.pointee.infer_request_free($0) }
  }

  /// Makes an OpenVINO tensor over each array's own memory, keeping all of them alive while `body` runs.
  private func lend<R>(
    _ feeds: ArraySlice<(name: String, array: HostArray, port: OpenVINOHandle)>, to request: OpenVINOHandle,
    _ body: () throws(ScopeError) -> R
  ) throws(ScopeError) -> R {
    guard let (name, array, port) = feeds.first else { return try body() }
    guard let type = engine.elementTypes.number(of: array.dataType) else {
      throw ScopeError(
        .unsupported, "OpenVINO takes no input of type \(array.dataType)", place: "input '\(name)'")
    }
    let wanted = try checkedProduct(array.dimensions, what: "input '\(name)'")
    return unsafe try array.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws(ScopeError) in
      guard array.dataType.byteCount(elements: wanted) == bytes.count else {
        throw ScopeError(
          .invalidArgument, "input '\(name)' does not fit its shape \(array.dimensions)",
          expected: "\(array.dataType.byteCount(elements: wanted)) bytes", found: "\(bytes.count)")
      }
      var sizes = array.dimensions.map { Int64($0) }
      var pointer: OpaquePointer?
      let status = unsafe sizes.withUnsafeMutableBufferPointer { sizes in
        unsafe engine.api.pointee.tensor_create_from_host_ptr(
          type, ScopeOvShape(rank: Int64(sizes.count), dimensions: sizes.baseAddress),
          UnsafeMutableRawPointer(mutating: bytes.baseAddress), &pointer)
      }
      defer { if let pointer = unsafe pointer { unsafe engine.api.pointee.tensor_free(pointer) } }
      do throws(ScopeError) {
        try engine.check(status)
        unsafe try engine.check(
          engine.api.pointee.infer_request_set_tensor_by_const_port(request.pointer, port.pointer, pointer))
      } catch {
        throw error.at("input '\(name)'")
      }
      return try lend(feeds.dropFirst(), to: request, body)
    }
  }

  /// A copy of an output.
  private func read(_ name: String, from request: OpenVINOHandle) throws(ScopeError) -> HostArray {
    guard let port = results[name] else {
      throw ScopeError(.engineFailure, "OpenVINO returned no value for '\(name)'")
    }
    do throws(ScopeError) {
      let api = unsafe engine.api
      var tensor: OpaquePointer?
      unsafe try engine.check(
        api.pointee.infer_request_get_tensor_by_const_port(request.pointer, port.pointer, &tensor))
      defer { if let tensor = unsafe tensor { unsafe api.pointee.tensor_free(tensor) } }
      var number: Int32 = 0
      unsafe try engine.check(api.pointee.tensor_get_element_type(tensor, &number))
      guard let type = engine.elementTypes.type(of: number) else {
        throw ScopeError(.unsupported, "the output's element type cannot be read")
      }
      var count = 0
      unsafe try engine.check(api.pointee.tensor_get_byte_size(tensor, &count))
      var sizes: [Int] = []
      var shape = unsafe ScopeOvShape()
      let status = unsafe api.pointee.tensor_get_shape(tensor, &shape)
      // A scalar's shape, which has no sizes, is refused.
      if status != OpenVINOEngine.invalidParameter || count != type.byteCount(elements: 1) {
        try engine.check(status)
        sizes = unsafe UnsafeBufferPointer(start: shape.dimensions, count: Int(shape.rank)).map { Int($0) }
        unsafe _ = api.pointee.shape_free(&shape)
      }
      guard count == type.byteCount(elements: try checkedProduct(sizes, what: "output")) else {
        throw ScopeError(.engineFailure, "OpenVINO's output of shape \(sizes) has \(count) bytes")
      }
      var data: UnsafeMutableRawPointer?
      if count > 0 { unsafe try engine.check(api.pointee.tensor_data(tensor, &data)) }
      let bytes = unsafe UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : count)
      return unsafe HostArray(copying: bytes, dataType: type, dimensions: sizes)
    } catch {
      throw error.at("output '\(name)'")
    }
  }
}
