/// ARC006: Encrypted members. A member is encrypted, so it cannot be examined. The verdict is incomplete,
/// never safe.
enum ARC006: ArchiveRule {
  static let description = RuleDescription(
    id: "ARC006", severity: .medium, title: "Encrypted members",
    detects: "A member is encrypted, so it cannot be examined. The verdict is incomplete, never safe.",
    why: "Nothing can be said about what a reader with the password will load.",
    example: "flag bit 0 set",
    mitigation: "Decrypt the archive and scan again.",
    references: ["CWE-693"])

  static func findings(in archive: ArchiveSubject) -> [Finding] {
    archive.encrypted.prefix(8).map { finding("\($0) is encrypted", place: archive.place($0)) }
  }
}
