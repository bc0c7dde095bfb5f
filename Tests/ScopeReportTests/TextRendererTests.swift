import Foundation
import ScopeReport
import Testing

/// Markdown and terminal text against committed files. After an intended change, look at the difference and write them
/// anew: `NEURAL_SCOPE_UPDATE_GOLDEN=1 swift test -c release --filter TextRendererTests`.
@Suite struct TextRendererTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/report")

  private func compare(_ text: String, _ name: String) throws {
    let file = Self.folder.appending(path: name)
    if ProcessInfo.processInfo.environment["NEURAL_SCOPE_UPDATE_GOLDEN"] != nil {
      try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    let golden = try String(contentsOf: file, encoding: .utf8)
    if text != golden {
      let ours = text.split(separator: "\n", omittingEmptySubsequences: false)
      let theirs = golden.split(separator: "\n", omittingEmptySubsequences: false)
      let line = zip(ours, theirs).enumerated().first { $0.element.0 != $0.element.1 }
      Issue.record(
        "\(name) differs at line \((line?.offset ?? min(ours.count, theirs.count)) + 1): \(line?.element.0 ?? "") / \(line?.element.1 ?? "")"
      )
    }
  }

  @Test func goldenFiles() throws {
    for (name, report) in [
      ("image", SampleReports.imageClassifier()), ("small", SampleReports.smallNetwork()),
      ("structure", SampleReports.structureOnly()),
    ] {
      try compare(MarkdownRenderer.render(report), "\(name).md")
      try compare(TerminalRenderer.render(report, options: .init(width: 80)), "\(name).txt")
    }
  }

  @Test(arguments: [40, 60, 80, 110, 500])
  func terminalKeepsItsWidth(width: Int) {
    for report in HTMLRendererTests.samples {
      let text = TerminalRenderer.render(report, options: .init(width: width))
      for line in text.split(separator: "\n") where !line.contains("$ neural-scope") {
        #expect(line.count <= max(width, 40), "\(line)")
        #expect(line.last != " ", "\(line)")
      }
    }
  }

  @Test func coloursOnlyOnRequest() {
    let report = SampleReports.imageClassifier()
    #expect(!TerminalRenderer.render(report).contains("\u{1B}"))
    let coloured = TerminalRenderer.render(report, options: .init(width: 80, colours: true))
    #expect(coloured.contains("\u{1B}[1m"))
    var plain = coloured
    for code in ["1;32", "1;33", "0", "1", "2", "31", "32", "33", "36"] {
      plain = plain.replacingOccurrences(of: "\u{1B}[\(code)m", with: "")
    }
    #expect(plain == TerminalRenderer.render(report))
  }

  @Test func hostileNamesStayInert() {
    let report = SampleReports.hostile()
    let terminal = TerminalRenderer.render(report)
    #expect(terminal.unicodeScalars.allSatisfy { $0 == "\n" || !Escape.isControl($0) })
    let markdown = MarkdownRenderer.render(report)
    // Only inside code spans, which this name's own backticks cannot end.
    for line in markdown.split(separator: "\n") where !line.contains("`` ") {
      #expect(!line.contains("<script>"), "\(line)")
      #expect(!line.contains("[a](http"), "\(line)")
    }
    // Every table row keeps its number of cells.
    for block in markdown.components(separatedBy: "\n\n") {
      let counts = Set(block.split(separator: "\n").filter { $0.hasPrefix("|") }.map(Self.cells))
      #expect(counts.count <= 1, "\(block.prefix(200))")
    }
  }

  /// Unescaped pipes of a table row.
  private static func cells(_ line: Substring) -> Int {
    var count = 0
    var escaped = false
    for character in line {
      if character == "|", !escaped { count += 1 }
      escaped = character == "\\" && !escaped
    }
    return count
  }

  /// Sections and row names are the same in every form.
  @Test func sameRowsEverywhere() {
    for report in HTMLRendererTests.samples {
      let markdown = MarkdownRenderer.render(report)
      let terminal = TerminalRenderer.render(report, options: .init(width: 110))
      let html = HTMLRenderer.render(report)
      for section in Document(report).sections {
        #expect(markdown.contains("## \(section.number). \(section.title)"))
        #expect(terminal.contains("\n\(section.number). \(section.title)\n"))
        #expect(html.contains("</span>\(section.title)</h2>"))
        for case .rows(let rows) in section.blocks {
          for row in rows {
            #expect(markdown.contains("| \(row.name) | "), "\(row.name)")
            #expect(terminal.contains("  \(row.name)  "), "\(row.name)")
            #expect(html.contains("<dt>\(row.name)</dt>"), "\(row.name)")
          }
        }
      }
    }
  }

  /// The rows the layout of the report prescribes.
  @Test func layoutRows() {
    let names = Document(SampleReports.imageClassifier()).sections.flatMap { section in
      section.blocks.flatMap { block -> [String] in
        if case .rows(let rows) = block { return rows.map(\.name) }
        return []
      }
    }
    for name in [
      "Parameters", "Layers", "Architecture", "Memory Usage: weights", "Memory Usage: peak activations",
      "MACs",
      "Inference Time", "Original Size", "Optimized Size", "Size Reduction", "Inference Speedup",
      "Accuracy before",
      "Accuracy after", "Techniques", "Vulnerabilities", "Robustness Score", "Robustness Level", "Machine",
      "Engine",
      "Data", "Seeds",
    ] { #expect(names.contains(name), "\(name)") }
  }

  @Test func sectionAlone() {
    let text = TerminalRenderer.render(SampleReports.imageClassifier(), sections: [.robustness])
    #expect(text.contains("Robustness Score"))
    #expect(!text.contains("Optimized Size"))
  }
}
