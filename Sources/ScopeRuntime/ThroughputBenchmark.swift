import ScopeBytes

/// Times one model at several batch sizes and thread counts.
public enum ThroughputBenchmark {
  /// A session (with its thread count) and an input of one batch size.
  public struct Point: Sendable {
    public var session: any InferenceSession
    public var feeds: [String: HostArray]
    public var batch: Int

    public init(session: any InferenceSession, feeds: [String: HostArray], batch: Int) {
      self.session = session
      self.feeds = feeds
      self.batch = batch
    }
  }

  public struct Plan: Sendable {
    /// Rounds go on until this is over, or every median is known within ``LatencyBenchmark/precision``.
    public var budget: Duration
    /// Runs of one point follow each other for this long, at least one run.
    public var slice: Duration
    public var minimumRounds: Int
    public var maximumSamples: Int

    public init(
      budget: Duration, slice: Duration = .milliseconds(30), minimumRounds: Int = 5,
      maximumSamples: Int = 700
    ) {
      self.budget = budget
      self.slice = slice
      self.minimumRounds = minimumRounds
      self.maximumSamples = maximumSamples
    }
  }

  /// Gives each point a slice of time in turn, round by round, each round beginning with the next point, so that a
  /// drift of the machine meets all of them alike.
  ///
  /// - Returns: a summary per point, in order.
  public static func measure(_ points: [Point], plan: Plan) throws(ScopeError) -> [LatencySummary] {
    let clock = ContinuousClock()
    let end = clock.now + plan.budget
    // The first run at a batch size allocates, the second makes the engine's plan of the memory effective.
    let warmUpRuns = 2
    for point in points {
      for _ in 0..<warmUpRuns { _ = try point.session.run(point.feeds, fetch: nil) }
    }
    var samples = [[Double]](repeating: [], count: points.count)
    var round = 0
    while !points.isEmpty, round < plan.maximumSamples {
      for step in points.indices {
        let index = (round + step) % points.count
        guard samples[index].count < plan.maximumSamples else { continue }
        let sliceEnd = clock.now + plan.slice
        repeat {
          samples[index].append(try LatencyBenchmark.time(points[index].session, points[index].feeds))
        } while clock.now < sliceEnd && samples[index].count < plan.maximumSamples
      }
      round += 1
      guard round >= plan.minimumRounds else { continue }
      if clock.now >= end || samples.allSatisfy({ $0.count >= 64 && LatencyBenchmark.isPrecise($0) }) {
        break
      }
    }
    return points.indices.map { index in
      LatencySummary(
        samples: samples[index], warmUpRuns: warmUpRuns,
        threads: points[index].session.threads, batch: points[index].batch)
    }
  }
}
