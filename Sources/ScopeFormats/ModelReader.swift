import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Reads a model file of any supported format, recognised by content.
public enum ModelReader {
  /// Maps the file and reads its structure; weights stay in the file.
  ///
  ///
  /// A folder, or the `config.json` in it, stands for the model that ``HuggingFaceFolder`` finds there.
  ///
  /// - Parameter inputShapes: shapes of the inputs of a program that does not tell them (TorchScript), in order; what
  ///   the format tells itself is not replaced.
  /// - Throws: any `ScopeError` of the reading; its `file` is `path` (or the shard or external file concerned).
  public static func read(path given: String, inputShapes: [Shape] = []) throws(ScopeError) -> ModelFile {
    var (path, folder, note) = (given, String?.none, String?.none)
    if HuggingFaceFolder.isFolder(given) {
      folder = given
      while let name = folder, name.count > 1, name.hasSuffix("/") { folder?.removeLast() }
    } else if given.split(separator: "/").last == HuggingFaceConfiguration.fileName[...] {
      folder = directory(of: given)
    }
    if let folder { (path, note) = try HuggingFaceFolder.locate(in: folder) }
    do throws(ScopeError) {
      let bytes = try ByteSlice(mappingFile: path)
      var file = try read(bytes, path: path, inputShapes: inputShapes)
      file.folder = folder
      let (configuration, problem) = HuggingFaceFolder.configuration(beside: directory(of: path))
      file.configuration = configuration
      file.notes += [note, problem].compactMap { $0 }
      return file
    } catch {
      throw error.inFile(path)
    }
  }

  /// The same for bytes that are already there; `path` tells the folder of shards and external data.
  public static func read(
    _ bytes: ByteSlice, path: String, inputShapes: [Shape] = []
  ) throws(ScopeError) -> ModelFile {
    let folder = directory(of: path)
    func file(_ format: ModelFormat, _ content: ModelContent, extra: Int = 0) -> ModelFile {
      ModelFile(path: path, format: format, content: content, byteCount: bytes.count + extra, bytes: bytes)
    }
    switch FileKind.sniff(bytes) {
    case .empty:
      throw ScopeError(
        .truncated, "the file is empty", place: "byte 0", expected: expectation,
        remedy: "Fetch the file again")
    case .onnx:
      var parser = ONNXParser(directory: folder)
      let model = try parser.model(bytes)
      let external = parser.externalFiles.values.reduce(0) { $0 + $1.count }
      return file(.onnx, .graph(model), extra: external)
    case .safetensors: return file(.safetensors, .weights(try SafetensorsReader.read(bytes)))
    case .pyTorchLegacy: return file(.pyTorchLegacy, .weights(try PyTorchReader.readLegacy(bytes)))
    case .pickle: return file(.pickle, .weights(try PyTorchReader.readPickle(bytes)))
    case .zip: return try archive(bytes, inputShapes, file)
    case .gguf: return file(.gguf, .description(try GGUFReader.read(bytes)))
    case .tensorFlowLite: return file(.tensorFlowLite, .description(try TFLiteReader.read(bytes)))
    case .hdf5: return file(.kerasHDF5, .description(try KerasReader.read(hdf5: bytes)))
    case .json:
      guard bytes.count <= ShardedReader.indexLimit else {
        throw ScopeError(
          .unsupported, "this is a large JSON document, not a model", remedy: "Give the model file itself")
      }
      let sharded = try ShardedReader.read(try JSONValue.parse(bytes), directory: folder)
      return file(sharded.format, .weights(sharded.weights), extra: sharded.byteCount)
    case .foreign(let name, let remedy):
      throw ScopeError(
        .unsupported, "this is \(name)", place: "byte 0", expected: expectation, remedy: remedy)
    case .unknown:
      let head = bytes.prefix(8).array.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(
        separator: " ")
      throw ScopeError(
        .malformed, "the file is of no known model format", place: "byte 0", expected: expectation,
        found: "bytes \(head)", remedy: "The file is damaged or no model; check where it comes from")
    }
  }

  static let expectation = "ONNX, a PyTorch checkpoint, safetensors, GGUF, TensorFlow Lite or Keras"

  private static func archive(
    _ bytes: ByteSlice, _ inputShapes: [Shape], _ file: (ModelFormat, ModelContent, Int) -> ModelFile
  ) throws(ScopeError) -> ModelFile {
    let archive = try ZipArchive(bytes)
    let names = archive.members.map(\.name)
    if !names.isEmpty, names.allSatisfy({ $0.hasSuffix(".npy") }) {
      throw ScopeError(
        .unsupported, "this is a NumPy archive (.npz) of \(names.count) arrays, not a model",
        expected: expectation,
        found: names.prefix(3).joined(separator: ", "),
        remedy: "Give it as --data, and a model file as the model")
    }
    if KerasReader.isKeras(archive) { return file(.keras, .description(try KerasReader.read(archive)), 0) }
    if ExportArchive.isExported(archive) {
      let (weights, program) = try ExportReader.read(archive)
      return file(.torchExport, .program(weights, program), 0)
    }
    let contents = try PyTorchReader.readArchive(
      archive, converter: TorchScriptConverter(inputShapes: inputShapes))
    guard contents.isTorchScript else { return file(.pyTorchZip, .weights(contents.weights), 0) }
    return file(
      .torchScript, contents.program.map { .program(contents.weights, $0) } ?? .weights(contents.weights), 0)
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
