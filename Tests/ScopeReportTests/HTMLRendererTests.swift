import Foundation
import ScopeReport
import Testing

@Suite struct HTMLRendererTests {
  static let samples = [
    SampleReports.imageClassifier(), SampleReports.smallNetwork(), SampleReports.structureOnly(),
    SampleReports.hostile(), SampleGraphs.resNet(), SampleGraphs.denseNet(), SampleGraphs.languageModel(),
    SampleGraphs.notConverted(), SampleGraphs.hostile(),
  ]

  @Test(arguments: samples)
  func wellFormed(report: Report) throws {
    let problems = HTMLChecker.check(HTMLRenderer.render(report))
    #expect(problems.isEmpty, "\(problems.prefix(5))")
  }

  @Test func theCheckerFindsProblems() {
    #expect(!HTMLChecker.check("<p><b>x</p>").isEmpty)
    #expect(!HTMLChecker.check("<p a=b\"c>x</p>").isEmpty)
    #expect(!HTMLChecker.check("<p id=\"a\">x</p><p id=\"a\">y</p>").isEmpty)
    #expect(!HTMLChecker.check("<p>a & b</p>").isEmpty)
    #expect(!HTMLChecker.check("<a href=\"#missing\">x</a>").isEmpty)
    #expect(HTMLChecker.check("<p id=\"a\">x &amp; <br> y</p>").isEmpty)
  }

  @Test(arguments: samples)
  func selfContained(report: Report) {
    let html = HTMLRenderer.render(report)
    #expect(!html.contains("http://"))
    #expect(!html.contains("src=\"http"))
    // One script, which the policy names by its hash; everything else in script elements is data.
    #expect(html.components(separatedBy: "<script>").count == 2)
    #expect(
      html.components(separatedBy: "<script").count
        == html.components(separatedBy: "<script type=\"application/json\" id=\"").count + 1)
    #expect(html.contains("script-src '\(HTMLScript.hash)'"))
    #expect(html.contains("default-src 'none'") && !html.contains("script-src 'unsafe"))
    #expect(!html.contains("<link"))
    #expect(!html.contains("url("))
    #expect(!html.contains("@import"))
    #expect(html.utf8.count < 500_000)
  }

  @Test func hostileNamesStayText() {
    let html = HTMLRenderer.render(SampleReports.hostile())
    #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    #expect(!html.contains("onload='x'"))
    #expect(html.unicodeScalars.allSatisfy { $0 == "\n" || !Escape.isControl($0) })
    // The comment opener never arrives as markup.
    #expect(!html.dropFirst(20).contains("<!--"))
  }

  @Test func sectionsInOrder() throws {
    for report in Self.samples {
      let html = HTMLRenderer.render(report)
      var from = html.startIndex
      for section in Report.Section.allCases {
        let place = try #require(
          html.range(of: "<section id=\"\(section.rawValue)\"", range: from..<html.endIndex))
        from = place.upperBound
      }
    }
  }

  @Test func accessibility() {
    let html = HTMLRenderer.render(SampleReports.imageClassifier())
    for part in [
      "lang=\"en\"", "<main", "<nav aria-label", "class=\"skip\"", "<th scope=\"col\"", "<th scope=\"row\"",
      "<caption>", "role=\"img\" aria-label=\"Accuracy against", "prefers-color-scheme:dark", "@media print",
      "name=\"viewport\"",
    ] { #expect(html.contains(part), "\(part)") }
    // One first-level heading, and every picture has a text.
    #expect(html.components(separatedBy: "<h1").count == 2)
    #expect(html.components(separatedBy: "<img").count == html.components(separatedBy: "<img alt=\"").count)
  }

  @Test func imagesAreOnlyBase64() throws {
    let html = HTMLRenderer.render(SampleReports.hostile())
    for part in html.components(separatedBy: "src=\"data:image/png;base64,").dropFirst() {
      let body = part.prefix { $0 != "\"" }
      #expect(body.allSatisfy { $0.isLetter || $0.isNumber || "+/=".contains($0) })
    }
  }

  @Test func degenerateChartsDoNotTrap() {
    var report = SampleReports.imageClassifier()
    report.robustness?.attacks = [
      Report.Attack(name: "PGD", norm: "Linf", epsilon: 0, robustAccuracy: .fraction(.nan)),
      Report.Attack(name: "PGD", norm: "Linf", epsilon: .infinity, robustAccuracy: .fraction(2)),
    ]
    report.robustness?.cleanAccuracy = .fraction(0)
    report.analysis?.profile?.kernels = [
      Report.Kernel(name: "", opType: "", sources: [], milliseconds: .nan, share: .nan)
    ]
    report.analysis?.latency?.p50Milliseconds = .milliseconds(0)
    report.optimization?.speedup = .ratio(0)
    report.analysis?.parameters = .count(0)
    #expect(HTMLChecker.check(HTMLRenderer.render(report)).isEmpty)
    #expect(!MarkdownRenderer.render(report).isEmpty)
    #expect(!TerminalRenderer.render(report).isEmpty)
  }
}
