/// Section 3: verdict, findings by severity with evidence and mitigation, recommendations.
enum SecuritySection {
  static func blocks(_ report: Report) -> [Document.Block] {
    guard let security = report.security else {
      return Document.absentSection(.security, report, fallback: Commands(report).security)
    }
    var blocks: [Document.Block] = [
      .rows([
        Document.Row(
          name: "Verdict", value: security.verdict.rawValue,
          detail: security.filesScanned.map { "\(Format.plural($0, "file")) scanned, nothing executed" }
            ?? "",
          interpretation: SecurityNarrative.verdict(security)),
        Document.Row(
          name: "Vulnerabilities", value: SecurityNarrative.counts(security.findings),
          detail: "findings in the file and advisories from this run's evidence",
          interpretation: security.findings.max { $0.severity < $1.severity }.map {
            "The most severe: \($0.title)."
          } ?? "Neither the file nor the measurements of this run give cause for one."),
      ])
    ]
    if !security.findings.isEmpty { blocks.append(.findings(security.findings)) }
    if !security.recommendations.isEmpty {
      blocks.append(.heading("Recommendations"))
      blocks.append(.assessments(security.recommendations))
    }
    return blocks
  }
}
