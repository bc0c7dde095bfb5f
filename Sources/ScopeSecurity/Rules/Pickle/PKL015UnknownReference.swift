import ScopeFormats

/// PKL015: Refers to objects outside the file. EXT opcodes (the reader's copyreg registry decides what they
/// mean) and persistent ids that do not name tensor storages. Persistent ids in a plain pickle are low: plain
/// readers refuse them.
enum PKL015: PickleRule {
  static let description = RuleDescription(
    id: "PKL015", severity: .medium, title: "Refers to objects outside the file",
    detects: "EXT opcodes (the reader's copyreg registry decides what they mean) and persistent ids that "
      + "do not name tensor storages. Persistent ids in a plain pickle are low: plain readers refuse "
      + "them.",
    why: "What such an opcode returns, and what it runs, depends on the program that loads the file.",
    example: "EXT1 1; ...; REDUCE",
    mitigation: "Load it only with the program it was written for.",
    references: ["CWE-502"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    var findings: [Finding] = []
    for event in pickle.run.events {
      switch event.kind {
      case .extensionCode(let code, _):
        findings.append(
          finding(
            "extension code \(code) of the reader's copyreg registry",
            title: "Uses the copyreg extension registry",
            place: pickle.place(event.offset, "EXT")))
      case .persistentID(let id):
        guard !isStorage(id, pickle) else { continue }
        findings.append(
          finding(
            "a persistent id that names no tensor storage", title: "Uses a persistent id of unknown meaning",
            severity: pickle.role == .torch ? .medium : .low, place: pickle.place(event.offset, "BINPERSID")))
      default: continue
      }
      if findings.count >= 8 { break }
    }
    return findings
  }

  /// `('storage', torch.FloatStorage, key, location, count)` as torch.save writes it; modules saved with their
  /// source use `('module', class, file, source)`; TorchScript numbers its tensors.
  private static func isStorage(_ id: PickleID, _ pickle: PickleAnalysis) -> Bool {
    guard let items = pickle.run.elements(id), let first = items.first else {
      return pickle.role == .torch && pickle.run.integer(id) != nil
    }
    guard let tag = pickle.run.text(first) else { return false }
    if tag == "module" { return items.count == 4 }
    guard tag == "storage", items.count >= 5, let type = pickle.run.global(items[1]) else { return false }
    return type.module.hasPrefix("torch") && (type.name.hasSuffix("Storage") || type.name.hasSuffix("dtype"))
  }
}
