/// REP001: The repository brings code that loading the model runs. Configurations that name classes of the
/// repository or of another module (auto_map, custom pipelines, module types, Hydra targets), files that a
/// service or an installer runs by their name, and YAML tags that construct Python objects.
enum REP001: ReadingRule {
  static let description = RuleDescription(
    id: "REP001", severity: .high, title: "The repository brings code that loading the model runs",
    detects:
      "Configurations that name classes of the repository or of another module (auto_map, custom_pipelines, "
      + "custom_generate, auto_mapping, module types of sentence-transformers and diffusers, Hydra targets that "
      + "execute), handlers and path files that a service or Python runs by their name, and YAML tags that construct "
      + "Python objects. Scripts that only a person would start are informational.",
    why:
      "With trust_remote_code, and in some loaders without it, the named Python file is imported: it is a program "
      + "with all rights of the user.",
    example: "\"auto_map\": {\"AutoModel\": \"modeling_custom.CustomModel\"}",
    mitigation:
      "Load without trust_remote_code; if the code is needed, read it, pin the revision and keep a copy.",
    references: ["CWE-829", "CWE-94", "CVE-2025-23304", "MITRE ATLAS AML.T0010.001"])

  static func found(
    _ evidence: String, title: String? = nil, severity: Severity? = nil, member: String? = nil,
    key: String? = nil
  ) -> Finding {
    let place = [member, key].compactMap { $0 }.joined(separator: "!")
    return finding(
      PickleAnalysis.printable(evidence), title: title, severity: severity,
      place: place.isEmpty ? nil : FindingPlace(member: place))
  }
}
