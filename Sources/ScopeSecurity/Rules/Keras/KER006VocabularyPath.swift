/// KER006: A path outside the archive. A vocabulary or another file of a layer is named by an absolute path, a path
/// that climbs, or a URL.
enum KER006: KerasRule {
  static let description = RuleDescription(
    id: "KER006", severity: .medium, title: "A path outside the archive",
    detects: "A vocabulary or another file of a layer is named by an absolute path, a path that climbs, or a "
      + "URL.",
    why: "Loading the model reads that file into the layer, from where it can be read back, or makes the "
      + "machine fetch the URL.",
    example: "{\"class_name\": \"StringLookup\", \"config\": {\"vocabulary\": \"/etc/passwd\"}}",
    mitigation: "Do not load this file; the vocabulary belongs into the archive's assets.",
    references: ["CVE-2025-12058", "CWE-22", "CWE-918"])

  static func findings(in model: KerasSubject) -> [Finding] {
    model.paths.compactMap { path in
      let home = path.value.hasPrefix("~") ? "is in somebody's home folder" : nil
      guard let reason = ExternalLocation.escape(path.value) ?? home else { return nil }
      return finding(
        "\(path.key) \"\(PickleAnalysis.printable(String(path.value.prefix(160))))\" \(reason)",
        place: model.place(path.place))
    }
  }
}
