/// PKL009: Calls something the catalogue does not know. A callable that is neither known to be dangerous nor
/// known to be harmless is called. Constructing a class of another package without running its __init__, and
/// names that are imported but not called, are low.
enum PKL009: PickleRule {
  static let description = RuleDescription(
    id: "PKL009", severity: .medium, title: "Calls something the catalogue does not know",
    detects: "A callable that is neither known to be dangerous nor known to be harmless is called. "
      + "Constructing a class of another package without running its __init__, and names that are "
      + "imported but not called, are low.",
    why: "What is not known to be harmless may be a gadget of a package that the reader has installed.",
    example: "GLOBAL mypackage.utils run; 'argument'; TUPLE1; REDUCE",
    mitigation:
      "Check what the named callable does in the version you have installed, or convert the file to "
      + "safetensors.",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    var findings: [Finding] = []
    var reported: Set<String> = []
    // Harmless-looking ones last: they must not use up the room of the others.
    let unknown = pickle.uses.lazy.filter { $0.judgement == .unknown }
    for use in unknown.filter({ severity(of: $0) > .low }) + unknown.filter({ severity(of: $0) == .low }) {
      let severity = severity(of: use)
      guard reported.insert("\(use.path) \(severity)").inserted, findings.count < 20 else { continue }
      findings.append(
        finding(
          "\(use.path)(\(use.arguments)) is called by \(use.description)",
          title: severity == .low
            ? "Constructs \(use.path), a class outside the known libraries"
            : "Calls \(use.path), which is not known to be harmless",
          severity: severity, place: pickle.place(use.offset, use.opcode)))
    }
    let called = Set(pickle.uses.map(\.path))
    for name in pickle.imports
    where name.judgement == .unknown && !called.contains(name.path) && findings.count < 32 {
      findings.append(
        finding(
          "\(name.path) is imported and kept", title: "Refers to \(name.path), which is not known",
          severity: .low,
          place: pickle.place(name.offset, name.opcode)))
    }
    return findings
  }

  /// Classes made by `__new__` alone run no code of their own unless they ask for it; neither do value classes
  /// (enumerations, data classes) of the training script.
  static func severity(of use: CallableUse) -> Severity {
    let name = use.path.split(separator: ".").last.map(String.init) ?? use.path
    guard use.chain.allSatisfy({ $0.hasPrefix("copyreg.") }), !use.path.hasSuffix(".__call__"),
      !use.route.contains("passed to"),
      !use.route.hasPrefix("BUILD"),
      CallableCatalogue.looksLikeClass(name)
    else { return .medium }
    if StandardLibrary.contains(use.path) { return .medium }
    // A number is all that an enumeration's member needs, and too little to carry a command.
    return use.constructsOnly || use.takesNumber || use.path.hasPrefix("__main__.") ? .low : .medium
  }
}
