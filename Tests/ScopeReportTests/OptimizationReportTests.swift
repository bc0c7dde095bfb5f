import Foundation
import ScopeReport
import Testing

/// How the section on optimization reads: headline, candidates, plot, sensitivity, engines.
@Suite struct OptimizationReportTests {
  private func blocks(_ report: Report) -> [Document.Block] {
    Document(report, sections: [.optimization]).sections[0].blocks
  }

  private func headline(_ report: Report) -> String? {
    for case .lead(let text) in blocks(report) { return text }
    return nil
  }

  private func change(_ change: (inout Report.Optimization) -> Void) -> Report {
    var report = SampleReports.imageClassifier()
    if var optimization = report.optimization {
      change(&optimization)
      report.optimization = optimization
    }
    return report
  }

  private func forms(_ report: Report) -> [String] {
    [MarkdownRenderer.render(report), HTMLRenderer.render(report), TerminalRenderer.render(report)]
  }

  // A failure names what is missing; the whole report would fill the log.
  private func expect(_ text: String, has part: String, at place: SourceLocation = #_sourceLocation) {
    if !text.contains(part) { Issue.record("not in the text: \(part)", sourceLocation: place) }
  }

  private func expect(_ text: String, hasNo part: String, at place: SourceLocation = #_sourceLocation) {
    if text.contains(part) { Issue.record("in the text: \(part)", sourceLocation: place) }
  }

  @Test func headlineWithLabels() {
    #expect(
      headline(SampleReports.imageClassifier())
        == "18.83 MB → 5.10 MB (−72.9%), p50 11.3 → 8.14 ms (1.39×), accuracy drop 0.25 points, 95% CI −0.4 to 0.9 "
        + "(400 samples), agreement 98.5%")
  }

  @Test func headlineWithoutLabelsSpeaksOfPredictions() {
    let report = change {
      $0.originalAccuracy = nil
      $0.optimizedAccuracy = nil
      $0.accuracyDrop = .fraction(0.015, interval: Figure.Interval(low: 0.006, high: 0.033), samples: 400)
      for index in $0.candidates.indices { $0.candidates[index].accuracy = nil }
    }
    #expect(
      headline(report)?.hasSuffix("predictions changed 1.5%, 95% CI 0.6% to 3.3% (400 samples)") == true)
    #expect(forms(report).allSatisfy { $0.contains("Predictions changed") && !$0.contains("Accuracy drop") })
    // The agreement alone says the same.
    let agreement = change {
      $0.originalAccuracy = nil
      $0.optimizedAccuracy = nil
      $0.accuracyDrop = nil
    }
    #expect(headline(agreement)?.contains("predictions changed 1.5%") == true)
  }

  @Test func headlineWithoutAJudgeSaysSo() {
    let report = change {
      $0.originalAccuracy = nil
      $0.optimizedAccuracy = nil
      $0.accuracyDrop = nil
      $0.agreement = nil
      $0.speedup = .ratio(1.02, interval: Figure.Interval(low: 0.97, high: 1.07))
    }
    #expect(headline(report)?.contains("1.02×, not told from 1×") == true)
    #expect(headline(report)?.hasSuffix("accuracy: not measured") == true)
    #expect(MarkdownRenderer.render(report).contains("no data judged it"))
  }

  @Test func gainsAreSigned() {
    let report = change {
      $0.optimizedAccuracy = .proportion(358, of: 400)
      $0.accuracyDrop = .fraction(-0.01, interval: Figure.Interval(low: -0.02, high: -0.001), samples: 400)
    }
    #expect(headline(report)?.contains("accuracy drop −1 point, 95% CI −2 to −0.1 (400 samples)") == true)
    #expect(report.narrated().optimization?.accuracyDrop?.interpretation?.contains("proven better") == true)
  }

  @Test(arguments: [("latency", "the fastest"), ("size", "the smallest"), ("balanced", "the best product")])
  func objectives(name: String, what: String) {
    let report = change { $0.objective = name }
    #expect(MarkdownRenderer.render(report).contains("Objective: \(name), \(what)"))
  }

  @Test func compactTableIsOrderedAndOneLineEach() throws {
    let tables = blocks(SampleReports.imageClassifier()).compactMap { block -> Document.Table? in
      if case .table(let table) = block { return table }
      return nil
    }
    let table = try #require(tables.first)
    #expect(table.columns.map(\.title) == ["Candidate", "Size", "Speedup", "Drop", "Agree", "SQNR", "Mark"])
    #expect(table.rows.map { $0.last } == ["", "chosen", "front", "within", "out", "out"])
    #expect(table.emphasized == 1)
    #expect(table.rows[1] == ["u8s8 ch, 7-bit, dw8", "5.10 MB", "1.39×", "0.25", "98.5%", "26.1", "chosen"])
    let text = TerminalRenderer.render(SampleReports.imageClassifier(), options: .init(width: 80))
    expect(text, has: "\n  u8s8 ch, 7-bit, dw8   5.10 MB")
  }

  @Test func longListsStayReadable() throws {
    let report = change { optimization in
      for index in 0..<40 {
        var candidate = Report.Candidate(
          name: "variant \(index)", verdict: "loses \(index).5 points of accuracy, 1 are allowed",
          standing: .out)
        candidate.bytes = .bytes(5_000_000 + index)
        candidate.accuracy = .proportion(300, of: 400)
        candidate.p50Milliseconds = .milliseconds(8)
        candidate.speedup = .ratio(1.4)
        optimization.candidates.append(candidate)
      }
    }
    let text = TerminalRenderer.render(report, sections: [.optimization], options: .init(width: 80))
    expect(text, has: "The 12 best of 46, measured here")
    expect(text, has: "34 more are not in this table: 34 out.")
    expect(text, has: "loses 0.5 to 39.5 points of accuracy, 1 are allowed: variant 0")
    expect(text, hasNo: "variant 30")
    let html = HTMLRenderer.render(report)
    expect(html, has: "<details><summary>All 46 candidates with their steps and verdicts</summary>")
    expect(html, has: "variant 39</th>")
    #expect(HTMLChecker.check(html).isEmpty)
    let markdown = MarkdownRenderer.render(report)
    expect(markdown, has: "<summary>All 46 candidates")
    expect(markdown, has: "| variant 39 |")
  }

  @Test func reasonsAreGrouped() {
    let text = MarkdownRenderer.render(SampleReports.imageClassifier())
    expect(text, has: "- loses 4.5 to 8.5 points: u8s8 tensor and u8s8 ch\n")
    expect(text, has: "- slower than FP32: u8u8 ch\n")
    expect(text, has: "Short names: ch for per-channel, tensor for per-tensor and dw8 for depthwise 8-bit.")
  }

  @Test func repeatedNotesStandOnce() {
    let text = MarkdownRenderer.render(change { $0.notes = ["the same", "the same"] })
    #expect(text.components(separatedBy: "- The same.").count == 2)
  }

  @Test func namesWithCommasAreKeptApart() {
    let text = MarkdownRenderer.render(
      change {
        $0.candidates[2].name = "a 7-bit, b"
        $0.candidates[3].name = "c"
      })
    expect(text, has: "- loses 4.5 to 8.5 points: a 7-bit, b; c\n")
  }

  @Test func plotHasATextAndOnlyMeasuredPoints() throws {
    let html = HTMLRenderer.render(SampleReports.imageClassifier())
    let svg = try #require(
      html.components(separatedBy: "class=\"long pareto\">").last?.components(separatedBy: "</svg>").first)
    expect(svg, has: "<desc id=\"pareto-desc\">original (original): 11.3 ms, 18.83 MB")
    expect(svg, has: "1 on the front, 1 within the budget and 2 ruled out")
    #expect(svg.components(separatedBy: "class=\"dot\"").count == 7)
    // A single point, or none, is no picture.
    let bare = HTMLRenderer.render(
      change { optimization in
        optimization.candidates = [Report.Candidate(name: "a", verdict: "b", standing: .notRun)]
        optimization.originalP50Milliseconds = nil
      })
    expect(bare, hasNo: "class=\"long pareto\"")
    expect(bare, has: "not run")
  }

  @Test func plotNamesDoNotMeet() throws {
    let report = change { optimization in
      for index in optimization.candidates.indices {
        optimization.candidates[index].isOnFront = true
        if optimization.candidates[index].standing > .chosen {
          optimization.candidates[index].standing = .front
        }
        optimization.candidates[index].bytes = .bytes(5_000_000 + 1000 * index)
        optimization.candidates[index].p50Milliseconds = .milliseconds(8 + 0.01 * Double(index))
      }
      optimization.candidates[0].p50Milliseconds = .milliseconds(20)
    }
    let html = HTMLRenderer.render(report)
    let svg = try #require(
      html.components(separatedBy: "class=\"long pareto\">").last?.components(separatedBy: "</svg>").first)
    let names = try #require(svg.components(separatedBy: "<g aria-hidden=\"true\">").last)
    let places = names.components(separatedBy: "<text ").dropFirst().compactMap { part -> (Double, Double)? in
      let values = part.components(separatedBy: "\"")
      guard values.count > 3, let x = Double(values[1]), let y = Double(values[3]) else { return nil }
      return (x, y)
    }
    #expect(places.count >= 4)
    for (index, one) in places.enumerated() {
      for other in places.dropFirst(index + 1) {
        #expect(abs(one.1 - other.1) >= 16 || abs(one.0 - other.0) > 20, "\(one) \(other)")
      }
    }
  }

  @Test func sensitivityNamesLayersAndMeaning() {
    let report = SampleReports.imageClassifier()
    for text in forms(report) {
      expect(text, has: "Which layers INT8 hurts")
      expect(text, has: "14.2 dB")
    }
    let text = MarkdownRenderer.render(report)
    expect(text, has: "The most sensitive layers are stem/conv and blocks.0.0/depthwise.")
    expect(text, has: "noise of 19% of their amplitude")
    expect(text, has: "costs little size")
    // Far from the others only.
    let calm = MarkdownRenderer.render(
      change { optimization in
        for index in optimization.sensitivity.indices { optimization.sensitivity[index].sqnr = 40 }
        optimization.sensitivity[3].sqnr = .nan
      })
    expect(calm, has: "No layer is sensitive.")
    expect(calm, hasNo: "| classifier | Gemm |")
    // Large layers are not called cheap.
    let costly = MarkdownRenderer.render(change { $0.sensitivity[0].parameterShare = 0.4 })
    expect(costly, has: "gives up a part of the reduction")
  }

  @Test func enginesClaimOnlyWhatIntervalsSupport() {
    let proven = MarkdownRenderer.render(SampleReports.imageClassifier())
    expect(proven, has: "Deploy with OpenVINO, 2 threads, fixed shapes. Side by side it is 1.06× as fast")
    expect(proven, has: "OpenVINO's best is 1.21× as fast as ONNX Runtime's (1.17× to 1.25×).")
    let open = MarkdownRenderer.render(
      change {
        $0.engines?.openVINOOverONNXRuntime = .ratio(1.02, interval: Figure.Interval(low: 0.97, high: 1.06))
        $0.engines?.rows[2].speedup = .ratio(1.02, interval: Figure.Interval(low: 0.99, high: 1.05))
      })
    expect(open, has: "no difference is proven (0.97× to 1.06×)")
    expect(open, has: "No other setting of that engine is proven faster")
    expect(open, hasNo: "Side by side")
    let other = MarkdownRenderer.render(
      change {
        $0.engines?.openVINOOverONNXRuntime = .ratio(0.5, interval: Figure.Interval(low: 0.4, high: 0.8))
      })
    expect(other, has: "ONNX Runtime's best is 2.00× as fast as OpenVINO's (1.25× to 2.50×).")
  }

  @Test func lossIntervalIsReadAgainstTheBudget() {
    func text(_ low: Double, _ high: Double) -> String {
      change {
        $0.accuracyDrop = .fraction(0.005, interval: Figure.Interval(low: low, high: high), samples: 400)
      }.narrated().optimization?.accuracyDrop?.interpretation ?? ""
    }
    #expect(text(-0.004, 0.009).contains("no loss is proven; the upper end is within the accepted 1 point"))
    #expect(
      text(-0.004, 0.03).contains(
        "up to 3 points, beyond the accepted 1 point, cannot be excluded with 400 samples"))
    #expect(text(0.002, 0.009).contains("A loss is proven"))
    #expect(text(0.02, 0.03).contains("beyond the accepted 1 point"))
  }

  /// A run without labels that helps is recommended by what was measured.
  @Test func unlabelledRunsAreJudgedByAgreement() {
    let report = change {
      $0.originalAccuracy = nil
      $0.optimizedAccuracy = nil
      $0.accuracyDrop = .fraction(0.005, samples: 400)
    }
    let advice = report.narrated().recommendations.first { $0.title == "Optimize" }
    #expect(advice?.motivation.contains("0.5% of the predictions changed") == true)
  }

  @Test func nothingMeasured() {
    var report = SampleReports.imageClassifier()
    report.optimization = Report.Optimization(originalBytes: 0, optimizedBytes: 0, isApproximate: true)
    report.optimization?.engines = Report.EngineTable(best: "")
    #expect(HTMLChecker.check(HTMLRenderer.render(report)).isEmpty)
    #expect(headline(report) == "0 bytes → 0 bytes (0.0%), accuracy: not measured")
    for text in forms(report) {
      expect(text, hasNo: "Candidates tried")
      expect(text, hasNo: "Which layers INT8 hurts")
    }
  }

  @Test func absurdFiguresDoNotTrap() {
    let values: [Double] = [.nan, .infinity, -.infinity, 0, -1, 1e300, Double.leastNonzeroMagnitude]
    for value in values {
      let report = change { optimization in
        for index in optimization.candidates.indices {
          optimization.candidates[index].p50Milliseconds = .milliseconds(
            index == 0 ? 1 : value, interval: Figure.Interval(low: value, high: value))
          optimization.candidates[index].bytes = Figure(index == 1 ? 1 : value, .bytes)
          optimization.candidates[index].speedup = .ratio(
            value, interval: Figure.Interval(low: value, high: value))
          optimization.candidates[index].accuracyDrop = .fraction(value)
          optimization.candidates[index].calibrationSQNR = value
        }
        optimization.accuracyDrop = .fraction(value, interval: Figure.Interval(low: value, high: value))
        for index in optimization.sensitivity.indices {
          optimization.sensitivity[index].sqnr = value
          optimization.sensitivity[index].parameterShare = value
        }
        optimization.engines?.openVINOOverONNXRuntime = .ratio(
          value, interval: Figure.Interval(low: value, high: value))
        optimization.originalBytes = Figure(value, .bytes)
      }
      #expect(HTMLChecker.check(HTMLRenderer.render(report)).isEmpty, "\(value)")
      #expect(forms(report).allSatisfy { !$0.isEmpty })
    }
  }
}
