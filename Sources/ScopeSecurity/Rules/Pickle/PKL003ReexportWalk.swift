/// PKL003: Reaches a dangerous callable through another module. A dotted name or a re-export leads to a
/// dangerous callable: torch.serialization.os.system, numpy.testing._private.utils.runstring, or a telling
/// name (system, popen, exec) in a module that the catalogue does not know. Imported only, it is medium.
enum PKL003: PickleRule {
  static let description = RuleDescription(
    id: "PKL003", severity: .critical, title: "Reaches a dangerous callable through another module",
    detects: "A dotted name or a re-export leads to a dangerous callable: torch.serialization.os.system, "
      + "numpy.testing._private.utils.runstring, or a telling name (system, popen, exec) in a module "
      + "that the catalogue does not know. Imported only, it is medium.",
    why: "The module that is named looks harmless; the attributes walked from it are not.",
    example: "STACK_GLOBAL torch.serialization 'os.system'",
    mitigation: "Do not load this file. Ask its publisher for safetensors or ONNX, or load it with a reader "
      + "that calls nothing (torch.load(weights_only=True)).",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000", "GHSA-5j3x-jp52-966f"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    var findings: [Finding] = []
    var called: Set<String> = []
    for use in pickle.uses {
      guard case .reexport(_, let original) = use.judgement, findings.count < 16 else { continue }
      called.insert(use.path)
      findings.append(
        finding(
          "\(use.path)(\(use.arguments)) is \(original), called by \(use.description)",
          title: "Calls \(original) through \(use.path)",
          place: pickle.place(use.offset, use.opcode)))
    }
    for name in pickle.imports where !called.contains(name.path) {
      guard case .reexport(_, let original) = name.judgement, findings.count < 32 else { continue }
      findings.append(
        finding(
          "\(name.path) leads to \(original); it is imported and kept",
          title: "Imports \(original) through another module",
          severity: .medium, place: pickle.place(name.offset, name.opcode)))
    }
    return findings
  }
}
