import ScopeBytes
import ScopeStatistics

/// Steady-state latency of one model under stated conditions.
public struct LatencySummary: Sendable, Hashable {
  /// One run each, milliseconds, in the order taken.
  public var samples: [Double]
  /// Runs before sampling began.
  public var warmUpRuns: Int
  public var threads: Int
  public var batch: Int

  public init(samples: [Double], warmUpRuns: Int, threads: Int, batch: Int) {
    self.samples = samples
    self.warmUpRuns = warmUpRuns
    self.threads = threads
    self.batch = batch
  }

  public var medianMilliseconds: Double { samples.quantile(0.5) }
  public var p25Milliseconds: Double { samples.quantile(0.25) }
  public var p75Milliseconds: Double { samples.quantile(0.75) }
  /// Interquartile range over the median: the spread of the measurement.
  public var relativeSpread: Double { (p75Milliseconds - p25Milliseconds) / medianMilliseconds }
  /// Nil below 64 samples (MLPerf LoadGen's early-stopping bound).
  public var p90Milliseconds: Double? { samples.count >= 64 ? samples.quantile(0.9) : nil }
  /// Nil below 662 samples (MLPerf LoadGen's early-stopping bound).
  public var p99Milliseconds: Double? { samples.count >= 662 ? samples.quantile(0.99) : nil }
  /// 95% confidence interval of the median from order statistics, milliseconds.
  public var medianInterval: ClosedRange<Double> { samples.medianInterval }
  public var imagesPerSecond: Double { 1000 * Double(batch) / medianMilliseconds }
}

/// How many times faster B is than A, measured side by side.
public struct SpeedRatio: Sendable, Hashable {
  /// Median over rounds of time(A) / time(B); above 1 means B is faster.
  public var ratio: Double
  /// 95% confidence interval of that median.
  public var interval: ClosedRange<Double>
  public var rounds: Int
}

public enum LatencyBenchmark {
  /// When to stop.
  public struct Plan: Sendable {
    public var budget: Duration
    public var minimumSamples: Int
    public var maximumSamples: Int

    public init(budget: Duration = .seconds(2), minimumSamples: Int = 20, maximumSamples: Int = 700) {
      self.budget = budget
      self.minimumSamples = minimumSamples
      self.maximumSamples = maximumSamples
    }
  }

  /// Runs until the median is known within 2% (95% confidence) or the budget is spent, after a warm-up that lasts
  /// until two windows of five runs agree within 5%.
  public static func measure(
    _ session: Session, feeds: [String: HostArray], batch: Int, plan: Plan = Plan()
  ) throws(ScopeError) -> LatencySummary {
    let clock = ContinuousClock()
    let warmUpRuns = try warmUp(session, feeds, until: clock.now + plan.budget / 2)
    var samples: [Double] = []
    let end = clock.now + plan.budget
    while samples.count < plan.maximumSamples {
      samples.append(try time(session, feeds))
      guard samples.count >= plan.minimumSamples else { continue }
      if clock.now >= end { break }
      if samples.count >= 64, samples.count % 16 == 0 {
        let interval = samples.medianInterval
        if interval.upperBound - interval.lowerBound <= 0.04 * samples.quantile(0.5) { break }
      }
    }
    return LatencySummary(samples: samples, warmUpRuns: warmUpRuns, threads: threads(session), batch: batch)
  }

  /// Times several sessions in turn, round by round, each round beginning with the next one, so that a drift of
  /// the machine and the caches' state meet all of them alike.
  public static func interleaved(
    _ sessions: [Session], feeds: [[String: HostArray]], batch: Int, plan: Plan = Plan()
  ) throws(ScopeError) -> [LatencySummary] {
    let clock = ContinuousClock()
    var warmUpRuns: [Int] = []
    for (session, feed) in zip(sessions, feeds) {
      warmUpRuns.append(
        try warmUp(session, feed, until: clock.now + plan.budget / (4 * max(sessions.count, 1))))
    }
    var samples = [[Double]](repeating: [], count: sessions.count)
    let end = clock.now + plan.budget
    var round = 0
    while round < plan.maximumSamples {
      // Rotated, not reversed: reversing would run the first and the last session twice in a row, with warm caches.
      for step in sessions.indices {
        let index = (round + step) % sessions.count
        samples[index].append(try time(sessions[index], feeds[index]))
      }
      round += 1
      if round >= plan.minimumSamples, clock.now >= end { break }
    }
    return sessions.indices.map { index in
      LatencySummary(
        samples: samples[index], warmUpRuns: warmUpRuns[index], threads: threads(sessions[index]),
        batch: batch)
    }
  }

  /// Compares two interleaved measurements round by round.
  public static func ratio(_ baseline: LatencySummary, over other: LatencySummary) -> SpeedRatio {
    let ratios = zip(baseline.samples, other.samples).map { $0 / $1 }
    return SpeedRatio(ratio: ratios.quantile(0.5), interval: ratios.medianInterval, rounds: ratios.count)
  }

  private static func threads(_ session: Session) -> Int {
    session.options.threads > 0 ? session.options.threads : Machine.coreCount
  }

  private static func warmUp(
    _ session: Session, _ feeds: [String: HostArray], until end: ContinuousClock.Instant
  ) throws(ScopeError) -> Int {
    let clock = ContinuousClock()
    var times: [Double] = []
    while times.count < 100 {
      times.append(try time(session, feeds))
      if times.count >= 10 {
        let last = Array(times.suffix(5)).quantile(0.5)
        let previous = Array(times.dropLast(5).suffix(5)).quantile(0.5)
        if abs(last - previous) <= 0.05 * previous { break }
      }
      if times.count >= 3, clock.now >= end { break }
    }
    return times.count
  }

  /// One run, milliseconds.
  private static func time(_ session: Session, _ feeds: [String: HostArray]) throws(ScopeError) -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    _ = try session.run(feeds)
    return (clock.now - start).milliseconds
  }
}

extension Duration {
  public var milliseconds: Double {
    Double(components.seconds) * 1e3 + Double(components.attoseconds) * 1e-15
  }
}
