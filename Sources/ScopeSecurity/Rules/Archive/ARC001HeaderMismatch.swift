import ScopeBytes

/// ARC001: Local headers and central directory disagree. A member's name, method, sizes, checksum or flags
/// differ between its local header and the central directory, its local header is missing, members overlap,
/// a local header is in no directory, or a declared size is not that of the data.
enum ARC001: ArchiveRule {
  static let description = RuleDescription(
    id: "ARC001", severity: .high, title: "Local headers and central directory disagree",
    detects: "A member's name, method, sizes, checksum or flags differ between its local header and the "
      + "central directory, its local header is missing, members overlap, a local header is in no "
      + "directory, or a declared size is not that of the data.",
    why: "Readers that follow one description see another file than readers that follow the other: a "
      + "scanner can be shown a different member than the loader gets.",
    example: "central: data.pkl, 120 bytes; local: data.pkl, 80 bytes",
    mitigation: "Do not load this archive; ask its publisher for one written by an ordinary tool.",
    references: ["CWE-436"])

  static func findings(in archive: ArchiveSubject) -> [Finding] {
    archive.anomalies([
      .localHeaderDisagrees, .localHeaderInvalid, .overlappingMembers, .oddName, .hiddenMember,
      .folderWithData,
    ]).map { anomaly in
      finding(anomaly.detail, place: archive.place(anomaly))
    } + archive.sizeProblems.prefix(20).map { finding($0.detail, place: archive.place($0.member)) }
  }
}
