import Foundation
import ScopeReport
import Testing

/// The top of the report: gauges with evidence, changes, what to do.
@Suite struct VerdictPageTests {
  @Test(arguments: HTMLRendererTests.samples)
  func everyGaugeShowsItsFormulaAndEvidence(report: Report) {
    let gauges = Document(report).gauges
    #expect(gauges.map(\.id) == ["analysis", "cost", "security", "robustness", "readiness"])
    let html = HTMLRenderer.render(report)
    for gauge in gauges {
      #expect(!gauge.formula.isEmpty && !gauge.evidence.isEmpty, "\(gauge.id)")
      #expect(html.contains("id=\"gauge-\(gauge.id)\""))
      #expect(html.contains(Escape.html(gauge.formula)))
      for item in gauge.evidence where item.passed != nil {
        #expect(!item.threshold.isEmpty, "\(item.name) was compared with something")
      }
      #expect(gauge.fill.map { $0 >= 0 && $0 <= 1 } ?? true)
    }
  }

  /// The readiness gauge and the verdict ask for the same things.
  @Test func readinessAgreesWithTheVerdict() throws {
    var reports = HTMLRendererTests.samples
    var few = SampleReports.imageClassifier()
    few.optimization?.evaluationImages = 12
    var unsafe = SampleReports.imageClassifier()
    unsafe.security?.verdict = .unsafe
    var guessing = SampleReports.imageClassifier()
    guessing.optimization?.originalAccuracy = .fraction(0.0001)
    guessing.robustness?.cleanAccuracy = .fraction(0.0001)
    reports += [few, unsafe, guessing]
    for report in reports {
      let gauge = try #require(Document(report).gauges.last)
      let ready = gauge.evidence.prefix(4).allSatisfy { $0.passed == true }
      #expect(ready == (report.narrated().conclusion?.decision != .doNotShipYet), "\(report.testDescription)")
    }
    #expect(Set(reports.map { $0.narrated().conclusion?.decision == .doNotShipYet }).count == 2)
  }

  @Test func theBaselineIsTheHeadline() throws {
    let before = SampleReports.imageClassifier()
    var after = before
    after.model.bytes = before.model.bytes / 4
    let median = try #require(before.analysis?.latency?.p50Milliseconds.value)
    after.analysis?.latency?.p50Milliseconds = .milliseconds(
      median / 2, interval: .init(low: median / 2 - 0.01, high: median / 2 + 0.01))
    let delta = try #require(Document(after, baseline: before).delta)
    #expect(delta.headline.contains("(−75.0%)"))
    #expect(delta.headline.contains(" → ") && delta.headline.contains("p50 "))
    let html = HTMLRenderer.render(after, baseline: before)
    let changes = try #require(html.range(of: "id=\"changes\""))
    let verdict = try #require(html.range(of: "class=\"say\""))
    #expect(changes.lowerBound < verdict.lowerBound)
    #expect(MarkdownRenderer.render(after, baseline: before).contains("(−75.0%)"))
    #expect(TerminalRenderer.render(after, baseline: before).contains("(−75.0%)"))
  }

  @Test func unlikeIsNotCompared() throws {
    let before = SampleReports.imageClassifier()
    var after = before
    after.conditions.machine.fingerprint = "ffffffffffff"
    after.conditions.machine.cpu = "another"
    after.conditions.data?.images += 1
    let delta = try #require(Document(after, baseline: before).delta)
    #expect(!delta.headline.contains("p50") && !delta.headline.contains("accuracy"))
    #expect(!delta.rows.contains { $0.name == "Median time" || $0.name == "Accuracy" })
    #expect(
      delta.notes.contains { $0.contains("machines") } && delta.notes.contains { $0.contains("images") })
  }

  @Test func actionsNameTheirFigure() throws {
    let document = Document(SampleReports.imageClassifier())
    let quantize = try #require(document.actions.first { $0.gain.contains(" size, ") })
    #expect(quantize.gain.contains("×"))
    #expect(document.actions.allSatisfy { action in action.gain.contains { $0.isNumber } })
    let gains = SampleReports.imageClassifier().narrated().recommendations.map(\.gain)
    #expect(gains == gains.sorted(by: >))
  }

  /// What the page says of two models differs in more than the numbers.
  @Test func twoModelsReadDifferently() {
    func words(_ report: Report) -> Set<String> {
      let report = report.narrated()
      let texts =
        report.assessments.map(\.text) + report.recommendations.map(\.text)
        + (report.conclusion?.sentences ?? [])
      return Set(texts.map { text in text.filter { !$0.isNumber && $0 != "." && $0 != "," } })
    }
    let first = words(SampleReports.imageClassifier())
    let second = words(SampleReports.smallNetwork())
    #expect(first.intersection(second).count * 2 < first.count)
  }

  @Test(arguments: HTMLRendererTests.samples)
  func thePageHoldsTheReport(report: Report) throws {
    let html = HTMLRenderer.render(report)
    let start = try #require(html.range(of: "id=\"report-json\""))
    let open = try #require(html.range(of: ">", range: start.upperBound..<html.endIndex))
    let end = try #require(html.range(of: "</script>", range: open.upperBound..<html.endIndex))
    let json = String(html[open.upperBound..<end.lowerBound])
    let decoded = try JSONRenderer.decode(json)
    #expect(decoded.model == report.model)
    #expect(decoded.security == report.narrated().security)
    #expect(decoded.analysis?.parameters.value == report.analysis?.parameters.value)
  }
}
