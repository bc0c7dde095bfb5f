import ScopeReport
import Testing

@Suite struct TerminalSummaryTests {
  @Test func aSummaryHasEveryFigureInAFewLines() {
    let report = SampleReports.imageClassifier().narrated()
    let text = TerminalRenderer.summary(report)
    let full = TerminalRenderer.render(report)
    #expect(text.split(separator: "\n").count < full.split(separator: "\n").count / 2)
    #expect(text.split(separator: "\n").allSatisfy { $0.hasPrefix("    $ ") || $0.count <= 80 })
    for section in Document(report).sections {
      for case .rows(let rows) in section.blocks where section.id == .optimization || section.id == .analysis
      {
        for row in rows { #expect(text.contains(row.name), "\(row.name)") }
      }
    }
    for finding in report.security?.findings ?? [] { #expect(text.contains(finding.rule)) }
    for item in report.notMeasured { #expect(text.contains(item.path)) }
  }
}
