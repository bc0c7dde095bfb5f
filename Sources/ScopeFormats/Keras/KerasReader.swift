import OrderedCollections
import ScopeBytes

/// Reads the structure of Keras models: the `.keras` archive of Keras 3 (config.json, metadata.json and
/// model.weights.h5 in a ZIP file), the older single HDF5 file, and files of weights alone. Nothing is executed and no
/// weights are read.
public enum KerasReader {
  private static let configurationLimit = 1 << 26
  private static let depthLimit = 160

  static func isKeras(_ archive: ZipArchive) -> Bool {
    archive.member(named: "config.json") != nil
      && archive.members.contains {
        $0.name.hasPrefix("model.weights.") || $0.name.hasSuffix("/model.weights.h5")
      }
  }

  /// - Throws: what the ZIP, JSON and HDF5 readers throw, with the member.
  public static func read(_ archive: ZipArchive) throws(ScopeError) -> ModelDescription {
    var version: String?
    if let member = archive.member(named: "metadata.json") {
      version = try json(try archive.contents(of: member, limit: 1 << 20), "metadata.json").text(
        "keras_version")
    }
    guard let member = archive.member(named: "config.json") else {
      throw ScopeError(.malformed, "the Keras archive has no config.json")
    }
    let root = try KerasStructure(
      try json(try archive.contents(of: member, limit: configurationLimit), "config.json"))
    guard let weights = archive.member(named: "model.weights.h5") else {
      throw ScopeError(
        .unsupported, "the Keras archive keeps its weights in several files",
        found: archive.members.filter { $0.name.hasPrefix("model.weights.") }.prefix(3).map(\.name)
          .joined(separator: ", "),
        remedy: "Save the model again without max_shard_size")
    }
    do throws(ScopeError) {
      let file = try HDF5File(try archive.contents(of: weights, limit: 1 << 32))
      return describe(file, root, version: version, container: "Keras 3 archive")
    } catch {
      throw error.at("member \"\(weights.name)\"")
    }
  }

  /// - Throws: what the HDF5 reader throws; `unsupported` for HDF5 files that hold no Keras model.
  public static func read(hdf5 bytes: ByteSlice) throws(ScopeError) -> ModelDescription {
    let file = try HDF5File(bytes)
    let root = file.groups[""] ?? [:]
    let version = (root["keras_version"] ?? file.groups["model_weights"]?["keras_version"])?.text
    var structure: KerasStructure?
    if let text = root["model_config"]?.text {
      structure = try KerasStructure(try json(ByteSlice(Array(text.utf8)), "model_config"))
    }
    let isKeras =
      structure != nil || root["layer_names"] != nil || root["layer_names0"] != nil
      || file.groups["model_weights"] != nil
      || file.groups.keys.contains { $0 == "vars" || $0.hasSuffix("/vars") }
    guard isKeras else {
      throw ScopeError(
        .unsupported, "this is an HDF5 file that holds no Keras model",
        expected: "model_config, layer_names or groups of variables",
        found: "\(file.datasets.count) datasets: "
          + file.datasets.prefix(3).map { String($0.path.prefix(80)) }.joined(separator: ", "),
        remedy: "Give the model file itself")
    }
    return describe(
      file, structure, version: version,
      container: structure == nil ? "Keras weights (HDF5)" : "Keras model (HDF5)")
  }

  private static func json(_ bytes: ByteSlice, _ name: String) throws(ScopeError) -> JSONValue {
    do throws(ScopeError) {
      guard bytes.count <= configurationLimit else {
        throw ScopeError(.limitExceeded, "the configuration is too large", found: "\(bytes.count) bytes")
      }
      return try JSONValue.parse(bytes, depthLimit: depthLimit)
    } catch {
      throw error.at(name)
    }
  }

  private static func describe(
    _ file: HDF5File, _ structure: KerasStructure?, version: String?, container: String
  ) -> ModelDescription {
    var result = ModelDescription(
      notExecutable: "Keras models are described here, not executed: export the model with "
        + "model.export(\"model.onnx\", format=\"onnx\") and give that file.")
    let weights = KerasWeights(file, structure)
    result.tensors = weights.tensors
    result.operatorKind = "Keras layers"
    result.detail = container + (version.map { ", written by Keras \($0.prefix(40))" } ?? "")
    if let structure {
      result.architecture = structure.name
      var counts: [String: Int] = [:]
      for layer in structure.layers { counts[layer.className, default: 0] += 1 }
      result.operators = ModelDescription.ranked(counts)
      result.inputs = structure.inputs
      result.outputs = structure.outputs
      let lambdas = structure.layers.count { $0.className == "Lambda" }
      if lambdas > 0 {
        result.notes.append("\(lambdas) Lambda layers hold Python code, which was not looked at")
      }
      let custom = structure.layers.filter(\.isCustom).map(\.className)
      if !custom.isEmpty {
        result.notes.append(
          "layer classes that are not Keras's own: \(Set(custom).sorted().prefix(8).joined(separator: ", "))")
      }
    } else {
      result.notes.append(
        "the file holds weights without the model's configuration; layers are named by their groups")
    }
    if weights.optimizerElements > 0 {
      result.notes.append(
        "beside the weights: the optimizer's state, \(weights.optimizerElements) elements, not counted")
    }
    if !file.links.isEmpty || file.datasets.contains(where: \.isExternal) {
      result.notes.append("parts of the HDF5 file refer to other places or files and were not followed")
    }
    return result
  }
}
