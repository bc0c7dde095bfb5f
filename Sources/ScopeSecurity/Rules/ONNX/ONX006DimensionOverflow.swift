/// ONX006: Dimensions whose product overflows. A tensor's dimensions are negative, or their product times the
/// element size exceeds 63 bits.
enum ONX006: ONNXRule {
  static let description = RuleDescription(
    id: "ONX006", severity: .medium, title: "Dimensions whose product overflows",
    detects: "A tensor's dimensions are negative, or their product times the element size exceeds 63 bits.",
    why: "Loaders that multiply without checking allocate too little and write beyond it.",
    example: "dims = 4294967296, 4294967296",
    mitigation: "Do not load this model.",
    references: ["CWE-190"])

  static func findings(in model: ONNXSubject) -> [Finding] {
    model.overflowingTensors.prefix(20).map {
      finding(
        "dimensions \($0.dimensions.prefix(8).map(String.init).joined(separator: " x "))",
        place: FindingPlace(member: $0.place, offset: $0.offset))
    }
  }
}
