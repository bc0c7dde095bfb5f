import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A folder as Hugging Face repositories are laid out: weights, perhaps in shards, beside a `config.json`.
public enum HuggingFaceFolder {
  /// The names that are looked for, in this order; the first that exists is the model. Single files come before
  /// indices and safetensors before pickles, as in transformers' `from_pretrained`.
  static let candidates = [
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
    "model.onnx", "onnx/model.onnx", "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.safetensors.index.json", "diffusion_pytorch_model.bin",
    "adapter_model.safetensors", "adapter_model.bin",
  ]

  /// Extensions of a model file in a folder that has none of ``candidates`` and only one such file.
  private static let extensions = [
    "safetensors", "onnx", "gguf", "pt", "pth", "pt2", "bin", "ckpt", "tflite", "keras", "h5",
  ]
  /// Files of a folder that are looked at.
  private static let entryLimit = 100_000

  /// Whether a folder lies at `path`.
  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The model file of a folder and, where several could be meant, which were passed over.
  ///
  /// - Throws: `unreadable` naming what is there when no file is the model or several are.
  static func locate(in folder: String) throws(ScopeError) -> (path: String, note: String?) {
    let found = candidates.filter { exists("\(folder)/\($0)") }
    if let first = found.first {
      let others = found.dropFirst().joined(separator: ", ")
      return (
        "\(folder)/\(first)",
        others.isEmpty
          ? nil : "the folder also holds \(others); \(first) was taken, as transformers does"
      )
    }
    let entries = try names(in: folder)
    let models = entries.filter { name in
      extensions.contains { name.hasSuffix("." + $0) } && !isFolder("\(folder)/\(name)")
    }.sorted()
    if models.count == 1 { return ("\(folder)/\(models[0])", nil) }
    let listed = models.prefix(5).joined(separator: ", ")
    if let shard = models.first(where: { ShardName($0) != nil }), let name = ShardName(shard) {
      throw ScopeError(
        .unreadable, "the folder holds shards but not their index", file: folder,
        expected: name.indexName, found: listed, remedy: "Fetch \(name.indexName) as well")
    }
    throw ScopeError(
      .unreadable,
      models.isEmpty ? "this folder holds no model" : "this folder holds several models", file: folder,
      expected: models.isEmpty ? candidates.prefix(5).joined(separator: ", ") : "one model",
      found: models.isEmpty ? nil : listed + (models.count > 5 ? " and \(models.count - 5) more" : ""),
      remedy: "Give the path of the model file")
  }

  static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  /// - Throws: `unreadable`, `limitExceeded`.
  private static func names(in folder: String) throws(ScopeError) -> [String] {
    guard let stream = unsafe opendir(folder) else {
      throw ScopeError(
        .unreadable, "the folder cannot be listed: \(systemMessage(errno))", file: folder,
        remedy: "Give the path of the model file")
    }
    defer { unsafe _ = closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      guard names.count < entryLimit else {
        throw ScopeError(
          .limitExceeded, "the folder holds too many files", file: folder, expected: "at most \(entryLimit)",
          remedy: "Give the path of the model file")
      }
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }

  /// The configuration beside a model file (or one folder up, for `onnx/model.onnx`), and what is wrong with it.
  static func configuration(
    beside folder: String
  ) -> (configuration: HuggingFaceConfiguration?, problem: String?) {
    var paths = ["\(folder)/\(HuggingFaceConfiguration.fileName)"]
    if folder.hasSuffix("/onnx") {
      paths.append(String(folder.dropLast(4)) + HuggingFaceConfiguration.fileName)
    }
    guard let path = paths.first(where: exists) else { return (nil, nil) }
    do throws(ScopeError) {
      return (try HuggingFaceConfiguration(try ByteSlice(mappingFile: path)), nil)
    } catch {
      // Other tools call their files config.json too.
      if error.code == .unsupported { return (nil, nil) }
      return (nil, "the configuration beside the model cannot be used: \(error.inFile(path).description)")
    }
  }
}

/// The name of one file of several: `model-00002-of-00007.safetensors`.
public struct ShardName: Sendable, Hashable {
  public var number: Int
  public var count: Int
  /// `model.safetensors.index.json`.
  public var indexName: String

  public init?(_ file: String) {
    guard let dot = file.lastIndex(of: ".") else { return nil }
    let parts = file[..<dot].split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[parts.count - 2] == "of", let number = Int(parts[parts.count - 3]),
      let count = Int(parts[parts.count - 1]), number >= 1, number <= count
    else { return nil }
    self.number = number
    self.count = count
    indexName = parts.dropLast(3).joined(separator: "-") + file[dot...] + ".index.json"
  }
}
