import ScopeBytes
import ScopeGraph

/// Reads weights from PyTorch files (zip and legacy format, TorchScript, plain pickles) without executing them.
public enum PyTorchReader {
  /// A zip archive as `torch.save` and `torch.jit.save` write it.
  ///
  /// - Returns: the weights, and whether the archive is TorchScript.
  /// - Throws: `malformed`, `truncated`, `limitExceeded` naming the tensor; `unsupported` for other archives,
  ///   big-endian files and files without tensors.
  public static func readArchive(_ archive: ZipArchive) throws(ScopeError) -> (
    weights: StateDict, isTorchScript: Bool
  ) {
    let file = try PyTorchArchive(archive)
    let run = PickleMachine.run(file.pickle)
    if let problem = run.problem { throw problem.at("member \"\(file.pickleName)\"") }
    do throws(ScopeError) {
      var collector = StateDictCollector(PyTorchTensorBuilder(run: run, source: file.storage))
      var weights = try collector.collect()
      if file.isTorchScript, let name = weights.moduleClass {
        weights.moduleClass = name.split(separator: ".").filter {
          $0 != "__torch__" && !$0.hasPrefix("___torch_mangle")
        }
        .joined(separator: ".")
      }
      return (weights, file.isTorchScript)
    } catch {
      throw error.at("member \"\(file.pickleName)\"")
    }
  }

  /// The legacy format of `torch.save` before 1.6.
  public static func readLegacy(_ bytes: ByteSlice) throws(ScopeError) -> StateDict {
    let file = try PyTorchLegacyFile(bytes)
    var collector = StateDictCollector(PyTorchTensorBuilder(run: file.run, source: file.storage))
    return try collector.collect()
  }

  /// A pickle that holds its arrays itself (NumPy arrays, or tensors pickled without `torch.save`).
  public static func readPickle(_ bytes: ByteSlice) throws(ScopeError) -> StateDict {
    let run = PickleMachine.run(bytes)
    if let problem = run.problem { throw problem }
    let builder = PyTorchTensorBuilder(run: run) { key throws(ScopeError) in
      throw ScopeError(
        .unsupported, "the tensor's numbers are not in this file", place: "storage \"\(key)\"",
        remedy: "This is the data.pkl of a PyTorch archive; give the whole archive")
    }
    var collector = StateDictCollector(builder)
    return try collector.collect()
  }

  /// Whether the bytes begin like a legacy PyTorch file.
  public static func looksLikeLegacy(_ bytes: ByteSlice) -> Bool { PyTorchLegacyFile.looksLikeLegacy(bytes) }

  static var bigEndian: ScopeError {
    ScopeError(
      .unsupported, "the file was written on a big-endian machine", expected: "little-endian numbers",
      remedy: "Load it with torch.load and save it again on a little-endian machine")
  }
}

/// The members of a `torch.save` archive: `NAME/data.pkl`, `NAME/data/KEY`, `NAME/byteorder` ...
final class PyTorchArchive {
  let archive: ZipArchive
  /// `archive/`, `resnet20/`; empty when the members lie at the top.
  let prefix: String
  let pickleName: String
  let pickle: ByteSlice
  let isTorchScript: Bool
  /// Storages that had to be decompressed, so that many views of one cost it once.
  private var inflated: [String: ByteSlice] = [:]
  private var inflatedBytes = 0
  private static let inflatedLimit = 1 << 32

  init(_ archive: ZipArchive) throws(ScopeError) {
    self.archive = archive
    let candidates = archive.members.filter { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") }
    guard let member = candidates.min(by: { $0.name.utf8.count < $1.name.utf8.count }) else {
      let names = archive.members.prefix(3).map { "\"\($0.name.prefix(60))\"" }.joined(separator: ", ")
      let exported = archive.members.contains {
        $0.name.hasSuffix("archive_format") || $0.name.hasSuffix("models/model.json")
      }
      throw ScopeError(
        .unsupported, exported ? "this is a torch.export archive" : "this archive is no PyTorch checkpoint",
        expected: "a member data.pkl", found: names.isEmpty ? "an empty archive" : names,
        remedy: exported
          ? "Export the model to ONNX (torch.onnx.export), or save its state_dict" : "Give a model file")
    }
    pickleName = member.name
    prefix = String(member.name.dropLast("data.pkl".count))
    pickle = try archive.contents(of: member, limit: 1 << 28)
    let prefix = prefix
    isTorchScript =
      archive.member(named: prefix + "constants.pkl") != nil
      || archive.members.contains { $0.name.hasPrefix(prefix + "code/") }
    if let order = archive.member(named: prefix + "byteorder"),
      case let text = try archive.contents(of: order, limit: 64).utf8String ?? "",
      !text.hasPrefix("little")
    {
      if text.hasPrefix("big") { throw PyTorchReader.bigEndian }
      throw ScopeError(
        .malformed, "the byte order is not known", place: "member \"\(order.name)\"",
        expected: "little or big",
        found: text)
    }
  }

  func storage(_ key: String) throws(ScopeError) -> ByteSlice {
    for folder in ["data/", "tensors/", "constants/"] {
      guard let member = archive.member(named: prefix + folder + key) else { continue }
      guard member.method != 0 else { return try archive.contents(of: member) }
      if let bytes = inflated[member.name] { return bytes }
      let bytes = try archive.contents(of: member, limit: Self.inflatedLimit - inflatedBytes)
      inflated[member.name] = bytes
      inflatedBytes += bytes.count
      return bytes
    }
    throw ScopeError(
      .malformed, "a tensor's storage is not in the archive",
      place: "member \"\(prefix)data/\(key.prefix(80))\"",
      remedy: "The archive is incomplete; fetch it again")
  }
}
