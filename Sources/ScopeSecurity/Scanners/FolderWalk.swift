import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Collects the files below a folder, bounded in depth and number; symbolic links to folders are not followed.
struct FolderWalk {
  let limits: ScanLimits
  private(set) var files: [String] = []
  /// Links whose target lies outside the folder.
  private(set) var escapes: [String: String] = [:]
  private var root = ""
  private(set) var problems: [(String, ScopeError)] = []

  init(limits: ScanLimits) { self.limits = limits }

  mutating func visit(_ folder: String, depth: Int) {
    if depth == 0 { root = ExternalLocation.realPath(folder) ?? folder }
    guard depth <= limits.folderDepth else {
      problems.append(
        (
          folder,
          ScopeError(
            .limitExceeded, "folders are nested too deeply", file: folder,
            expected: "at most \(limits.folderDepth) levels")
        ))
      return
    }
    guard let handle = opendir(folder) else {
      problems.append(
        (
          folder,
          ScopeError(.unreadable, "the folder cannot be opened: \(systemMessage(errno))", file: folder)
        ))
      return
    }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != "..", name != ".git" { names.append(name) }
    }
    closedir(handle)
    for name in names.sorted() {
      let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
      var status = stat()
      guard lstat(path, &status) == 0 else { continue }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: visit(path, depth: depth + 1)
      case S_IFREG: add(path)
      case S_IFLNK:
        // Hugging Face caches link every file into a store: links to files are files.
        noteEscape(path)
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG { add(path) }
      default: break
      }
    }
  }

  /// A link out of the folder, unless it leads to the store that Hugging Face's cache keeps beside its snapshots.
  private mutating func noteEscape(_ path: String) {
    guard escapes.count < 1000, let real = ExternalLocation.realPath(path),
      !real.hasPrefix(root == "/" ? "/" : root + "/"), real != root
    else { return }
    let snapshots = root.firstRange(of: "/snapshots").map { root[..<$0.lowerBound] }
    if let snapshots, real.hasPrefix("\(snapshots)/blobs/") { return }
    escapes[path] = real
  }

  private mutating func add(_ path: String) {
    guard files.count < limits.files else {
      if files.count == limits.files, problems.last?.1.code != .limitExceeded {
        problems.append(
          (
            path,
            ScopeError(
              .limitExceeded, "the folder has too many files", file: path, expected: "at most \(limits.files)"
            )
          ))
      }
      return
    }
    files.append(path)
  }

  private static let modelExtensions: Set<String> = [
    "pt", "pth", "th", "bin", "ckpt", "pkl", "pickle", "joblib", "npy", "npz", "onnx", "safetensors", "h5",
    "hdf5", "keras", "pb", "tflite",
    "gguf", "ggml", "mar", "nemo", "model", "pt2", "pte", "skops", "dill", "zip", "tar", "7z",
  ]

  /// Whether the extension is one of model files.
  static func claimsToBeModel(_ path: String) -> Bool {
    guard let dot = path.lastIndex(of: ".") else { return false }
    return modelExtensions.contains(path[path.index(after: dot)...].lowercased())
  }
}
