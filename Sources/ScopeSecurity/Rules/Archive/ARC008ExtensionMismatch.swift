/// ARC008: The content is not what the extension says, and a loader would unpickle it. A file whose extension
/// names a format without code (.safetensors, .onnx, .gguf, .npy, .h5, .json ...) holds a pickle or a PyTorch
/// archive.
enum ARC008: ReadingRule {
  static let description = RuleDescription(
    id: "ARC008", severity: .high,
    title: "The content is not what the extension says, and a loader would unpickle it",
    detects: "A file whose extension names a format without code (.safetensors, .onnx, .gguf, .npy, .h5, "
      + ".json ...) holds a pickle or a PyTorch archive.",
    why: "Scanners that go by extension skip it; loaders that go by content unpickle it.",
    example: "weights.safetensors that begins with 80 02",
    mitigation: "Do not load this file.",
    references: ["CWE-436", "CWE-351", "CVE-2025-10155"])

  static let inertExtensions: Set<String> = [
    "safetensors", "onnx", "gguf", "ggml", "npy", "npz", "h5", "hdf5", "keras", "tflite", "json", "txt", "md",
    "yaml", "yml", "csv",
    "tsv", "png", "jpg", "jpeg", "gif", "pb", "toml", "xml", "html", "pdf", "ini", "cfg", "parquet",
    "arrow", "mp4", "wav",
  ]

  /// - Parameter content: what the bytes are (`pickle`, `pytorch-zip` ...).
  static func check(path: String, content: String) -> Finding? {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return nil }
    let suffix = name[name.index(after: dot)...].lowercased()
    guard inertExtensions.contains(suffix) else { return nil }
    return finding("the extension is .\(PickleAnalysis.printable(suffix)), the content is \(content)")
  }
}
