import COpenVINO
import ScopeBytes

/// How an OpenVINO session is made.
public struct OpenVINOOptions: Sendable, Hashable {
  /// Threads inside an operator; 0 takes every core. OpenVINO may take fewer: see ``OpenVINOSession/threads``.
  public var threads = 0
  /// Shapes to compile for, by input; a dynamic input that is not named stays dynamic.
  public var shapes: [String: [Int]] = [:]
  /// Further properties of the CPU plugin, which win over the ones that are always set.
  public var configuration: [String: String] = [:]

  public init(threads: Int = 0, shapes: [String: [Int]] = [:], configuration: [String: String] = [:]) {
    self.threads = threads
    self.shapes = shapes
    self.configuration = configuration
  }

  /// Keys and values, sorted by key.
  ///
  /// One stream for the latency of one request. Float operators compute in float32: left to itself the plugin takes
  /// bfloat16 on processors that have it, and rounds activations of weight-only INT8 and INT4 layers to 8 bits, either
  /// of which would compare another model. No pinning: it would bind threads of this process, the caller's among them,
  /// to processors, and with them what is timed beside it.
  package var properties: [(key: String, value: String)] {
    var values = [
      "PERFORMANCE_HINT": "LATENCY",
      "NUM_STREAMS": "1",
      "INFERENCE_NUM_THREADS": "\(threads > 0 ? threads : Machine.coreCount)",
      "INFERENCE_PRECISION_HINT": "f32",
      "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",
      "ENABLE_CPU_PINNING": "NO",
    ]
    values.merge(configuration) { _, own in own }
    return values.sorted { $0.key < $1.key }
  }
}
