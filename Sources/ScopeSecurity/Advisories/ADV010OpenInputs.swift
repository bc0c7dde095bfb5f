/// ADV010: Inputs of any size are accepted. The graph declares inputs with open sizes besides the batch, so nothing in
/// the model bounds what one request costs.
enum ADV010: DeploymentAdvisory {
  static let description = RuleDescription(
    id: "ADV010", severity: .low, title: "Inputs of any size are accepted",
    detects:
      "The graph declares inputs with open sizes besides the batch, so nothing in the model bounds what "
      + "one request costs.",
    why:
      "Work and memory grow with the open sizes, attention with their square: one large request can stop a "
      + "service.",
    example: "input_ids: batch x sequence (open)",
    mitigation:
      "Check sizes before the model and refuse what exceeds those that were measured; or export with "
      + "fixed sizes.",
    references: ["CWE-770", "CWE-1284", "MITRE ATLAS AML.T0029"])

  static func advise(_ evidence: AdvisoryEvidence) -> [Finding] {
    guard let inputs = evidence.openInputs, !inputs.isEmpty else { return [] }
    return [
      finding(
        inputs.prefix(4).joined(separator: "; ") + (inputs.count > 4 ? "; \(inputs.count - 4) more" : ""))
    ]
  }
}
