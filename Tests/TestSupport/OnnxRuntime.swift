import Foundation

/// Where tests find ONNX Runtime: what `scripts/bootstrap` put under the repository, unless the environment names another.
public enum OnnxRuntimeLibrary {
  public static let path: String? = {
    if let named = ProcessInfo.processInfo.environment["NEURAL_SCOPE_ONNXRUNTIME"] { return named }
    let runtime = SharedData.repository.appending(path: ".runtime")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: runtime.path())) ?? []
    return names.filter { $0.hasPrefix("onnxruntime") }.sorted().last.map {
      runtime.appending(path: $0).path()
    }
  }()

  public static let reason = "needs ONNX Runtime: run scripts/bootstrap or set NEURAL_SCOPE_ONNXRUNTIME"
  public static var isPresent: Bool { path != nil }
}
