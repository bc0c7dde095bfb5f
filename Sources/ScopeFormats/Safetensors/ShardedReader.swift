import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Reads weights that are spread over several files by an index (`model.safetensors.index.json`,
/// `pytorch_model.bin.index.json`): `{"metadata": {...}, "weight_map": {"name": "file"}}`.
public enum ShardedReader {
  private static let shardLimit = 10_000
  static let indexLimit = 1 << 27

  /// - Returns: the weights, the shards' total size in bytes, and the format of the shards.
  /// - Throws: `malformed` when the index is none, names a file outside `directory`, or disagrees with a shard;
  ///   what the shards' readers throw.
  static func read(
    _ index: JSONValue, directory: String
  ) throws(ScopeError) -> (weights: StateDict, byteCount: Int, format: ModelFormat) {
    guard case .object(let map)? = index["weight_map"], !map.isEmpty else {
      throw ScopeError(
        .unsupported, "this JSON document is no index of weights",
        expected: "a \"weight_map\" from names to files",
        remedy: "Give the model file itself")
    }
    var shards: OrderedDictionary<String, [String]> = [:]
    for (name, value) in map {
      guard case .string(let file) = value else {
        throw ScopeError(
          .malformed, "the file of a tensor is not text", place: "tensor \"\(name.prefix(200))\"")
      }
      shards[file, default: []].append(name)
    }
    guard shards.count <= shardLimit else {
      throw ScopeError(
        .limitExceeded, "the index names too many files", expected: "at most \(shardLimit)",
        found: "\(shards.count)")
    }
    for file in shards.keys { try checkPath(file) }
    try checkPresence(Array(shards.keys), in: directory)
    var result = StateDict(tensors: [:])
    var byteCount = 0
    var format = ModelFormat.safetensorsSharded
    for (file, names) in shards {
      let path = directory.isEmpty ? file : "\(directory)/\(file)"
      do throws(ScopeError) {
        let bytes = try ByteSlice(mappingFile: path)
        byteCount += bytes.count
        let shard: StateDict
        if SafetensorsReader.looksLikeSafetensors(bytes) {
          shard = try SafetensorsReader.read(bytes)
        } else if ZipArchive.looksLikeArchive(bytes) {
          shard = try PyTorchReader.readArchive(try ZipArchive(bytes)).weights
          format = .pyTorchSharded
        } else if PyTorchReader.looksLikeLegacy(bytes) {
          shard = try PyTorchReader.readLegacy(bytes)
          format = .pyTorchSharded
        } else {
          throw ScopeError(
            .malformed, "this file of a sharded model is neither safetensors nor PyTorch",
            remedy: "Fetch it again (git lfs pull when it is a pointer)")
        }
        try merge(shard, names, from: file, into: &result)
      } catch {
        throw error.inFile(path)
      }
    }
    // The index's order is the model's order.
    result.tensors.sort { (map.index(forKey: $0.key) ?? 0) < (map.index(forKey: $1.key) ?? 0) }
    if case .object(let metadata)? = index["metadata"] {
      for (key, value) in metadata {
        switch value {
        case .string(let text): result.metadata[key] = text
        case .integer(let number): result.metadata[key] = "\(number)"
        case .number(let number): result.metadata[key] = "\(number)"
        default: break
        }
      }
    }
    return (result, byteCount, format)
  }

  private static func merge(
    _ shard: StateDict, _ names: [String], from file: String, into result: inout StateDict
  ) throws(ScopeError) {
    for name in names {
      guard let tensor = shard.tensors[name] else {
        throw ScopeError(
          .malformed, "a tensor that the index puts into this file is not there",
          place: "tensor \"\(name.prefix(200))\"",
          remedy: "Index and shards do not belong together; fetch both again")
      }
      result.tensors[name] = tensor
      if let first = shard.sharedWith[name] { result.sharedWith[name] = first }
    }
    let expected = Set(names)
    for name in shard.tensors.keys where !expected.contains(name) && result.otherEntries.count < 100 {
      result.otherEntries.append("\(name.prefix(80)) (in \(file), not in the index)")
    }
    if result.metadata.isEmpty { result.metadata = shard.metadata }
  }

  /// - Throws: `notFound` naming the shards that are not there.
  private static func checkPresence(_ files: [String], in directory: String) throws(ScopeError) {
    let missing = files.filter { !HuggingFaceFolder.exists(directory.isEmpty ? $0 : "\(directory)/\($0)") }
    guard let first = missing.first else { return }
    throw ScopeError(
      .notFound, "\(missing.count) of the \(files.count) shards that the index names are missing",
      file: directory.isEmpty ? first : "\(directory)/\(first)",
      found: "missing: " + missing.prefix(3).map { String($0.prefix(80)) }.joined(separator: ", ")
        + (missing.count > 3 ? " and \(missing.count - 3) more" : ""),
      remedy: "Fetch the missing shards into the folder of the index")
  }

  /// - Throws: `malformed` when the path is absolute or leaves the folder of the index.
  private static func checkPath(_ file: String) throws(ScopeError) {
    let parts = file.split(separator: "/", omittingEmptySubsequences: false)
    guard !file.isEmpty, file.utf8.count <= 1024, !file.hasPrefix("/"), !parts.contains(".."),
      !file.contains("\\"),
      !file.unicodeScalars.contains(where: { $0.value < 0x20 })
    else {
      throw ScopeError(
        .malformed, "the index names a file outside its folder", place: "weight_map",
        expected: "a file beside the index",
        found: String(file.prefix(200)), remedy: "Do not trust this model; fetch it from its author")
    }
  }
}
