/// ST002: Duplicate keys or abused padding. A key that appears twice in the header (escapes resolved), padding that is
/// not made of spaces, white space before the header or more of it than alignment explains.
enum ST002: SafetensorsRule {
  static let description = RuleDescription(
    id: "ST002", severity: .medium, title: "Duplicate keys or abused padding",
    detects: "A key that appears twice in the header (escapes resolved), padding that is not made of "
      + "spaces, white space before the header or more of it than alignment explains.",
    why: "Readers keep the first or the last of two keys, so two tools see two models.",
    example: "{\"w\": ..., \"w\": ...}",
    mitigation: "Fetch the file again; do not load this one.",
    references: ["CWE-436", "CWE-694"])

  static func findings(in file: SafetensorsSubject) -> [Finding] {
    file.duplicates.prefix(20).map {
      finding("the key \"\(PickleAnalysis.printable(String($0.prefix(80))))\" appears twice")
    }
      + file.paddingProblems.map { finding($0, title: "Data in the header's padding") }
  }
}
