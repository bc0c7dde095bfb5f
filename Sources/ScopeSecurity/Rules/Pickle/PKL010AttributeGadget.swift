/// PKL010: Walks to a dangerous attribute or wraps a dangerous callable. getattr, attrgetter, methodcaller or
/// itemgetter with a dangerous or computed attribute, and functools.partial around a dangerous or computed
/// callable. With harmless literal arguments these helpers are no finding.
enum PKL010: PickleRule {
  static let description = RuleDescription(
    id: "PKL010", severity: .high, title: "Walks to a dangerous attribute or wraps a dangerous callable",
    detects: "getattr, attrgetter, methodcaller or itemgetter with a dangerous or computed attribute, and "
      + "functools.partial around a dangerous or computed callable. With harmless literal arguments "
      + "these helpers are no finding.",
    why: "Attribute walks and wrappers turn an object that looks harmless into any function of the "
      + "interpreter.",
    example: "GLOBAL builtins getattr; (GLOBAL os, 'system'); REDUCE",
    mitigation: "Do not load this file. Ask its publisher for safetensors or ONNX, or load it with a reader "
      + "that calls nothing (torch.load(weights_only=True)).",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    var findings: [Finding] = []
    for walk in pickle.walks.prefix(16) {
      switch walk.danger {
      case .computedName:
        findings.append(
          finding(
            "\(walk.helper) on \(walk.target.isEmpty ? "a later argument" : walk.target) with a name that is not a literal",
            title: "Fetches an attribute by a computed name", place: pickle.place(walk.offset)))
      case .dangerous:
        findings.append(
          finding(
            "\(walk.helper)(\(walk.target), '\(PickleAnalysis.printable(walk.attribute))')",
            title:
              "Fetches \(PickleAnalysis.printable(walk.attribute)) of \(walk.target.isEmpty ? "an object" : walk.target)",
            place: pickle.place(walk.offset)))
      }
    }
    for wrapper in pickle.dangerousWrappers.prefix(16) {
      findings.append(
        finding(wrapper.detail, title: "Wraps a dangerous callable", place: pickle.place(wrapper.offset)))
    }
    for use in pickle.uses.prefix(1000) {
      guard case .dangerous(.introspection, let reason) = use.judgement, findings.count < 32 else { continue }
      findings.append(
        finding(
          "\(use.path)(\(use.arguments)) is called by \(use.description); \(reason)",
          title: "Calls \(use.path)",
          place: pickle.place(use.offset, use.opcode)))
    }
    for name in pickle.imports {
      guard case .dangerous(.introspection, let reason) = name.judgement, findings.count < 32 else {
        continue
      }
      findings.append(
        finding(
          "\(name.path): \(reason)", title: "Names \(name.path)", severity: .medium,
          place: pickle.place(name.offset, name.opcode)))
    }
    return findings
  }
}
