import ScopeBytes

/// ARC004: Member names that leave the folder. Names with .., absolute names, drive letters, members that are
/// symbolic links or devices, and links in a folder that lead out of it.
enum ARC004: ArchiveRule {
  static let description = RuleDescription(
    id: "ARC004", severity: .high, title: "Member names that leave the folder",
    detects:
      "Names with .., absolute names, drive letters, members that are symbolic links or devices, and links in "
      + "a folder that lead out of it.",
    why: "Extracting the archive writes or links outside the destination folder.",
    example: "../../.bashrc",
    mitigation: "Do not extract this archive.",
    references: ["CWE-22", "CWE-59"])

  static func findings(in archive: ArchiveSubject) -> [Finding] {
    archive.anomalies([.pathTraversal, .absolutePath, .symbolicLink, .specialFile]).map { anomaly in
      finding(anomaly.detail, place: archive.place(anomaly))
    }
  }
}
