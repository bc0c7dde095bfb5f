import Foundation
import ScopeReport
import Testing

@Suite struct JSONRendererTests {
  @Test func roundTrip() throws {
    for report in [SampleReports.imageClassifier(), SampleReports.structureOnly(), SampleReports.hostile()] {
      let text = try JSONRenderer.render(report)
      #expect(try JSONRenderer.decode(text) == report.narrated())
      #expect(try JSONRenderer.render(try JSONRenderer.decode(text)) == text)
    }
  }

  /// The paths other programs read; a change here breaks them.
  @Test func stablePaths() throws {
    let text = try JSONRenderer.render(SampleReports.imageClassifier())
    let root = try JSONSerialization.jsonObject(with: Data(text.utf8))
    func value(_ path: String) -> Any? {
      path.split(separator: ".").reduce(root as Any?) { node, key in
        if let index = Int(key) {
          let array = node as? [Any]
          return index < (array?.count ?? 0) ? array?[index] : nil
        }
        return (node as? [String: Any])?[String(key)]
      }
    }
    func number(_ path: String) -> Double? {
      let found = value(path)
      return (found as? NSNumber)?.doubleValue
        ?? ((found as? [String: Any])?["value"] as? NSNumber)?.doubleValue
    }
    for path in [
      "schemaVersion", "model.bytes", "analysis.parameters", "analysis.modules", "analysis.weightLayers",
      "analysis.graphNodes", "analysis.macs", "analysis.weightBytes", "analysis.peakActivationBytes",
      "analysis.latency.p50Milliseconds", "analysis.latency.samples", "analysis.latency.threads",
      "analysis.latency.batch", "optimization.originalBytes", "optimization.optimizedBytes",
      "optimization.sizeReduction", "optimization.speedup", "optimization.originalAccuracy",
      "optimization.optimizedAccuracy", "optimization.agreement", "optimization.candidates.0.bytes",
      "robustness.cleanAccuracy", "robustness.score", "robustness.headlineEpsilon",
      "robustness.attacks.0.epsilon",
      "robustness.attacks.0.robustAccuracy",
    ] { #expect(number(path) != nil, "\(path)") }
    for path in [
      "model.name", "model.format", "model.sha256", "model.architecture", "optimization.techniques.0",
      "optimization.candidates.0.name", "security.verdict", "security.findings.0.rule",
      "security.findings.0.severity",
      "security.findings.0.title", "security.findings.0.evidence", "security.findings.0.mitigation",
      "robustness.level",
      "robustness.attacks.0.name", "robustness.attacks.0.norm", "recommendations.0.title",
      "recommendations.0.command",
      "notMeasured.0.path", "notMeasured.0.reason", "notMeasured.0.remedy", "analysis.parameters.unit",
      "analysis.parameters.interpretation", "conclusion.decision",
    ] { #expect(value(path) is String, "\(path)") }
    #expect(number("analysis.parameters") == 4_652_008)
    // Not measured means absent, not null and not zero.
    #expect(value("analysis.latency.p99Milliseconds") == nil)
    #expect(!text.contains("null"))
  }

  @Test func sectionAlone() throws {
    let section = SectionReport(SampleReports.imageClassifier(), sections: [.analysis])
    let root = try #require(
      try JSONSerialization.jsonObject(with: Data(try JSONRenderer.render(section).utf8)) as? [String: Any])
    #expect(root["analysis"] != nil)
    #expect(root["optimization"] == nil)
    let absent = try #require(root["notMeasured"] as? [[String: Any]])
    #expect(absent.contains { $0["path"] as? String == "analysis.latency.p99Milliseconds" })
    #expect(absent.allSatisfy { ($0["path"] as? String)?.hasPrefix("analysis.") == true })
    #expect(SectionReport(SampleReports.imageClassifier(), sections: [.robustness]).notMeasured.isEmpty)
  }

  @Test func figuresThatAreNotNumbersStillEncode() throws {
    var report = SampleReports.structureOnly()
    report.analysis?.macs = Figure(.nan, .count)
    #expect(try JSONRenderer.render(report).contains("\"NaN\""))
  }
}
