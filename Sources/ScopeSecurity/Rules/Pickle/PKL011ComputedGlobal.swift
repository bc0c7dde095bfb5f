import ScopeFormats

/// PKL011: Imports or calls a computed name. STACK_GLOBAL takes its module or name from something other than
/// a string literal, or a call's callee is what a computed name returns.
enum PKL011: PickleRule {
  static let description = RuleDescription(
    id: "PKL011", severity: .high, title: "Imports or calls a computed name",
    detects: "STACK_GLOBAL takes its module or name from something other than a string literal, or a "
      + "call's callee is what a computed name returns.",
    why: "The name that will be imported cannot be read from the file; picklers never write this, "
      + "evaders do.",
    example: "<call that joins strings>; 'system'; STACK_GLOBAL",
    mitigation: "Do not load this file. Ask its publisher for safetensors or ONNX, or load it with a reader "
      + "that calls nothing (torch.load(weights_only=True)).",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000", "GHSA-9gvj-pp9x-gcfr"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    var findings: [Finding] = []
    for event in pickle.run.events {
      guard case .anomaly(.computedGlobal) = event.kind else { continue }
      findings.append(
        finding(
          "STACK_GLOBAL with a module or name that is not a string literal", title: "Imports a computed name",
          place: pickle.place(event.offset, "STACK_GLOBAL")))
      if findings.count >= 8 { break }
    }
    for callee in pickle.computedCallees.prefix(8) {
      findings.append(
        finding(
          callee.detail, title: "Calls something that cannot be named", place: pickle.place(callee.offset)))
    }
    return findings
  }
}
