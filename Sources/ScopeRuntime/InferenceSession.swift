import ScopeBytes
import ScopeGraph

/// The engines a model can be run in.
public enum EngineKind: String, Sendable, Hashable, CaseIterable {
  case onnxRuntime = "onnxruntime"
  case openVINO = "openvino"

  /// As users know it.
  public var name: String {
    switch self {
    case .onnxRuntime: LibraryDescription.onnxRuntime.name
    case .openVINO: LibraryDescription.openVINO.name
    }
  }
}

/// A model loaded into an engine, so that engines can be run and timed alike.
///
/// Runs may overlap: an implementation is safe to use from several threads at once.
public protocol InferenceSession: AnyObject, Sendable {
  var engineKind: EngineKind { get }
  /// Version of the engine, such as `1.31.1`.
  var engineVersion: String { get }
  /// Name, element type and shape; dynamic sizes are symbolic or unknown.
  var inputs: [ValueInfo] { get }
  var outputs: [ValueInfo] { get }
  /// Threads that one run uses.
  var threads: Int { get }
  /// Time the engine took to load and optimize the model.
  var loadTime: Duration { get }

  /// Runs the model once.
  ///
  /// - Parameters:
  ///   - feeds: an array per input name.
  ///   - fetch: output names; nil fetches every output.
  /// - Returns: an array per fetched name.
  /// - Throws: `engineFailure` with the engine's message; `invalidArgument` for an unknown input or output.
  func run(_ feeds: [String: HostArray], fetch: [String]?) throws(ScopeError) -> [String: HostArray]
}

extension InferenceSession {
  /// - Throws: `invalidArgument` for names that are not inputs or outputs of the model.
  func checkNames(feeds: Dictionary<String, HostArray>.Keys, fetch: [String]) throws(ScopeError) {
    for name in fetch where !outputs.contains(where: { $0.name == name }) {
      throw ScopeError(
        .invalidArgument, "the model has no output '\(name)'",
        expected: outputs.map(\.name).joined(separator: ", "))
    }
    for name in feeds where !inputs.contains(where: { $0.name == name }) {
      throw ScopeError(
        .invalidArgument, "the model has no input '\(name)'",
        expected: inputs.map(\.name).joined(separator: ", "))
    }
  }
}
