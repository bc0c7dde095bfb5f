/// PT005: Checkpoint in the tar format of PyTorch before 0.1.10. A tar archive with the members sys_info,
/// pickle, storages and tensors.
enum PT005: ReadingRule {
  static let description = RuleDescription(
    id: "PT005", severity: .medium, title: "Checkpoint in the tar format of PyTorch before 0.1.10",
    detects: "A tar archive with the members sys_info, pickle, storages and tensors.",
    why: "PyTorch loads it through a path that weights_only does not protect in all versions; no "
      + "current tool writes it.",
    example: "tar with members pickle, storages",
    mitigation: "Convert it to safetensors in an isolated environment.",
    references: ["CWE-502", "CWE-477"])

  static func found(_ members: [String]) -> Finding {
    finding("tar members \(members.prefix(6).joined(separator: ", "))")
  }
}
