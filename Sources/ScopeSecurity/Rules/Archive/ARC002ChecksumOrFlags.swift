import ScopeBytes

/// ARC002: Checksums or flags that make readers give up. A member that is marked as encrypted while its bytes
/// are readable, an unknown compression method, or a checksum that does not fit the bytes. What can be read
/// is scanned anyway; checksums are computed for the members that are scanned, not for tensors.
enum ARC002: ArchiveRule {
  static let description = RuleDescription(
    id: "ARC002", severity: .high, title: "Checksums or flags that make readers give up",
    detects: "A member that is marked as encrypted while its bytes are readable, an unknown compression "
      + "method, or a checksum that does not fit the bytes. What can be read is scanned anyway; "
      + "checksums are computed for the members that are scanned, not for tensors.",
    why: "PyTorch loads members that stricter readers refuse, so a scanner that gives up is bypassed.",
    example: "flag bit 0 set on a plain data.pkl",
    mitigation: "Do not load this archive; ask its publisher for one written by an ordinary tool.",
    references: ["CWE-436", "CVE-2025-10156"])

  static func findings(in archive: ArchiveSubject) -> [Finding] {
    archive.anomalies([.unknownMethod]).map { finding($0.detail, place: archive.place($0)) }
      + archive.readableEncrypted.map {
        finding(
          "\($0) is marked as encrypted but its bytes are readable", title: "A false encryption flag",
          place: archive.place($0))
      }
      + archive.checksumProblems.map {
        finding($0.detail, title: "A checksum that does not fit", place: archive.place($0.member))
      }
  }
}
