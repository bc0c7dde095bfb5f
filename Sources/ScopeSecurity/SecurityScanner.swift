import Dispatch
import ScopeBytes
import Synchronization

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

  /// Scans a file, or every file below a folder that is or claims to be a model or that loading it would run.
  ///
  /// - Parameter jobs: files scanned at the same time; 0 for one per processor, at most 8. The result does not depend
  ///   on it.
  /// - Returns: one verdict per file, by path. For a folder, ordinary text files are left out, and one verdict speaks
  ///   of its signature.
  /// - Throws: `notFound`, `unreadable`; `invalidData` for a folder without model files.
  public func scan(path: String, jobs: Int = 0) throws(ScopeError) -> [FileVerdict] {
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
    let files = walk.files
    let scanned = Mutex<[FileVerdict?]>(Array(repeating: nil, count: files.count))
    let next = Atomic<Int>(0)
    let threads = min(
      jobs > 0 ? jobs : min(8, max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))), files.count)
    DispatchQueue.concurrentPerform(iterations: threads) { _ in
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < files.count else { return }
        let verdict = verdict(onFile: files[index])
        scanned.withLock { $0[index] = verdict }
      }
    }
    for (file, verdict) in zip(files, scanned.withLock { $0 }) {
      guard var verdict else { continue }
      if let target = walk.escapes[file] {
        let finding = ARC004.finding(
          "the link leads to \(PickleAnalysis.printable(target)), outside the folder", severity: .medium)
        verdict = FileVerdict(
          path: verdict.path, format: verdict.format, findings: verdict.findings + [finding],
          unexamined: verdict.unexamined)
      }
      let isOther =
        verdict.format == "text" ? verdict.verdict == .safe : ["empty", "unknown"].contains(verdict.format)
      let isIncidental = isOther && !FolderWalk.claimsToBeModel(file)
      if !isIncidental || verdict.verdict == .unsafe
        || verdict.findings.contains(where: { $0.rule == REP001.description.id })
      {
        verdicts.append(verdict)
      }
    }
    guard !verdicts.isEmpty else {
      throw ScopeError(
        .invalidData, "the folder holds no model files", file: path, remedy: "Give the path of a model file")
    }
    if let signature = try signatureVerdict(path: path) { verdicts.append(signature) }
    return verdicts.sorted { $0.path < $1.path }
  }

  /// The verdict on a file of a folder, where one that cannot be read is no reason to stop.
  private func verdict(onFile path: String) -> FileVerdict {
    do throws(ScopeError) { return try scan(file: path) } catch {
      return FileVerdict(
        path: path, format: "unknown", findings: [FMT001.unreadable(error)], unexamined: [error.description])
    }
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
    if limits.readsWeights { scan.scanWeights(bytes, format: format) }
    let unpickled = ["pickle", "pytorch-zip", "pytorch-legacy", "pytorch-tar", "torchscript"]
    if unpickled.contains(format), let finding = ARC008.check(path: path, content: format) {
      scan.add(finding)
    }
    return FileVerdict(path: path, format: format, findings: scan.findings, unexamined: scan.unexamined)
  }
}
