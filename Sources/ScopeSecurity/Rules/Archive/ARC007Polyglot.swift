import ScopeBytes

/// ARC007: A second format in the same file. Bytes before, between or after the members of an archive, or after
/// the end of another format, that are something else as well.
enum ARC007: ArchiveRule {
  static let description = RuleDescription(
    id: "ARC007", severity: .high, title: "A second format in the same file",
    detects: "Bytes before, between or after the members of an archive, in its comment, or after the end of "
      + "another format, that are something else as well. Zeros are padding; bytes that are no known format "
      + "after the end of data are informational.",
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
