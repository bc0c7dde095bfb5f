/// ARC005: Members that expand enormously. A compressed member that declares more than the limit after
/// expansion at a ratio beyond 200, or containers nested deeper than the limit.
enum ARC005: ArchiveRule {
  static let description = RuleDescription(
    id: "ARC005", severity: .medium, title: "Members that expand enormously",
    detects:
      "A compressed member or stream that expands beyond the limit at a ratio beyond 200, or containers nested "
      + "deeper than the limit. The rest is not examined.",
    why: "Expanding it fills memory or disk.",
    example: "10 KB that expand to 10 GB",
    mitigation: "Do not expand this archive.",
    references: ["CWE-409"])

  static func findings(in archive: ArchiveSubject) -> [Finding] {
    archive.bombs.map { finding($0.detail, place: FindingPlace(member: archive.qualified($0.member))) }
  }
}
