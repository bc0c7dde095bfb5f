import ScopeBytes

/// ARC007: Data before or after the archive. Bytes before the first member or after the end record: the file
/// is something else as well.
enum ARC007: ArchiveRule {
  static let description = RuleDescription(
    id: "ARC007", severity: .high, title: "Data before or after the archive",
    detects: "Bytes before the first member or after the end record: the file is something else as well.",
    why: "Tools that read from the front see another format than tools that read from the end; a "
      + "pickle before a ZIP is loaded by PyTorch's legacy reader.",
    example: "a pickle followed by a ZIP archive",
    mitigation: "Do not load this archive; ask its publisher for one written by an ordinary tool.",
    references: ["CWE-436"])

  static func findings(in archive: ArchiveSubject) -> [Finding] {
    archive.anomalies([.prefixData, .trailingData]).map { anomaly in
      // Alignment padding written by some tools carries nothing.
      finding(
        anomaly.detail, severity: archive.isZeroFilled(anomaly) ? .low : .high, place: archive.place(anomaly))
    }
  }
}
