import Foundation
import ScopeReport
import Testing

@Suite struct NarrativeTests {
  @Test func narrationIsIdempotent() {
    for report in HTMLRendererTests.samples { #expect(report.narrated().narrated() == report.narrated()) }
  }

  @Test func twoModelsReadDifferently() throws {
    let first = SampleReports.imageClassifier().narrated()
    let second = SampleReports.smallNetwork().narrated()
    #expect(first.analysis?.parameters.interpretation != second.analysis?.parameters.interpretation)
    #expect(first.conclusion?.decision == .shipOptimized)
    #expect(second.conclusion?.decision == .doNotShipYet)
    for (one, other) in zip(first.assessments, second.assessments) {
      #expect(one.title == other.title)
      #expect(one.text != other.text)
    }
    #expect(first.recommendations.map(\.title) != second.recommendations.map(\.title))
    let advice = [first, second].map { Set(($0.security?.recommendations ?? []).map(\.text)) }
    #expect(!advice[0].isEmpty && !advice[1].isEmpty && advice[0] != advice[1])
  }

  @Test func recommendationsAreCompleteAndOrdered() {
    for report in HTMLRendererTests.samples {
      let items = report.narrated().recommendations
      #expect(
        Set(items.map(\.title)) == [
          "Optimize", "Enhance Security", "Monitor Performance", "Regular Updates", "CI/CD Integration",
        ])
      #expect(items.map(\.gain) == items.map(\.gain).sorted(by: >))
      for item in items {
        #expect(item.command.hasPrefix("neural-scope "))
        #expect(!item.motivation.isEmpty && !item.basis.isEmpty)
      }
    }
  }

  @Test func conclusionHasThreeSentences() {
    for report in HTMLRendererTests.samples { #expect(report.narrated().conclusion?.sentences.count == 3) }
  }

  @Test func unsafeFilesAreNeverShipped() {
    var report = SampleReports.imageClassifier()
    report.security = Report.Security(
      verdict: .unsafe,
      findings: [
        Report.Finding(
          rule: "PKL001", severity: .critical, kind: .file, title: "Calls os.system", evidence: "byte 12",
          mitigation: "Delete the file.")
      ])
    let told = report.narrated()
    #expect(told.conclusion?.decision == .doNotShipYet)
    #expect(told.conclusion?.sentences[0].contains("PKL001") == true)
    #expect(told.recommendations.first?.title == "Enhance Security")
    report.security = Report.Security(verdict: .incomplete)
    #expect(report.narrated().conclusion?.decision == .doNotShipYet)
    report.security = nil
    #expect(report.narrated().conclusion?.decision == .doNotShipYet)
  }

  @Test func accuracyDecides() {
    var report = SampleReports.imageClassifier()
    report.optimization?.optimizedAccuracy = .proportion(330, of: 400)
    #expect(report.narrated().conclusion?.decision == .ship)
    report = SampleReports.imageClassifier()
    report.optimization?.evaluationImages = 99
    #expect(report.narrated().conclusion?.decision == .doNotShipYet)
    report = SampleReports.imageClassifier()
    report.conditions.data?.classes = 2
    report.optimization?.originalAccuracy = .proportion(205, of: 400)
    report.optimization?.optimizedAccuracy = .proportion(205, of: 400)
    report.robustness = nil
    #expect(report.narrated().conclusion?.headline.contains("guessing") == true)
  }

  /// A speedup whose interval contains 1 is not called one.
  @Test func uncertainSpeedIsNotClaimed() {
    var report = SampleReports.imageClassifier()
    report.optimization?.speedup = .ratio(1.05, interval: Figure.Interval(low: 0.98, high: 1.12))
    report.optimization?.sizeReduction = .fraction(0.01)
    let told = report.narrated()
    #expect(told.optimization?.speedup?.interpretation?.contains("no difference in speed is proven") == true)
    #expect(told.conclusion?.decision == .ship)
  }

  @Test func overshootingStepAndMaskingAreNamed() {
    let told = SampleReports.smallNetwork().narrated()
    #expect(told.robustness?.attacks[1].robustAccuracy.interpretation?.contains("overshoots") == true)
    var report = SampleReports.imageClassifier()
    report.robustness?.attacks[4].robustAccuracy = .fraction(0.7)
    #expect(MarkdownRenderer.render(report).contains("masked gradients"))
  }

  @Test func absentValuesSayHowToMeasureThem() {
    let report = SampleReports.structureOnly()
    for text in [
      MarkdownRenderer.render(report), TerminalRenderer.render(report, options: .init(width: 110)),
      HTMLRenderer.render(report),
    ] {
      #expect(text.contains("export the model to ONNX"))
      #expect(text.contains("not measured"))
      #expect(text.contains("neural-scope robustness MODEL --data DIR") || text.contains("MODEL --data DIR"))
    }
    #expect(report.narrated().conclusion?.headline.contains("accuracy is unknown") == true)
  }

  @Test func securityRecommendationsNeedSupport() {
    #expect(SampleReports.structureOnly().narrated().security?.recommendations.isEmpty == true)
    let titles = SampleReports.imageClassifier().narrated().security?.recommendations.map(\.title) ?? []
    #expect(titles.contains("Input validation") && titles.contains("Monitoring for unusual behaviour"))
    var calm = SampleReports.imageClassifier()
    calm.robustness?.attacks = []
    calm.robustness?.samples = []
    calm.robustness?.score = Figure(95, .score)
    #expect(calm.narrated().security?.recommendations.contains { $0.title == "Input validation" } == false)
  }

  @Test func largeRadiiAloneAreNotCalledSteady() {
    let told = SampleReports.smallNetwork().narrated()
    let security = told.recommendations.first { $0.title == "Enhance Security" }
    #expect(security?.motivation.contains("4/255") == true)
    #expect(told.conclusion?.sentences.last?.contains("flips 91%") == true)
  }

  @Test func candidatesThatWereNotRunAreNotCalledRun() {
    var report = SampleReports.imageClassifier()
    report.optimization?.candidates.removeFirst()
    var unmeasured = Report.Candidate(name: "u8s8 guess", verdict: "ruled out", standing: .notRun)
    unmeasured.bytes = .bytes(5)
    report.optimization?.candidates.insert(unmeasured, at: 0)
    let text = MarkdownRenderer.render(report)
    #expect(text.contains("6 candidates built, 5 of them run interleaved"))
    // The original is listed although the run did not list it, and only what was timed is drawn.
    #expect(text.contains("| original |"))
    let chart = HTMLRenderer.render(report).components(separatedBy: "class=\"long pareto\"").last?
      .components(separatedBy: "</svg>").first
    #expect(chart?.contains("u8u8 ch") == true)
    #expect(chart?.contains("u8s8 guess") == false)
  }

  @Test func pathsAreQuotedForTheShell() {
    var report = SampleReports.imageClassifier()
    report.model.path = "-my model's $(rm -rf).onnx"
    let commands = report.narrated().recommendations.map(\.command)
    #expect(commands.contains { $0.contains("'./-my model'\\''s $(rm -rf).onnx'") })
    report.model.path = "models/a.onnx"
    #expect(
      report.narrated().recommendations.contains { $0.command.contains("optimize models/a.onnx --data") })
  }
}
