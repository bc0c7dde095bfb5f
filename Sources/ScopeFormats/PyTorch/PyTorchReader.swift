import ScopeBytes
import ScopeGraph

/// Reads weights from PyTorch files (zip and legacy format, TorchScript, plain pickles) without executing them.
public enum PyTorchReader {
  /// What a zip archive holds.
  struct ArchiveContents {
    var weights: StateDict
    var isTorchScript: Bool
    /// The program of a TorchScript archive, when it was asked for.
    var program: ConvertedProgram?
  }

  /// A zip archive as `torch.save` and `torch.jit.save` write it.
  ///
  /// - Parameter converter: turns the program of a TorchScript archive into a graph; nil reads the weights only.
  /// - Throws: `malformed`, `truncated`, `limitExceeded` naming the tensor; `unsupported` for other archives,
  ///   big-endian files and files without tensors.
  static func readArchive(
    _ archive: ZipArchive, converter: TorchScriptConverter? = nil
  ) throws(ScopeError) -> ArchiveContents {
    let file = try PyTorchArchive(archive)
    let run = PickleMachine.run(file.pickle)
    if let problem = run.problem { throw problem.at("member \"\(file.pickleName)\"") }
    var weights: StateDict
    do throws(ScopeError) {
      let tensors = PyTorchTensorBuilder(run: run, source: file.storage)
      var collector = StateDictCollector(tensors, scriptBuffers: file.scriptBuffers)
      weights = try collector.collect()
      if file.isTorchScript, let name = weights.moduleClass {
        weights.moduleClass = name.split(separator: ".").filter {
          $0 != "__torch__" && !$0.hasPrefix("___torch_mangle")
        }
        .joined(separator: ".")
        weights.modules = try ModuleTree.read(tensors, buffers: file.scriptBuffers)
      }
    } catch {
      throw error.at("member \"\(file.pickleName)\"")
    }
    let program = file.isTorchScript ? converter?.convert(file, run, weights: weights) : nil
    return ArchiveContents(weights: weights, isTorchScript: file.isTorchScript, program: program)
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
