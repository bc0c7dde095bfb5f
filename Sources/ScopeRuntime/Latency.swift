import ScopeBytes
import ScopeStatistics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Steady-state latency of one model under stated conditions.
public struct LatencySummary: Sendable, Hashable {
  /// One run each, milliseconds, in the order taken.
  public var samples: [Double]
  /// Runs before sampling began.
  public var warmUpRuns: Int
  /// Whether the warm-up ended because the median was stable, not because its time was over.
  public var isWarm: Bool
  public var threads: Int
  public var batch: Int
  /// Why sampling ended; nil where rounds were counted.
  public var stop: Stop?

  public enum Stop: Sendable, Hashable {
    /// The 95% confidence interval of the median is within ``LatencyBenchmark/precision`` of it.
    case precise
    case budget
    /// ``LatencyBenchmark/Plan/maximumSamples`` were taken.
    case enough
  }

  public init(
    samples: [Double], warmUpRuns: Int, isWarm: Bool = true, threads: Int, batch: Int, stop: Stop? = nil
  ) {
    self.samples = samples
    self.warmUpRuns = warmUpRuns
    self.isWarm = isWarm
    self.threads = threads
    self.batch = batch
    self.stop = stop
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

  public init(ratio: Double, interval: ClosedRange<Double>, rounds: Int) {
    self.ratio = ratio
    self.interval = interval
    self.rounds = rounds
  }
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

  /// Half width of the median's confidence interval, relative to it, at which sampling ends.
  public static let precision = 0.02

  /// Whether the 95% confidence interval of the median lies within ``precision`` of it.
  package static func isPrecise(_ samples: [Double]) -> Bool {
    let median = samples.quantile(0.5)
    let interval = samples.medianInterval
    return interval.lowerBound >= (1 - precision) * median && interval.upperBound <= (1 + precision) * median
  }

  /// Runs until the median is known within 2% (95% confidence) or the budget is spent, after a warm-up that lasts
  /// until two windows of five runs agree within 5%.
  ///
  /// Precision is looked at every 16 samples from 64 on, not after each: a test repeated at every sample would end
  /// early by chance, and 64 are needed for the 90th percentile.
  public static func measure(
    _ session: any InferenceSession, feeds: [String: HostArray], batch: Int, plan: Plan = Plan()
  ) throws(ScopeError) -> LatencySummary {
    let clock = ContinuousClock()
    let warmUp = try warmUp(session, feeds, until: clock.now + plan.budget / 2)
    var samples: [Double] = []
    var stop = LatencySummary.Stop.enough
    let end = clock.now + plan.budget
    while samples.count < plan.maximumSamples {
      samples.append(try time(session, feeds))
      guard samples.count >= plan.minimumSamples else { continue }
      if clock.now >= end {
        stop = .budget
        break
      }
      if samples.count >= 64, samples.count % 16 == 0, isPrecise(samples) {
        stop = .precise
        break
      }
    }
    return LatencySummary(
      samples: samples, warmUpRuns: warmUp.runs, isWarm: warmUp.isStable, threads: session.threads,
      batch: batch, stop: stop)
  }

  /// Times several sessions in turn, round by round, each round beginning with the next one, so that a drift of
  /// the machine meets all of them alike. Each turn is one run that is not counted and one that is: the first brings the
  /// session's own weights back into the caches, as they are in a program that runs one model.
  public static func interleaved(
    _ sessions: [any InferenceSession], feeds: [[String: HostArray]], batch: Int, plan: Plan = Plan()
  ) throws(ScopeError) -> [LatencySummary] {
    let clock = ContinuousClock()
    var warmUps: [(runs: Int, isStable: Bool)] = []
    for (session, feed) in zip(sessions, feeds) {
      warmUps.append(
        try warmUp(session, feed, until: clock.now + plan.budget / (4 * max(sessions.count, 1))))
    }
    var samples = [[Double]](repeating: [], count: sessions.count)
    let end = clock.now + plan.budget
    var round = 0
    while round < plan.maximumSamples {
      for step in sessions.indices {
        let index = (round + step) % sessions.count
        _ = try time(sessions[index], feeds[index])
        samples[index].append(try time(sessions[index], feeds[index]))
      }
      round += 1
      if round >= plan.minimumSamples, clock.now >= end { break }
    }
    return sessions.indices.map { index in
      LatencySummary(
        samples: samples[index], warmUpRuns: warmUps[index].runs, isWarm: warmUps[index].isStable,
        threads: sessions[index].threads, batch: batch)
    }
  }

  /// Times several sessions in blocks, each after a rest, for sessions that disturb each other when they take turns
  /// run by run: the idle threads of one that spins take the processor from the others, for up to 60 ms after it.
  ///
  /// - Returns: per session, a sample per block: the median of its runs, the first left out.
  public static func alternating(
    _ sessions: [any InferenceSession], feeds: [[String: HostArray]], batch: Int, budget: Duration,
    rest: Duration = .milliseconds(80), minimumBlocks: Int = 1, maximumBlocks: Int = 60
  ) throws(ScopeError) -> [LatencySummary] {
    let clock = ContinuousClock()
    let end = clock.now + budget
    var samples = [[Double]](repeating: [], count: sessions.count)
    var round = 0
    while round < max(maximumBlocks, 1) {
      for step in sessions.indices {
        let index = (round + step) % sessions.count
        usleep(UInt32(clamping: Int(rest.milliseconds * 1000)))
        _ = try time(sessions[index], feeds[index])
        var block: [Double] = []
        let blockEnd = clock.now + .milliseconds(10)
        repeat {
          block.append(try time(sessions[index], feeds[index]))
        } while block.count < 3
          || clock.now < blockEnd
        samples[index].append(block.quantile(0.5))
      }
      round += 1
      if round >= minimumBlocks, clock.now >= end { break }
    }
    return sessions.indices.map { index in
      LatencySummary(
        samples: samples[index], warmUpRuns: round, threads: sessions[index].threads, batch: batch)
    }
  }

  /// Compares two interleaved measurements round by round.
  public static func ratio(_ baseline: LatencySummary, over other: LatencySummary) -> SpeedRatio {
    let ratios = zip(baseline.samples, other.samples).map { $0 / $1 }
    return SpeedRatio(ratio: ratios.quantile(0.5), interval: ratios.medianInterval, rounds: ratios.count)
  }

  private static func warmUp(
    _ session: any InferenceSession, _ feeds: [String: HostArray], until end: ContinuousClock.Instant
  ) throws(ScopeError) -> (runs: Int, isStable: Bool) {
    let clock = ContinuousClock()
    var times: [Double] = []
    while times.count < 100 {
      times.append(try time(session, feeds))
      if times.count >= 10 {
        let last = Array(times.suffix(5)).quantile(0.5)
        let previous = Array(times.dropLast(5).suffix(5)).quantile(0.5)
        if abs(last - previous) <= 0.05 * previous { return (times.count, true) }
      }
      if times.count >= 3, clock.now >= end { break }
    }
    return (times.count, false)
  }

  /// One run, milliseconds.
  static func time(_ session: any InferenceSession, _ feeds: [String: HostArray]) throws(ScopeError) -> Double
  {
    let clock = ContinuousClock()
    let start = clock.now
    _ = try session.run(feeds, fetch: nil)
    return (clock.now - start).milliseconds
  }
}

extension Duration {
  public var milliseconds: Double {
    Double(components.seconds) * 1e3 + Double(components.attoseconds) * 1e-15
  }
}
