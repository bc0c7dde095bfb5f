/// PT001: A pickle stands in an archive where no loader of this format expects one. Every member of an
/// archive is examined by content, whatever its name and extension; members that are pickles are scanned
/// under the PKL rules. A pickle under a name that claims something else (an image, a text, a tensor) and
/// that calls something is reported here as well.
enum PT001: ReadingRule {
  static let description = RuleDescription(
    id: "PT001", severity: .critical,
    title: "A pickle stands in an archive where no loader of this format expects one",
    detects: "Every member of an archive is examined by content, whatever its name and extension; members "
      + "that are pickles are scanned under the PKL rules. A pickle under a name that claims "
      + "something else (an image, a text, a tensor) and that calls something is reported here as "
      + "well.",
    why: "Scanners that go by extension skip such members; a loader or a later step of the attack does "
      + "not.",
    example: "archive/readme.txt that begins with 80 04",
    mitigation: "Delete the file; ask its publisher why the archive holds such a member.",
    references: ["CWE-502", "CVE-2025-1889", "MITRE ATLAS AML.T0011.000"])

  static func disguised(_ member: String) -> Finding {
    finding("\(member) is a pickle that calls something", place: FindingPlace(member: member))
  }
}
