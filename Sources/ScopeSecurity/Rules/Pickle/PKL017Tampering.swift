/// PKL017: Changes the interpreter itself. sys.modules, builtins, audit hooks or a class are rewritten: by a
/// call, by BUILD on a class or module, or by items written into sys.modules.
enum PKL017: PickleRule {
  static let description = RuleDescription(
    id: "PKL017", severity: .critical, title: "Changes the interpreter itself",
    detects: "sys.modules, builtins, audit hooks or a class are rewritten: by a call, by BUILD on a class "
      + "or module, or by items written into sys.modules.",
    why: "From then on every other module of the process may run the attacker's code, also code that "
      + "looks at this file.",
    example: "GLOBAL sys modules; 'os'; ...; SETITEM",
    mitigation: "Do not load this file. Ask its publisher for safetensors or ONNX, or load it with a reader "
      + "that calls nothing (torch.load(weights_only=True)).",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    var findings = callableFindings(.tampering, in: pickle, importSeverity: .medium)
    for change in pickle.tamperings.prefix(8) {
      findings.append(
        finding(
          "\(change.target): \(change.how)", title: "Rewrites \(change.target)", severity: change.severity,
          place: pickle.place(change.offset)))
    }
    return findings
  }
}
