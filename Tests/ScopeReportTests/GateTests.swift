import Foundation
import ScopePolicy
import ScopeReport
import TestSupport
import Testing

@Suite struct GateTests {
  private struct Golden: Decodable {
    struct Share: Decodable {
      var successes: Int
      var trials: Int
      var limit: Double
      var low: Double
      var high: Double
      var outcome: GateCheck.Outcome
      var more: Int?
    }
    struct Difference: Decodable {
      var a: [Int]
      var b: [Int]
      var difference: Double
      var low: Double
      var high: Double
    }
    struct Time: Decodable {
      var value: Double
      var low: Double
      var high: Double
      var samples: Int
      var limit: Double
      var more: Int
    }
    struct Ratio: Decodable {
      var new: [Double]
      var old: [Double]
      var change: Double
      var low: Double
      var high: Double
    }
    var shares: [Share]
    var differences: [Difference]
    var times: [Time]
    var ratios: [Ratio]
  }

  private func golden() throws -> Golden {
    try JSONDecoder().decode(
      Golden.self, from: Data(contentsOf: URL(filePath: Fixture.path("gate/statistics.json"))))
  }

  private func share(_ counts: [Int]) throws -> GateEstimate {
    GateEstimate(try #require(Figure.proportion(counts[0], of: counts[1])))
  }

  private func near(_ a: Double?, _ b: Double) -> Bool { a.map { abs($0 - b) < 1e-9 } ?? false }

  @Test func sharesAgreeWithSciPy() throws {
    for row in try golden().shares {
      let estimate = try share([row.successes, row.trials])
      #expect(near(estimate.interval?.lowerBound, row.low) && near(estimate.interval?.upperBound, row.high))
      let outcome = estimate.outcome(limit: row.limit, isFloor: true)
      #expect(outcome == row.outcome)
      if let more = row.more {
        let own = try #require(estimate.moreSamples(limit: row.limit))
        // The search over the interval's formula and its inversion may differ by rounding at the boundary.
        #expect(abs(own - more) <= 1, "\(own) \(more)")
      }
    }
  }

  @Test func differencesRatiosAndTimesAgreeWithNumPy() throws {
    let golden = try golden()
    for row in golden.differences {
      let own = try share(row.a).difference(from: try share(row.b))
      #expect(near(own.value, row.difference))
      #expect(near(own.interval?.lowerBound, row.low) && near(own.interval?.upperBound, row.high))
    }
    for row in golden.ratios {
      let new = GateEstimate(row.new[0], interval: row.new[1]...row.new[2], samples: 100)
      let old = GateEstimate(row.old[0], interval: row.old[1]...row.old[2], samples: 100)
      let own = try #require(new.relativeChange(from: old))
      #expect(near(own.value, row.change))
      #expect(near(own.interval?.lowerBound, row.low) && near(own.interval?.upperBound, row.high))
    }
    for row in golden.times {
      let estimate = GateEstimate(row.value, interval: row.low...row.high, samples: row.samples)
      #expect(estimate.outcome(limit: row.limit, isFloor: false) == .inconclusive)
      #expect(estimate.moreSamples(limit: row.limit) == row.more)
    }
  }

  @Test func limitsThemselvesHold() {
    let exact = GateEstimate(12)
    #expect(exact.outcome(limit: 12, isFloor: false) == .pass)
    #expect(exact.outcome(limit: 12, isFloor: true) == .pass)
    #expect(exact.outcome(limit: 11.9, isFloor: false) == .fail)
    #expect(GateEstimate(12, interval: 11...13, samples: 10).moreSamples(limit: 12) == nil)
    #expect(GateEstimate(.nan).outcome(limit: 12, isFloor: false) == .notMeasured)
    #expect(GateEstimate(1).relativeChange(from: GateEstimate(0)) == nil)
  }

  private func report(
    p50: Double = 10, low: Double = 9.5, high: Double = 10.5, correct: Int = 85, bytes: Int = 1_000_000
  ) -> Report {
    var report = Report(
      model: Report.Model(name: "m.onnx", path: "m.onnx", format: "onnx", bytes: bytes),
      conditions: SampleReports.conditions())
    var analysis = Report.Analysis(parameters: .count(1000))
    analysis.latency = Report.Latency(
      p50Milliseconds: .milliseconds(p50, interval: .init(low: low, high: high), samples: 100), samples: 100,
      threads: 2, batch: 1)
    report.analysis = analysis
    if let accuracy = Figure.proportion(correct, of: 100) { report.evaluation = .init(accuracy: accuracy) }
    report.security = Report.Security(verdict: .safe)
    return report
  }

  private func policy(_ budgets: Budget...) -> Policy {
    var policy = Policy(path: "p.yml")
    policy.budgets = budgets
    return policy
  }

  @Test func outcomesDecideTheExitCode() {
    func code(_ budget: Budget, inconclusiveFails: Bool = false, baseline: Report? = nil) -> Int32 {
      var options = Gate.Options()
      options.inconclusiveFails = inconclusiveFails
      return Gate.evaluate(policy(budget), on: report(), baseline: baseline, options: options).exitCode
    }
    #expect(code(.init(.latencyP50, absolute: 11)) == 0)
    #expect(code(.init(.latencyP50, absolute: 9)) == 1)
    #expect(code(.init(.latencyP50, level: .warn, absolute: 9)) == 0)
    #expect(code(.init(.latencyP50, level: .off, absolute: 9)) == 0)
    #expect(code(.init(.latencyP50, absolute: 10)) == 0)
    #expect(code(.init(.latencyP50, absolute: 10.1), inconclusiveFails: true) == 1)
    #expect(code(.init(.latencyP50, level: .warn, absolute: 10.1), inconclusiveFails: true) == 0)
    #expect(code(.init(.macs, absolute: 1)) == 3)
    #expect(code(.init(.macs, level: .warn, absolute: 1)) == 0)
    #expect(code(.init(.size, relative: 0.05)) == 3)
    #expect(code(.init(.size, relative: 0.05), baseline: report(bytes: 950_000)) == 1)
    #expect(code(.init(.size, relative: 0.06), baseline: report(bytes: 950_000)) == 0)
  }

  @Test func whatIsInconclusiveSaysHowMuchMoreDecides() throws {
    let result = Gate.evaluate(policy(.init(.accuracy, absolute: 0.8)), on: report())
    let check = try #require(result.checks.first { $0.id == "accuracy" })
    #expect(check.outcome == .inconclusive)
    // z^2 0.8 0.2 / 0.05^2 = 245.9: 246 images in all.
    #expect(check.moreSamples == 146)
    #expect(check.remedy?.contains("146 more images") == true)
  }

  @Test func unlikeMachinesAreNotCompared() throws {
    var (now, before) = (report(), report())
    now.conditions.machine.fingerprint = "a"
    before.conditions.machine.fingerprint = "b"
    // exp(hypot(log(10.5 / 10), log(10 / 9.5))) = 1.073: the change is -6.8% to +7.3%.
    let budget = Budget(.latencyP50, relative: 0.05)
    let unlike = Gate.evaluate(policy(budget), on: now, baseline: before)
    #expect(
      unlike.exitCode == 3 && unlike.checks.contains { $0.evidence.contains("another kind of machine") })
    before.conditions.machine.fingerprint = "a"
    let alike = Gate.evaluate(policy(budget), on: now, baseline: before)
    #expect(alike.checks.first { $0.id == "latency-p50.max-increase" }?.outcome == .inconclusive)
  }

  @Test func theDropIsAgainstTheBaseline() throws {
    let budget = Budget(.accuracyDrop, absolute: 0.01)
    let result = Gate.evaluate(policy(budget), on: report(correct: 60), baseline: report(correct: 90))
    let check = try #require(result.checks.first { $0.id == "accuracy-drop" })
    #expect(check.outcome == .fail && abs((check.figure?.value ?? 0) - 0.3) < 1e-9)
  }

  @Test func scoresAtUnlikeRadiiAreNotCompared() {
    func attacked(_ epsilon: Double) -> Report {
      var result = report()
      result.robustness = Report.Robustness(cleanAccuracy: .fraction(0.8, samples: 100))
      result.robustness?.score = Figure(50, .score)
      result.robustness?.headlineEpsilon = epsilon
      return result
    }
    let policy = policy(.init(.robustnessScore, relative: 20))
    #expect(Gate.evaluate(policy, on: attacked(0.01), baseline: attacked(0.02)).exitCode == 3)
    #expect(Gate.evaluate(policy, on: attacked(0.01), baseline: attacked(0.01)).exitCode == 0)
  }

  private func finding(_ number: Int, _ severity: Report.Severity = .high) -> Report.Finding {
    Report.Finding(
      rule: "PKL001", severity: severity, kind: .file, title: "Callable <b>", evidence: "os.system | x",
      mitigation: "Do not load it", fingerprint: String(repeating: "\(number)", count: 64))
  }

  @Test func onlyNewFindingsFailAgainstABaseline() throws {
    var (now, before) = (report(), report())
    now.security = Report.Security(verdict: .unsafe, findings: [finding(1)])
    #expect(Gate.evaluate(policy(), on: now).exitCode == 1)
    #expect(Gate.evaluate(policy(), on: now, baseline: before).exitCode == 1)
    before.security = now.security
    #expect(Gate.evaluate(policy(), on: now, baseline: before).exitCode == 0)
    now.security?.findings.append(finding(2))
    #expect(Gate.evaluate(policy(), on: now, baseline: before).exitCode == 1)
    var strict = policy()
    strict.security.failOn = "critical"
    #expect(Gate.evaluate(strict, on: now, baseline: before).exitCode == 0)
    now.security = Report.Security(verdict: .incomplete)
    #expect(Gate.evaluate(policy(), on: now).exitCode == 3)
  }

  @Test func suppressionsHoldUntilTheirDay() throws {
    var now = report()
    now.security = Report.Security(verdict: .unsafe, findings: [finding(1)])
    let text =
      "security:\n  suppressions:\n    - rule: PKL001\n      reason: known\n      expires: 2026-12-01\n"
    let policy = try Policy(text, path: "p.yml", rules: ["PKL001"])
    func code(_ day: String) -> Int32 {
      var options = Gate.Options()
      options.today = CalendarDay(day)
      return Gate.evaluate(policy, on: now, options: options).exitCode
    }
    #expect(code("2026-12-01") == 0 && code("2026-12-02") == 1)
  }

  @Test func outputsAreWellFormedAndInert() throws {
    var now = report()
    now.model.name = "<script>|`x`\u{202E}.onnx"
    now.model.path = "a\"b/\u{1B}[31m.onnx"
    now.security = Report.Security(verdict: .unsafe, findings: [finding(1)])
    let result = Gate.evaluate(
      policy(
        .init(.macs, absolute: 1), .init(.accuracy, absolute: 0.8), .init(.size, absolute: 2e6),
        .init(.latencyP50, level: .warn, absolute: 1)), on: now)
    #expect(result.exitCode == 1 && result.checks.first?.id == "security")
    let junit = JUnitRenderer.render(result)
    #expect(XMLCheck.isWellFormed(junit))
    #expect(junit.contains("tests=\"5\" failures=\"1\" errors=\"0\" skipped=\"3\""))
    let issues = try #require(
      try JSONSerialization.jsonObject(with: Data(GitLabRenderer.render(result).utf8)) as? [[String: Any]])
    #expect(issues.count == 4 && Set(issues.compactMap { $0["fingerprint"] as? String }).count == 4)
    #expect(issues.first?["severity"] as? String == "blocker")
    let comment = GateMarkdownRenderer.comment(result)
    #expect(
      comment.hasPrefix(GateMarkdownRenderer.marker) && comment.count < GateMarkdownRenderer.commentLimit)
    #expect(!comment.contains("<script>") && !comment.contains("os.system | x"))
    let terminal = GateTerminalRenderer.render(result, options: .init())
    #expect(terminal.hasPrefix("FAILED") && terminal.hasSuffix("exit code 1\n"))
    for text in [terminal, comment, junit] {
      #expect(!text.unicodeScalars.contains("\u{1B}") && !text.unicodeScalars.contains("\u{202E}"))
    }
    let again = try JSONDecoder().decode(
      GateResult.self, from: Data(try JSONRenderer.encode(result).utf8))
    #expect(again == result)
  }

  @Test func theTemplateIsAPolicyThatTheReportKeeps() throws {
    for report in [report(), SampleReports.imageClassifier()] {
      var report = report
      report.security = nil
      var policy = try Policy(PolicyTemplate.render(report), path: "p.yml", rules: [])
      #expect(policy.budgets.contains { $0.metric == .size })
      policy.security.level = .off
      let result = Gate.evaluate(policy, on: report)
      #expect(result.count(.fail) == 0 && result.count(.inconclusive) == 0, "\(result.checks)")
    }
  }
}

private enum XMLCheck {
  /// Tags balance and no raw markup stands in text: what a reader of XML needs here.
  static func isWellFormed(_ text: String) -> Bool {
    var open: [Substring] = []
    for part in text.split(separator: "<").dropFirst() {
      guard let end = part.firstIndex(of: ">") else { return false }
      let tag = part[..<end]
      if tag.hasPrefix("/") {
        guard open.popLast() == tag.dropFirst() else { return false }
      } else if !tag.hasSuffix("/") {
        open.append(tag.prefix { $0 != " " })
      }
    }
    return open.isEmpty
  }
}
