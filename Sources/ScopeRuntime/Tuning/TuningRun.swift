import ScopeBytes

/// The state of one ``SessionTuner/tune(_:)``. At most three sessions are alive at a time: the engines' best and the
/// one that is compared.
struct TuningRun {
  private let request: SessionTuner.Request
  private let candidates: TuningCandidates
  private let tolerance: Double
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  /// Time for one comparison.
  private let slice: Duration
  /// ONNX Runtime's outputs by default.
  private var reference: [String: HostArray]?
  private var rows: [SessionTuning.Row] = []
  private var best: [EngineKind: (configuration: EngineConfiguration, session: any InferenceSession)] = [:]
  private var confirmed: [EngineKind: SpeedRatio] = [:]

  init(_ request: SessionTuner.Request) throws(ScopeError) {
    self.request = request
    candidates = try TuningCandidates(request.modelBytes, feeds: request.feeds)
    tolerance = request.tolerance ?? (candidates.isQuantized ? 0.1 : 1e-3)
    start = clock.now
    // Thread counts, options, a confirmation per engine, and the engines against each other; spinning takes two.
    let engines = request.engines.openVINO == nil ? 1 : 2
    let counts = request.triesThreadCounts ? SessionTuner.threadCounts(cores: Machine.coreCount).count : 1
    let options = candidates.options(for: EngineConfiguration(.onnxRuntime, threads: 2)).count
    slice = request.budget / ((counts + 1) * engines + options + 3)
  }

  /// Which engine to deploy is the last word: eight rounds are often undecided.
  private static let decidingRounds = 20

  private var isOver: Bool { clock.now - start >= request.budget }

  /// Finds the best configuration of an engine.
  mutating func tune(_ engine: EngineKind) throws(ScopeError) {
    let threads = request.threads > 0 ? request.threads : Machine.coreCount
    let baseline = EngineConfiguration(engine, threads: threads)
    let session = try request.engines.session(baseline, modelBytes: request.modelBytes)
    let outputs = try session.run(request.feeds, fetch: nil)
    let difference = reference.map { SessionTuner.difference(outputs, from: $0) }
    if reference == nil { reference = outputs }
    let summary = try LatencyBenchmark.measure(
      session, feeds: request.feeds, batch: request.batch,
      plan: .init(budget: slice / 2, minimumSamples: 5, maximumSamples: 200))
    let isWrong = difference.map { $0 > tolerance } ?? false
    rows.append(
      SessionTuning.Row(
        configuration: baseline, medianMilliseconds: summary.medianMilliseconds,
        medianInterval: summary.medianInterval, difference: difference,
        verdict: isWrong ? .outputsDiffer : .baseline))
    if isWrong { return }

    var champion = (configuration: baseline, session: session)
    if request.triesThreadCounts {
      champion = try bestThreadCount(baseline, session)
    }
    for option in candidates.options(for: champion.configuration) {
      // A winner stays on while the next ones are tried on top of it.
      var next = champion.configuration
      next.spinning = next.spinning || option.spinning
      next.parallel = next.parallel || option.parallel
      next.entries.merge(option.entries) { _, new in new }
      next.shapes = option.shapes.isEmpty ? next.shapes : option.shapes
      if next == champion.configuration { continue }
      if let (_, winner) = try challenge(next, champion) { champion = (next, winner) }
    }
    if champion.configuration != baseline, let ratio = try confirm(champion, against: (baseline, session)) {
      confirmed[engine] = ratio
      best[engine] = champion
    } else {
      best[engine] = (baseline, session)
    }
  }

  /// The thread count with the largest gain that is certain.
  private mutating func bestThreadCount(
    _ baseline: EngineConfiguration, _ session: any InferenceSession
  ) throws(ScopeError) -> (configuration: EngineConfiguration, session: any InferenceSession) {
    var champion = (configuration: baseline, session: session)
    var certain = 1.0
    for count in SessionTuner.threadCounts(cores: Machine.coreCount) where count != baseline.threads {
      var next = baseline
      next.threads = count
      if let (ratio, winner) = try challenge(next, (baseline, session)), ratio.interval.lowerBound > certain {
        champion = (next, winner)
        certain = ratio.interval.lowerBound
      }
    }
    return champion
  }

  /// Compares a configuration with the one it is to beat and writes the row.
  ///
  /// - Returns: its session and the ratio when it is faster.
  private mutating func challenge(
    _ next: EngineConfiguration,
    _ champion: (configuration: EngineConfiguration, session: any InferenceSession)
  ) throws(ScopeError) -> (SpeedRatio, any InferenceSession)? {
    var row = SessionTuning.Row(
      configuration: next, comparedWith: champion.configuration, verdict: .notMeasured)
    defer { rows.append(row) }
    if isOver { return nil }
    let session: any InferenceSession
    do throws(ScopeError) {
      session = try request.engines.session(next, modelBytes: request.modelBytes)
      let outputs = try session.run(request.feeds, fetch: nil)
      row.difference = SessionTuner.difference(outputs, from: reference ?? outputs)
    } catch {
      row.verdict = .failed(error.message)
      return nil
    }
    if let difference = row.difference, difference > tolerance {
      row.verdict = .outputsDiffer
      return nil
    }
    let isAlone = next.spinning || champion.configuration.spinning
    let (baseline, other) = try compare(champion.session, session, alone: isAlone)
    let ratio = LatencyBenchmark.ratio(baseline, over: other)
    row.medianMilliseconds = other.medianMilliseconds
    row.medianInterval = other.medianInterval
    row.ratio = ratio
    row.verdict = SessionTuner.verdict(ratio)
    return row.verdict == .faster ? (ratio, session) : nil
  }

  /// Whether the winner beats the default again; nil and a corrected row when it does not, or there is no time left.
  private mutating func confirm(
    _ champion: (configuration: EngineConfiguration, session: any InferenceSession),
    against baseline: (configuration: EngineConfiguration, session: any InferenceSession)
  ) throws(ScopeError) -> SpeedRatio? {
    let (before, after) = try compare(
      baseline.session, champion.session, alone: champion.configuration.spinning)
    let ratio = LatencyBenchmark.ratio(before, over: after)
    if SessionTuner.verdict(ratio) == .faster { return ratio }
    for index in rows.indices where rows[index].configuration == champion.configuration {
      rows[index].verdict = .noDifference
    }
    return nil
  }

  /// Interleaved run by run, or in blocks with a rest before each where one of them spins.
  private func compare(
    _ first: any InferenceSession, _ second: any InferenceSession, alone: Bool,
    rounds: Int = SessionTuner.minimumRounds
  ) throws(ScopeError) -> (LatencySummary, LatencySummary) {
    let sessions = [first, second]
    let feeds = [request.feeds, request.feeds]
    let summaries =
      alone
      ? try LatencyBenchmark.alternating(
        sessions, feeds: feeds, batch: request.batch, budget: slice * 2,
        minimumBlocks: rounds)
      : try LatencyBenchmark.interleaved(
        sessions, feeds: feeds, batch: request.batch,
        plan: .init(budget: slice, minimumSamples: rounds, maximumSamples: 400))
    return (summaries[0], summaries[1])
  }

  /// Notes that an engine cannot run the model.
  mutating func fail(_ engine: EngineKind, _ error: ScopeError) {
    best[engine] = nil
    let threads = request.threads > 0 ? request.threads : Machine.coreCount
    let baseline = EngineConfiguration(engine, threads: threads)
    rows.removeAll { $0.configuration == baseline }
    rows.append(SessionTuning.Row(configuration: baseline, verdict: .failed(error.message)))
  }

  /// Compares the engines.
  func finish() throws(ScopeError) -> SessionTuning {
    guard let own = best[.onnxRuntime] else {
      throw ScopeError(.engineFailure, "ONNX Runtime has no session of the model")
    }
    var ratio: SpeedRatio?
    var chosen = own.configuration
    if let other = best[.openVINO] {
      let (first, second) = try compare(
        own.session, other.session, alone: own.configuration.spinning, rounds: Self.decidingRounds)
      let measured = LatencyBenchmark.ratio(first, over: second)
      ratio = measured
      if SessionTuner.verdict(measured) == .faster { chosen = other.configuration }
    }
    return SessionTuning(
      rows: rows, bestByEngine: best.mapValues(\.configuration), best: chosen,
      openVINOOverONNXRuntime: ratio, confirmedGain: confirmed, elapsed: clock.now - start)
  }
}
