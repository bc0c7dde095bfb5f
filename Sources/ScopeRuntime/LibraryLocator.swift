import FoundationEssentials
import ScopeBytes

/// A shared library that is loaded while the program runs: what it is called and where it may lie.
public struct LibraryDescription: Sendable, Hashable {
  /// As users know it: `ONNX Runtime`.
  public var name: String
  /// File names, best first; each also with a version after it (`libonnxruntime.so`, `libonnxruntime.so.1.31.1`).
  public var fileNames: [String]
  /// Names a file, or a folder that holds one.
  public var environmentVariable: String
  /// The command line's option for the same, where there is one.
  public var option: String?
  /// The library's folder below a Python's `site-packages`: `onnxruntime/capi`.
  public var packageFolder: String
  /// `.runtime/PREFIX*/lib` in a folder above the executable.
  public var runtimePrefix: String
  /// Names for the system's library search, after everything else.
  public var systemNames: [String]
  /// How to get it, one clause: "run scripts/bootstrap".
  public var installation: String

  public init(
    name: String, fileNames: [String], environmentVariable: String, option: String? = nil,
    packageFolder: String, runtimePrefix: String, systemNames: [String], installation: String
  ) {
    self.name = name
    self.fileNames = fileNames
    self.environmentVariable = environmentVariable
    self.option = option
    self.packageFolder = packageFolder
    self.runtimePrefix = runtimePrefix
    self.systemNames = systemNames
    self.installation = installation
  }

  public static let onnxRuntime = LibraryDescription(
    name: "ONNX Runtime", fileNames: ["libonnxruntime.so", "libonnxruntime.dylib"],
    environmentVariable: "NEURAL_SCOPE_ONNXRUNTIME", option: "--onnxruntime",
    packageFolder: "onnxruntime/capi", runtimePrefix: "onnxruntime",
    systemNames: ["libonnxruntime.so.1", "libonnxruntime.so"],
    installation: "run scripts/bootstrap, or `pip install onnxruntime`")

  public static let openVINO = LibraryDescription(
    name: "OpenVINO", fileNames: ["libopenvino_c.so", "libopenvino_c.dylib"],
    environmentVariable: "NEURAL_SCOPE_OPENVINO", option: "--openvino",
    packageFolder: "openvino/libs", runtimePrefix: "openvino", systemNames: ["libopenvino_c.so"],
    installation: "run scripts/bootstrap --openvino, or `pip install openvino`")

  /// OpenBLAS with 32-bit indices, as the PyPI wheel `scipy-openblas32` brings it.
  public static let openBLAS = LibraryDescription(
    name: "OpenBLAS", fileNames: ["libscipy_openblas.so", "libopenblas.so"],
    environmentVariable: "NEURAL_SCOPE_OPENBLAS", packageFolder: "scipy_openblas32/lib",
    runtimePrefix: "openblas", systemNames: ["libopenblas.so.0", "libopenblas.so"],
    installation: "run scripts/bootstrap, or `pip install scipy-openblas32`")

  /// What a user can do who wants another file than the one that failed.
  package var remedy: String {
    let places = [option.map { "\($0) PATH" }, environmentVariable].compactMap { $0 }
    return "name the library with \(places.joined(separator: " or "))"
  }
}

/// Where a library is looked for, in order: the explicit path or the environment variable; the project's runtime folder
/// (found from the executable, never from the working directory, which may hold hostile downloads); the user's Python
/// environments; the system's library path.
public struct LibraryLocator: Sendable {
  public struct Candidate: Sendable, Hashable {
    public var path: String
    /// Named by the user: a failure is an error, not a reason to look elsewhere.
    public var isExplicit: Bool
  }

  private let environment: [String: String]
  private let executable: String?

  public init() {
    self.init(
      environment: ProcessInfo.processInfo.environment,
      executable: try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
  }

  package init(environment: [String: String], executable: String?) {
    self.environment = environment
    self.executable = executable
  }

  /// The first candidate that `open` accepts.
  ///
  /// - Parameter open: loads the library at a path; throws where it is not the one wanted.
  /// - Throws: `open`'s error for a path that the user named; else `engineUnavailable` naming the places tried.
  public func load<Library>(
    _ library: LibraryDescription, explicit: String? = nil, open: (String) throws(ScopeError) -> Library
  ) throws(ScopeError) -> Library {
    var reasons: [String] = []
    for candidate in candidates(for: library, explicit: explicit) {
      do throws(ScopeError) { return try open(candidate.path) } catch {
        if candidate.isExplicit { throw error }
        reasons.append(error.description)
      }
    }
    let remedy = library.installation + ", or " + library.remedy
    throw ScopeError(
      .engineUnavailable, "\(library.name) was not found",
      found: reasons.isEmpty ? "no library in the known places" : reasons.joined(separator: "; "),
      remedy: remedy.prefix(1).uppercased() + remedy.dropFirst())
  }

  /// The files to try, in order; a name without a folder is for the system to find.
  public func candidates(for library: LibraryDescription, explicit: String? = nil) -> [Candidate] {
    if let named = explicit ?? environment[library.environmentVariable], !named.isEmpty {
      let package = library.packageFolder
      let inner = package.lastIndex(of: "/").map { String(package[package.index(after: $0)...]) } ?? package
      let inside = ["", "/lib", "/\(inner)", "/\(package)"].flatMap { files(of: library, in: named + $0) }
      return [Candidate(path: inside.first ?? named, isExplicit: true)]
    }
    let prefixes = pythonPrefixes()
    let packages = prefixes.flatMap(Self.packageFolders).flatMap {
      files(of: library, in: "\($0)/\(library.packageFolder)")
    }
    var seen = Set<String>()
    return (projectFiles(of: library) + packages + library.systemNames)
      .filter { seen.insert($0).inserted }
      .map { Candidate(path: $0, isExplicit: false) }
  }

  /// `.runtime/PREFIX*/lib` in the nearest folder above the executable that has one.
  private func projectFiles(of library: LibraryDescription) -> [String] {
    var folder = executable ?? ""
    while let slash = folder.lastIndex(of: "/") {
      folder = String(folder[..<slash])
      let runtime = "\(folder)/.runtime"
      let found = Self.contents(runtime).filter { $0.hasPrefix(library.runtimePrefix) }.sorted(by: >)
        .flatMap { files(of: library, in: "\(runtime)/\($0)/lib") }
      if !found.isEmpty { return found }
    }
    return []
  }

  /// The active environments, the Pythons on the path, the user's own packages. Relative ones are left out: they mean
  /// the working directory.
  private func pythonPrefixes() -> [String] {
    var prefixes = ["VIRTUAL_ENV", "CONDA_PREFIX"].compactMap { environment[$0] }
    for folder in (environment["PATH"] ?? "").split(separator: ":") where folder.hasSuffix("/bin") {
      // A Python's prefix is the parent of the folder its executable lies in.
      if FileManager.default.isExecutableFile(atPath: "\(folder)/python3") {
        prefixes.append(String(folder.dropLast(4)))
      }
    }
    if let home = environment["HOME"], home.count > 1 { prefixes.append("\(home)/.local") }
    return prefixes.filter { $0.hasPrefix("/") || $0.isEmpty }
  }

  /// `lib/python3*/site-packages`; Debian's own Pythons say `dist-packages`.
  private static func packageFolders(of prefix: String) -> [String] {
    ["lib", "lib64"].flatMap { lib in
      contents("\(prefix)/\(lib)").filter { $0.hasPrefix("python3") }.sorted(by: >).flatMap {
        ["\(prefix)/\(lib)/\($0)/site-packages", "\(prefix)/\(lib)/\($0)/dist-packages"]
      }
    }
  }

  /// The library's files in a folder: in the order of their names, the highest version first.
  private func files(of library: LibraryDescription, in folder: String) -> [String] {
    let names = Self.contents(folder).sorted(by: >)
    return library.fileNames.flatMap { name in
      names.filter { $0 == name || $0.hasPrefix("\(name).") }.map { "\(folder)/\($0)" }
    }
  }

  /// Names in a folder; an unreadable or absent one has none, as it is only a place to look.
  private static func contents(_ folder: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  }
}
