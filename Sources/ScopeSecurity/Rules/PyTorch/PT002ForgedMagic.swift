/// PT002: Legacy checkpoint whose header is not what torch.save writes. The first streams of a legacy
/// checkpoint (magic number, protocol 1001, system information) hold anything but those values: a name, a
/// call, another number.
enum PT002: ReadingRule {
  static let description = RuleDescription(
    id: "PT002", severity: .high, title: "Legacy checkpoint whose header is not what torch.save writes",
    detects: "The first streams of a legacy checkpoint (magic number, protocol 1001, system information) "
      + "hold anything but those values: a name, a call, another number.",
    why: "PyTorch unpickles these streams before it compares them; tools that look only for the number "
      + "skip what comes with it.",
    example: "a first stream that calls something and then returns 0x1950a86a20f9469cfc6c",
    mitigation: "Do not load this file; ask for safetensors.",
    references: ["CWE-502", "CWE-345"])

  static func forged(_ evidence: String, offset: Int) -> Finding {
    finding(evidence, place: FindingPlace(offset: offset))
  }
}
