import ScopeBytes

/// PT004: TorchScript code that reads or writes files or loads libraries. The code of a TorchScript archive
/// calls torch.save, torch.from_file, load_library, image file operators or PythonOp.
enum PT004: ReadingRule {
  static let description = RuleDescription(
    id: "PT004", severity: .high, title: "TorchScript code that reads or writes files or loads libraries",
    detects: "The code of a TorchScript archive calls torch.save, torch.from_file, load_library, image "
      + "file operators or PythonOp.",
    why: "TorchScript runs when the model is loaded or called, also with weights_only=True in affected "
      + "versions; these operators reach outside the model.",
    example: "torch.from_file(\"/etc/passwd\", ...)",
    mitigation: "Do not load this file; ask for an ONNX export.",
    references: ["CWE-94", "CVE-2025-32434"])

  static let operators = [
    "torch.save(", "torch.from_file(", "ops.aten.from_file", "ops.aten.save", "aten::save", "aten::from_file",
    "load_library", "prim.PythonOp", "prim::PythonOp", "ops.image.read_file", "ops.image.write_file",
    "ops.prim.unchecked_cast_py",
    "torch.load(", "torch.classes.", "ops.torchaudio.load", "ops.torchrec.",
  ]

  static func findings(code: ByteSlice, member: String) -> [Finding] {
    operators.compactMap { name in
      code.firstIndex(of: Array(name.utf8)).map { position in
        finding(
          "\(name.hasSuffix("(") ? String(name.dropLast()) : name) in the TorchScript code",
          place: FindingPlace(member: member, offset: position))
      }
    }
  }
}
