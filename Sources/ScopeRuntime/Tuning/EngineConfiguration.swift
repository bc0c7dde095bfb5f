import ScopeBytes

/// An engine with the options a model is loaded with: what a deployment has to set.
public struct EngineConfiguration: Sendable, Hashable {
  public var engine: EngineKind
  public var threads: Int
  /// ONNX Runtime: idle threads spin, which takes processor time from whatever else runs.
  public var spinning = false
  /// ONNX Runtime: independent branches of the graph run at the same time.
  public var parallel = false
  /// ONNX Runtime's configuration entries or OpenVINO's properties.
  public var entries: [String: String] = [:]
  /// OpenVINO: shapes to compile for, by input.
  public var shapes: [String: [Int]] = [:]

  public init(_ engine: EngineKind, threads: Int) {
    self.engine = engine
    self.threads = threads
  }

  /// `ONNX Runtime, 2 threads, session.dynamic_block_base=4`.
  public var label: String {
    var parts = [engine.name, threads == 1 ? "1 thread" : "\(threads) threads"]
    if spinning { parts.append("spinning") }
    if parallel { parts.append("parallel branches") }
    if !shapes.isEmpty { parts.append("fixed shapes") }
    parts += entries.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return parts.joined(separator: ", ")
  }
}

/// The engines that are at hand.
public struct LoadedEngines: Sendable {
  public var onnxRuntime: Engine
  public var openVINO: OpenVINOEngine?

  public init(onnxRuntime: Engine, openVINO: OpenVINOEngine? = nil) {
    self.onnxRuntime = onnxRuntime
    self.openVINO = openVINO
  }

  /// - Parameter modelBytes: a serialised ONNX model without external data.
  /// - Throws: `engineUnavailable` for OpenVINO when it is not loaded; the engine's error.
  public func session(
    _ configuration: EngineConfiguration, modelBytes: ByteSlice
  ) throws(ScopeError) -> any InferenceSession {
    switch configuration.engine {
    case .onnxRuntime:
      var options = SessionOptions(threads: configuration.threads)
      options.allowSpinning = configuration.spinning
      options.parallelExecution = configuration.parallel
      options.configuration = configuration.entries
      return try Session(engine: onnxRuntime, modelBytes: modelBytes, options: options)
    case .openVINO:
      guard let openVINO else {
        throw ScopeError(.engineUnavailable, "OpenVINO is not loaded")
      }
      let options = OpenVINOOptions(
        threads: configuration.threads, shapes: configuration.shapes, configuration: configuration.entries)
      return try OpenVINOSession(engine: openVINO, modelBytes: modelBytes, options: options)
    }
  }
}
