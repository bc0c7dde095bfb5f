import ScopeBytes
import ScopeReport
import ScopeRuntime
import ScopeStatistics

/// Load time, first inference and steady-state latency, apart.
enum LatencyStage {
  typealias Outcome = (latency: Report.Latency, session: Session, summary: LatencySummary)

  static func run(_ measurement: Measurement) throws(ScopeError) -> Outcome {
    measurement.progress("Measuring latency")
    let session = try measurement.session()
    let clock = ContinuousClock()
    let start = clock.now
    _ = try session.run(measurement.feeds)
    let first = (clock.now - start).milliseconds
    let budget = measurement.options.latencyBudget
    let summary = try LatencyBenchmark.measure(
      session, feeds: measurement.feeds, batch: measurement.batch,
      plan: .init(budget: budget, minimumSamples: measurement.options.leastLatencySamples))
    let conditions = measurement.conditions
    var latency = Report.Latency(
      p50Milliseconds: .milliseconds(
        summary.medianMilliseconds, interval: interval(summary.medianInterval),
        spread: summary.p75Milliseconds - summary.p25Milliseconds, samples: summary.samples.count,
        conditions: conditions),
      samples: summary.samples.count, threads: summary.threads, batch: measurement.batch)
    latency.warmupRuns = summary.warmUpRuns
    latency.stopReason = stopReason(summary, budget: budget)
    latency.p90Milliseconds = summary.p90Milliseconds.map {
      .milliseconds($0, samples: summary.samples.count)
    }
    latency.p95Milliseconds = summary.samples.quantileInterval(0.95).map {
      .milliseconds(
        summary.samples.quantile(0.95),
        interval: Figure.Interval(low: $0.lowerBound, high: $0.upperBound, method: "order statistics"),
        samples: summary.samples.count, conditions: conditions)
    }
    latency.p99Milliseconds = summary.p99Milliseconds.map {
      .milliseconds($0, samples: summary.samples.count)
    }
    latency.interquartileRangeMilliseconds = .milliseconds(summary.p75Milliseconds - summary.p25Milliseconds)
    latency.loadMilliseconds = .milliseconds(
      session.loadTime.milliseconds, samples: 1,
      conditions: "creating the session, optimizing the graph included")
    latency.firstInferenceMilliseconds = .milliseconds(
      first, samples: 1, conditions: "memory is allocated in it")
    latency.imagesPerSecond = Figure(summary.imagesPerSecond, .imagesPerSecond, conditions: conditions)
    return (latency, session, summary)
  }

  static func interval(_ range: ClosedRange<Double>) -> Figure.Interval {
    Figure.Interval(low: range.lowerBound, high: range.upperBound, method: "order statistics of the median")
  }

  private static func stopReason(_ summary: LatencySummary, budget: Duration) -> String {
    let seconds = (budget.milliseconds / 100).rounded() / 10
    let warm = summary.isWarm ? "" : "; the median was still moving when the warm-up ended"
    switch summary.stop {
    case .precise?: return "the 95% interval of the median is within 2%\(warm)"
    case .budget?: return "the time budget of \(seconds) s ended\(warm)"
    case .enough?, nil: return "\(summary.samples.count) runs were enough for every percentile\(warm)"
    }
  }

  /// Percentiles that the samples do not support.
  static func missing(_ summary: LatencySummary) -> [Report.NotMeasured] {
    [("p90Milliseconds", summary.p90Milliseconds, 64), ("p99Milliseconds", summary.p99Milliseconds, 662)]
      .filter { $0.1 == nil }.map { name, _, needed in
        let seconds = Int((Double(needed) * summary.medianMilliseconds / 1000).rounded(.up)) + 1
        return Report.NotMeasured(
          path: "analysis.latency.\(name)",
          reason: "not enough samples: \(summary.samples.count) of \(needed)",
          remedy: "neural-scope analyze --latency-seconds \(seconds)")
      }
  }
}
