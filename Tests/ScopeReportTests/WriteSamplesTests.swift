import Foundation
import ScopeReport
import Testing

/// Writes the sample reports for looking at them: `NEURAL_SCOPE_WRITE_SAMPLE=/tmp/samples swift test --filter WriteSamples`.
@Suite struct WriteSamplesTests {
  @Test(.enabled(if: ProcessInfo.processInfo.environment["NEURAL_SCOPE_WRITE_SAMPLE"] != nil))
  func write() throws {
    let folder = URL(filePath: ProcessInfo.processInfo.environment["NEURAL_SCOPE_WRITE_SAMPLE"] ?? "/tmp")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let reports = [
      ("image", SampleReports.imageClassifier()), ("small", SampleReports.smallNetwork()),
      ("structure", SampleReports.structureOnly()), ("hostile", SampleReports.hostile()),
      ("resnet", SampleGraphs.resNet()), ("densenet", SampleGraphs.denseNet()),
      ("transformer", SampleGraphs.transformer()), ("flat", SampleGraphs.transformer(withModules: false)),
      ("language", SampleGraphs.languageModel()), ("partial", SampleGraphs.notConverted()),
      ("hostile-graph", SampleGraphs.hostile()),
    ]
    for (name, report) in reports {
      func save(_ text: String, _ ending: String) throws {
        try text.write(to: folder.appending(path: "\(name).\(ending)"), atomically: true, encoding: .utf8)
      }
      try save(HTMLRenderer.render(report), "html")
      try save(MarkdownRenderer.render(report), "md")
      try save(TerminalRenderer.render(report, options: .init(width: 100)), "txt")
      try save(TerminalRenderer.render(report, options: .init(width: 100, colours: true)), "ansi")
      try save(
        TerminalRenderer.analysis(report, parts: Report.AnalysisPart.allCases, options: .init(width: 80)),
        "analyze.txt")
      try save(try JSONRenderer.render(report), "json")
    }
  }
}
