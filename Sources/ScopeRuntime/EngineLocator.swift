import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Where ONNX Runtime is looked for, in order: the explicit path or `NEURAL_SCOPE_ONNXRUNTIME`, the project's runtime
/// folder (found from the executable, never from the working directory, which may hold hostile downloads), the user's
/// Python environments, the system's library path.
enum EngineLocator {
  struct Candidate {
    let path: String
    /// Named by the user: a failure is an error, not a reason to look elsewhere.
    let isExplicit: Bool
  }

  static func candidates(explicit: String?) -> [Candidate] {
    let environment = ProcessInfo.processInfo.environment
    if let named = explicit ?? environment["NEURAL_SCOPE_ONNXRUNTIME"], !named.isEmpty {
      let inside = libraries(in: named) + libraries(in: named + "/lib")
      return [Candidate(path: inside.first ?? named, isExplicit: true)]
    }
    var paths = projectFolders("onnxruntime").flatMap { libraries(in: $0) }
    paths += pythonPrefixes(environment).flatMap { pythonLibraries(prefix: $0) }
    paths += ["libonnxruntime.so.1", "libonnxruntime.so"]
    return paths.map { Candidate(path: $0, isExplicit: false) }
  }

  /// OpenBLAS: `NEURAL_SCOPE_OPENBLAS`, `.runtime/openblas*/lib`, PyPI's `scipy-openblas32`, the system's own.
  static func linearAlgebra(explicit: String?) -> [Candidate] {
    let environment = ProcessInfo.processInfo.environment
    if let named = explicit ?? environment["NEURAL_SCOPE_OPENBLAS"], !named.isEmpty {
      return [Candidate(path: named, isExplicit: true)]
    }
    var paths = projectFolders("openblas").map { "\($0)/libscipy_openblas.so" }
    for prefix in pythonPrefixes(environment) {
      paths += contents("\(prefix)/lib").filter { $0.hasPrefix("python3") }.sorted(by: >).map {
        "\(prefix)/lib/\($0)/site-packages/scipy_openblas32/lib/libscipy_openblas.so"
      }
    }
    paths = paths.filter { FileManager.default.fileExists(atPath: $0) }
    return (paths + ["libopenblas.so.0"]).map { Candidate(path: $0, isExplicit: false) }
  }

  /// `.runtime/PREFIX*/lib` in the nearest folder above the executable that has one, newest name first.
  private static func projectFolders(_ prefix: String) -> [String] {
    guard let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
      return []
    }
    var folder = executable
    while let slash = folder.lastIndex(of: "/") {
      folder = String(folder[..<slash])
      let runtime = "\(folder)/.runtime"
      let found = contents(runtime).filter { $0.hasPrefix(prefix) }.sorted(by: >)
      if !found.isEmpty { return found.map { "\(runtime)/\($0)/lib" } }
    }
    return []
  }

  private static func pythonPrefixes(_ environment: [String: String]) -> [String] {
    var prefixes = ["VIRTUAL_ENV", "CONDA_PREFIX"].compactMap { environment[$0] }
    for folder in (environment["PATH"] ?? "").split(separator: ":") {
      // A Python's prefix is the parent of the folder its executable lies in.
      guard FileManager.default.isExecutableFile(atPath: "\(folder)/python3") else { continue }
      if folder.hasSuffix("/bin") { prefixes.append(String(folder.dropLast(4))) }
    }
    return prefixes
  }

  private static func pythonLibraries(prefix: String) -> [String] {
    contents("\(prefix)/lib").filter { $0.hasPrefix("python3") }.sorted(by: >).flatMap {
      libraries(in: "\(prefix)/lib/\($0)/site-packages/onnxruntime/capi")
    }
  }

  private static func libraries(in folder: String) -> [String] {
    contents(folder).filter { $0.hasPrefix("libonnxruntime.so") || $0 == "libonnxruntime.dylib" }.sorted(
      by: >
    )
    .map { "\(folder)/\($0)" }
  }

  /// Names in a folder; an unreadable or absent one has none, as it is only a place to look.
  private static func contents(_ folder: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  }
}
