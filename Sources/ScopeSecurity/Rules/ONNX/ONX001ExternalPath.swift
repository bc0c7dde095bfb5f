/// ONX001: External data outside the model's folder. The location of external tensor data (initializers,
/// sparse initializers, attributes, sub-graphs, functions, training graphs) is absolute, contains .., is a
/// symbolic link that leaves the folder or is itself a link; a hard link to another name is low. The path of a compiled
/// engine (EPContext) that leaves the folder counts alike.
enum ONX001: ONNXRule {
  static let description = RuleDescription(
    id: "ONX001", severity: .high, title: "External data outside the model's folder",
    detects: "The location of external tensor data (initializers, sparse initializers, attributes, "
      + "sub-graphs, functions, training graphs) is absolute, contains .., is a symbolic link that "
      + "leaves the folder or is itself a link; a hard link to another name is low. The path of a compiled "
      + "engine (EPContext) that leaves the folder counts alike.",
    why: "Loading the model reads any file of the machine into a tensor; saving it may overwrite one.",
    example: "location = ../../../etc/passwd",
    mitigation: "Do not load this model; ask for one with the data inside or beside it.",
    references: ["CWE-22", "CWE-59", "CVE-2022-25882", "CVE-2024-27318", "CVE-2025-51480"])

  static func findings(in model: ONNXSubject) -> [Finding] {
    var findings: [Finding] = []
    var seen: Set<String> = []
    for tensor in model.externalTensors {
      guard let location = tensor.location, seen.insert(location).inserted, findings.count < 20 else {
        continue
      }
      let shown = PickleAnalysis.printable(String(location.prefix(200)))
      let place = FindingPlace(member: tensor.place, offset: tensor.offset)
      if let reason = ExternalLocation.escape(location) {
        findings.append(finding("location '\(shown)' \(reason)", place: place))
        continue
      }
      guard let directory = model.directory else { continue }
      switch ExternalLocation.inspect(location, in: directory) {
      case .leavesFolder(let target):
        findings.append(
          finding(
            "location '\(shown)' is a symbolic link that leads to \(PickleAnalysis.printable(target))",
            place: place))
      case .hardLinked(let count):
        findings.append(
          finding(
            "location '\(shown)' has \(count) names on this disk (hard links)",
            title: "External data shared with another file name",
            severity: .low, place: place,
            why:
              "The same bytes are reachable under another name: whoever can write there changes the weights, and saving the model changes that file."
          ))
      case .special(let kind):
        findings.append(finding("location '\(shown)' is \(kind)", place: place))
      case .missing, .file: break
      }
    }
    for engine in model.enginePaths where findings.count < 20 {
      guard let reason = ExternalLocation.escape(engine.location) else { continue }
      findings.append(
        finding(
          "EPContext: '\(PickleAnalysis.printable(String(engine.location.prefix(200))))' \(reason)",
          title: "A compiled engine outside the model's folder",
          place: FindingPlace(member: engine.place, offset: engine.offset)))
    }
    return findings
  }
}
