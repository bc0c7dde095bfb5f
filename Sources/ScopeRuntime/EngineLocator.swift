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
    var paths = projectLibraries()
    for key in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
      if let prefix = environment[key] { paths += pythonLibraries(prefix: prefix) }
    }
    for folder in (environment["PATH"] ?? "").split(separator: ":") {
      // A Python's prefix is the parent of the folder its executable lies in.
      guard FileManager.default.isExecutableFile(atPath: "\(folder)/python3") else { continue }
      if folder.hasSuffix("/bin") { paths += pythonLibraries(prefix: String(folder.dropLast(4))) }
    }
    paths += ["libonnxruntime.so.1", "libonnxruntime.so"]
    return paths.map { Candidate(path: $0, isExplicit: false) }
  }

  /// `.runtime/onnxruntime*/lib` in a folder above the executable.
  private static func projectLibraries() -> [String] {
    guard let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
      return []
    }
    var folder = executable
    var found: [String] = []
    while let slash = folder.lastIndex(of: "/") {
      folder = String(folder[..<slash])
      let runtime = "\(folder)/.runtime"
      for name in contents(runtime).sorted(by: >) where name.hasPrefix("onnxruntime") {
        found += libraries(in: "\(runtime)/\(name)/lib")
      }
      if !found.isEmpty || folder.isEmpty { break }
    }
    return found
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
