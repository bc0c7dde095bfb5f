import FoundationEssentials
import ScopeBytes
import ScopeFormats
import ScopePolicy
import ScopeReport

/// What a scanned file and its neighbours say about where it comes from: size, hash, licence, framework. Nothing is
/// guessed: what is not stated stays empty.
enum FileProvenance {
  private static let textLimit = 1 << 20

  /// - Parameter path: where the file lies here, which its name in the report need not be.
  static func describe(_ file: inout SecurityScan.File, at path: String) {
    guard let bytes = try? ByteSlice(mappingFile: path) else { return }
    file.bytes = bytes.count
    file.sha256 = bytes.sha256
    // What cannot be read says nothing here; the scan of the same file has reported it.
    let metadata = file.format == "safetensors" ? (try? SafetensorsReader.read(bytes))?.metadata : nil
    file.frameworks = frameworks(bytes, file.format, path, safetensorsFormat: metadata?["format"])
    file.licenses = licenses(stated: metadata?["license"], path)
  }

  private static func frameworks(
    _ bytes: ByteSlice, _ format: String, _ path: String, safetensorsFormat: String?
  ) -> [SecurityScan.Framework] {
    switch format {
    case "torchscript": return [.init(name: "PyTorch")]
    case let format where format.hasPrefix("pytorch"): return [.init(name: "PyTorch")]
    case "tflite": return [.init(name: "TensorFlow Lite")]
    case let format where format.hasPrefix("keras"): return [.init(name: "Keras")]
    case let format where format.hasPrefix("savedmodel"): return [.init(name: "TensorFlow")]
    case "onnx":
      guard case .graph(let model)? = try? ModelReader.read(bytes, path: path).content,
        !model.producerName.isEmpty
      else { return [] }
      let version = model.producerVersion
      return [.init(name: model.producerName, version: version.isEmpty ? nil : version)]
    case "safetensors":
      return ["pt": "PyTorch", "tf": "TensorFlow", "flax": "Flax", "np": "NumPy", "mlx": "MLX"][
        safetensorsFormat ?? ""
      ]
      .map { [.init(name: $0)] } ?? []
    default: return []
    }
  }

  /// The file's own metadata first, then the model card and licence file beside it.
  private static func licenses(stated: String?, _ path: String) -> [String] {
    if let stated, !stated.isEmpty { return [stated] }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    if let card = text("\(folder)README.md"), case let stated = cardLicenses(card), !stated.isEmpty {
      return stated
    }
    for name in ["LICENSE", "LICENSE.txt", "LICENSE.md"] {
      if let text = text(folder + name), let known = license(text) { return [known] }
    }
    return []
  }

  private static func text(_ path: String) -> String? {
    guard let bytes = try? ByteSlice(mappingFile: path), bytes.count <= textLimit else { return nil }
    return bytes.utf8String
  }

  /// `license` (and for `other` its `license_name`) of a Hugging Face model card's YAML header.
  static func cardLicenses(_ card: String) -> [String] {
    var lines = card.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    guard lines.first == "---" else { return [] }
    lines.removeFirst()
    guard let end = lines.firstIndex(of: "---") else { return [] }
    guard let header = try? YAMLNode.parse(lines[..<end].joined(separator: "\n")),
      let license = header["license"]
    else { return [] }
    let stated = license.text.map { [$0] } ?? license.items?.compactMap(\.text) ?? []
    return stated.compactMap { $0 == "other" ? header["license_name"]?.text : $0 }.filter { !$0.isEmpty }
  }

  /// Licences whose text names itself in its first lines.
  static func license(_ text: String) -> String? {
    let head = text.prefix(600).split { $0.isWhitespace }.joined(separator: " ").lowercased()
    if head.contains("apache license version 2.0") { return "Apache-2.0" }
    if head.hasPrefix("mit license") || head.contains(" mit license ") { return "MIT" }
    if head.contains("gnu affero general public license version 3") { return "AGPL-3.0" }
    if head.contains("gnu lesser general public license version 3") { return "LGPL-3.0" }
    if head.contains("gnu general public license version 3") { return "GPL-3.0" }
    if head.contains("mozilla public license version 2.0") { return "MPL-2.0" }
    return nil
  }
}
