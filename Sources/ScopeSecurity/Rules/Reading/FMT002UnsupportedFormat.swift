/// FMT002: A format that this version does not examine. The content is a format that is recognised but not
/// examined by this version. The verdict is incomplete, never safe.
enum FMT002: ReadingRule {
  static let description = RuleDescription(
    id: "FMT002", severity: .medium, title: "A format that this version does not examine",
    detects: "The content is a format that is recognised but not examined by this version. The verdict is "
      + "incomplete, never safe.",
    why: "Several of these formats can carry code (Keras Lambda layers, TensorFlow file operators, "
      + "GGUF chat templates).",
    example: "an HDF5 file",
    mitigation: "Convert the model to ONNX or safetensors, or use a scanner of that format.",
    references: ["CWE-693"])

  static func unsupported(_ format: String, member: String? = nil) -> Finding {
    finding(
      "\(format) is not supported by this version", title: "Not examined: \(format)",
      place: member.map { FindingPlace(member: $0) })
  }
}
