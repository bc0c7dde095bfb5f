import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Reads `.pt2` archives of torch.export without Python: weights as they lie in the file, the graph converted to ONNX.
enum ExportReader {
  /// - Throws: `malformed`, `truncated`, `limitExceeded` for a damaged archive; `unsupported` naming the expected and the
  ///   found version. A program that is well formed and cannot be converted is no error but ``ConvertedProgram/failed(_:)``.
  static func read(_ archive: ZipArchive) throws(ScopeError) -> (StateDict, ConvertedProgram) {
    let file = try ExportArchive(archive)
    let (weights, shared) = try file.tensors(.weights)
    let (constants, _) = try file.tensors(.constants)
    var state = StateDict(tensors: weights, sharedWith: shared)
    if case .string(let version)? = file.program["torch_version"] {
      state.metadata["torch_version"] = version
    }
    do throws(ScopeError) {
      let signature = try ExportSignature(file.program)
      state.buffers = signature.buffers.intersection(weights.keys)
      var conversion = ExportConversion(file.program, signature, weights: weights, constants: constants)
      return (state, .graph(try conversion.model()))
    } catch {
      let placed = error.at("member \"\(file.programName)\"")
      if error.code == .unsupported { return (state, .failed(placed)) }
      throw placed
    }
  }
}
