import ScopeBytes

/// ARC003: Duplicate members or several directories. Two members of one name, more than one valid end-of-
/// central-directory record, or a number of entries other than announced.
enum ARC003: ArchiveRule {
  static let description = RuleDescription(
    id: "ARC003", severity: .high, title: "Duplicate members or several directories",
    detects: "Two members of one name, more than one valid end-of-central-directory record, or a number of "
      + "entries other than announced.",
    why: "Which of them is loaded depends on the reader; a scanner may look at the other one.",
    example: "data.pkl, data.pkl",
    mitigation: "Do not load this archive; ask its publisher for one written by an ordinary tool.",
    references: ["CWE-436"])

  static func findings(in archive: ArchiveSubject) -> [Finding] {
    archive.anomalies([.duplicateName, .severalEndRecords, .entryCountDisagrees]).map { anomaly in
      finding(anomaly.detail, place: archive.place(anomaly))
    }
  }
}
