import Foundation
import ScopeReport
import Testing

/// What `analyze` prints.
@Suite struct AnalysisTextTests {
  static let reports = HTMLRendererTests.samples + [SampleGraphs.transformer(blocks: 2)]

  @Test(arguments: [60, 80, 110])
  func keepsItsWidth(width: Int) {
    for report in Self.reports {
      let text = TerminalRenderer.analysis(
        report, parts: Report.AnalysisPart.allCases, options: .init(width: width))
      for line in text.split(separator: "\n") { #expect(line.count <= width, "\(line)") }
      #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || !Escape.isControl($0) })
    }
  }

  @Test func theNumbersThatMatterComeFirst() {
    let text = TerminalRenderer.analysis(SampleGraphs.resNet())
    let head = text.split(separator: "\n").prefix(26).joined(separator: "\n")
    for name in [
      "Parameters", "Layers", "Architecture", "MACs", "Weights", "Peak activations", "Latency", "Throughput",
      "Start-up", "Deployment", "File", "100% of 49 nodes counted", "× N", "images/s",
    ] { #expect(head.contains(name), "\(name)") }
    #expect(!text.contains("Kernels under the roofs"))
    #expect(text.contains("More: --layers --memory --roofline --throughput --tensors --json"))
  }

  @Test func partsOnRequest() {
    let report = SampleGraphs.resNet()
    func text(_ part: Report.AnalysisPart) -> String { TerminalRenderer.analysis(report, parts: [part]) }
    #expect(text(.layers).contains("layer4.1") && text(.layers).contains("2.36 M"))
    #expect(text(.layers).contains("fused"))
    #expect(text(.memory).contains("█") && text(.memory).contains("engine's arena"))
    #expect(text(.roofline).contains("80.6 GFLOP/s") && text(.roofline).contains("Bound by"))
    #expect(text(.throughput).contains("2 threads"))
    #expect(text(.tensors).contains("layer1.0.conv1.weight") && text(.tensors).contains("Zero"))
  }

  @Test func lowerBoundsAreCalledSo() {
    let text = TerminalRenderer.analysis(SampleGraphs.notConverted())
    #expect(text.contains("at least ") && text.contains("2 of 49 nodes not counted"))
    #expect(text.contains("torchvision::nms"))
    #expect(text.contains("not measured"))
  }

  @Test func whatWasNotAskedForIsListedWithItsFlag() throws {
    let report = SampleReports.imageClassifier().narrated()
    for (path, flag) in [
      ("analysis.roofline", "--roofline"), ("analysis.throughput", "--throughput"),
      ("analysis.memory", "--memory"),
      ("analysis.tensors", "--tensors"),
    ] {
      let entry = try #require(report.notMeasured.first { $0.path == path })
      #expect(entry.remedy.contains(flag))
    }
    let paths = Set(SampleGraphs.resNet().narrated().notMeasured.map(\.path))
    #expect(
      paths.isDisjoint(with: [
        "analysis.roofline", "analysis.memory", "analysis.throughput", "analysis.tensors",
      ]))
  }

  @Test func markdownHasTheSectionsInShortForm() {
    let text = MarkdownRenderer.render(SampleGraphs.resNet())
    for part in [
      "### Where the time goes", "### What limits the speed", "### Memory over one inference",
      "### Throughput", "### Layers",
      "### Work by kind", "### Weights", "The 12 layers with the most time, of 49", "Live at the peak",
    ] { #expect(text.contains(part), "\(part)") }
  }

  @Test func languageModelsTellTheirCache() {
    for text in [
      TerminalRenderer.analysis(SampleGraphs.languageModel()),
      HTMLRenderer.render(SampleGraphs.languageModel()),
    ] {
      #expect(text.contains("22.00 KiB"))
      #expect(text.contains("8.00 times less"))
    }
  }

  private static let compactCases: [(Double, String)] = [
    (0, "0"), (512, "512"), (999.6, "1.00 k"), (9408, "9.41 k"), (1_814_073_344, "1.81 G"),
    (11_689_512, "11.7 M"),
  ]

  @Test(arguments: compactCases)
  func compact(value: Double, text: String) { #expect(Format.compact(value) == text) }

  @Test func scientific() {
    #expect(Format.signed(-0.000_031) == "-3.10e-5")
    #expect(Format.signed(0.047) == "0.0470")
    #expect(Format.signed(1.5e9) == "1.50e9")
  }
}
