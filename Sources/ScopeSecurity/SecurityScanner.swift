import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Scans model files without executing, importing or resolving anything in them.
///
/// The verdict depends on the bytes (and, for ONNX external data, on the files beside the model) alone: not on
/// the machine, the network or installed packages.
public struct SecurityScanner: Sendable {
  public var limits: ScanLimits

  public init(limits: ScanLimits = ScanLimits()) { self.limits = limits }

  /// Scans a file, or every file below a folder that is or claims to be a model.
  ///
  /// - Returns: one verdict per file, by path. For a folder, ordinary text files are left out, and one verdict speaks
  ///   of its signature.
  /// - Throws: `notFound`, `unreadable`; `invalidData` for a folder without model files.
  public func scan(path: String) throws(ScopeError) -> [FileVerdict] {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw ScopeError(
        errno == ENOENT ? .notFound : .unreadable,
        errno == ENOENT ? "no such file" : "the file cannot be examined", file: path)
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { return [try scan(file: path)] }
    var walk = FolderWalk(limits: limits)
    walk.visit(path, depth: 0)
    var verdicts: [FileVerdict] = walk.problems.map { path, problem in
      FileVerdict(
        path: path, format: "folder", findings: [FMT001.unreadable(problem)],
        unexamined: [problem.description])
    }
    for file in walk.files {
      do throws(ScopeError) {
        let verdict = try scan(file: file)
        let isIncidental =
          ["text", "empty", "unknown"].contains(verdict.format) && !FolderWalk.claimsToBeModel(file)
        if !isIncidental || verdict.verdict == .unsafe { verdicts.append(verdict) }
      } catch {
        verdicts.append(
          FileVerdict(
            path: file, format: "unknown", findings: [FMT001.unreadable(error)],
            unexamined: [error.description]))
      }
    }
    guard !verdicts.isEmpty else {
      throw ScopeError(
        .invalidData, "the folder holds no model files", file: path, remedy: "Give the path of a model file")
    }
    if let signature = try signatureVerdict(path: path) { verdicts.append(signature) }
    return verdicts.sorted { $0.path < $1.path }
  }

  /// Scans one file.
  ///
  /// - Throws: `notFound`, `unreadable`. What is wrong inside the file is in the verdict.
  public func scan(file path: String) throws(ScopeError) -> FileVerdict {
    let bytes = try ByteSlice(mappingFile: path)
    let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    return scan(bytes, path: path, directory: directory.isEmpty ? "/" : directory)
  }

  /// Scans bytes that are already at hand.
  ///
  /// - Parameters:
  ///   - path: what the verdict calls them; its extension is compared with the content.
  ///   - directory: where external data of an ONNX model would lie; nil to leave the file system alone.
  public func scan(_ bytes: ByteSlice, path: String, directory: String? = nil) -> FileVerdict {
    var scan = FileScan(path: path, directory: directory, limits: limits)
    let format = scan.scan(bytes, member: nil, depth: 0)
    let unpickled = ["pickle", "pytorch-zip", "pytorch-legacy", "pytorch-tar", "torchscript"]
    if unpickled.contains(format), let finding = ARC008.check(path: path, content: format) {
      scan.add(finding)
    }
    return FileVerdict(path: path, format: format, findings: scan.findings, unexamined: scan.unexamined)
  }
}
