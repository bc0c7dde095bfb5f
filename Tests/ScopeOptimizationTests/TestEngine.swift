import Foundation
import ScopeRuntime

/// ONNX Runtime for the tests that compute.
enum TestEngine {
  static let engine = try? Engine.load()
  static var isAvailable: Bool { engine != nil }
  static let reason = "needs ONNX Runtime (run scripts/bootstrap, or set NEURAL_SCOPE_ONNXRUNTIME)"
}
