import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime
import ScopeStatistics

/// Where variants are built, run beside the original and compared with it. Holds all the state of one search.
struct Workbench {
  let request: OptimizationRequest
  let start: ContinuousClock.Instant
  let split: DataSplit
  let folding: ExactFolding
  let foldedBytes: Int
  let original: ModelRunner
  let folded: ModelRunner
  let judge: Judge
  /// Wall time in which the original ran over the evaluation samples.
  let baselineDuration: Duration
  /// Calibration samples of the cheap judgement, and the original's scores of them.
  let filterIndices: [Int]
  let reference: Logits
  let timingFeed: (feed: [String: HostArray], batch: Int)
  let journal: SearchJournal?

  var trials: [Trial] = []
  /// Variants that could not be built, with the reason.
  var failures: [(variant: Variant, reason: String)] = []
  var notes: [String] = []
  var sensitivity: [LayerSensitivity] = []
  var explanations: [String] = []
  private let sessions = SessionCache()

  private let clock = ContinuousClock()

  init(
    _ request: OptimizationRequest, start: ContinuousClock.Instant, split: DataSplit, folding: ExactFolding,
    baseline: Baseline, notes: [String]
  ) throws(ScopeError) {
    self.request = request
    self.start = start
    self.split = split
    self.folding = folding
    foldedBytes = try ONNXWriter.serialize(folding.model).reduce(0) { $0 + $1.count }
    original = baseline.runner
    let output = request.model.graph.outputs.first?.name ?? ""
    folded = try ModelRunner(
      session: try Session(
        engine: request.engine, model: folding.model, options: Self.sessionOptions(request)),
      output: output)
    judge = baseline.judge
    baselineDuration = baseline.duration
    timingFeed = original.timingFeed(request.samples, judge.indices[0])
    // Evenly spread: calibration samples lie in class order.
    let pool = split.calibration
    let count = min(64, pool.count)
    filterIndices = (0..<count).map { pool[$0 * pool.count / count] }
    reference = try original.logits(request.samples, filterIndices)
    self.notes = notes
    journal =
      if let directory = request.workDirectory {
        try SearchJournal(
          directory: directory, fingerprint: try Self.fingerprint(request, folding.model, judge))
      } else {
        nil
      }
  }

  /// Equal for searches whose measurements can stand for each other's.
  private static func fingerprint(
    _ request: OptimizationRequest, _ folded: Model, _ judge: Judge
  ) throws(ScopeError) -> String {
    let samples = request.samples
    var text = [
      try ONNXWriter.bytes(folded).sha256, request.engine.version, Machine.current.fingerprint,
      "\(samples.count) \(judge.indices) \(judge.labels) \(judge.isLabelled)",
      "\(request.threads) \(request.seed) \(request.calibrationStride) \(request.calibrationLimit)",
    ]
    for position in [0, samples.count / 2, samples.count - 1] {
      for (name, array) in samples.feed([position], input: "").sorted(by: { $0.key < $1.key }) {
        text.append("\(name) \(array.dimensions) \(array.packedBytes.sha256)")
      }
    }
    return ByteSlice(Array(text.joined(separator: "\n").utf8)).sha256
  }

  // MARK: Time

  /// Time for finding and timing variants: what tuning the winner takes is kept back.
  private var budget: Duration {
    request.tunesSessions || request.openVINO != nil ? request.timeBudget * 0.75 : request.timeBudget
  }

  /// Share of the time for the search that is used up.
  var spent: Double { (clock.now - start).milliseconds / max(budget.milliseconds, 1) }

  func moment(_ share: Double) -> ContinuousClock.Instant { start + budget * share }

  func isBefore(_ share: Double) -> Bool { spent < share }

  /// The calibration samples and the engine, with a deadline.
  func context(until share: Double) -> OptimizationContext {
    var context = OptimizationContext(
      samples: request.samples, calibration: split.calibration, engine: request.engine,
      threads: request.threads, seed: request.seed)
    context.deadline = moment(share)
    return context
  }

  /// The same without the filter samples, where enough others are left: what is fitted to samples must not be judged by
  /// them.
  func roundingContext(until share: Double) -> OptimizationContext {
    var context = context(until: share)
    let judged = Set(filterIndices)
    let others = context.calibration.filter { !judged.contains($0) }
    if others.count >= 32 { context.calibration = others }
    return context
  }

  // MARK: Building and cheap judgement

  /// Builds a variant, or takes it from an earlier run, and compares its scores with the original's on the filter
  /// samples. What cannot be built or run is noted with its reason.
  ///
  /// - Returns: index in ``trials``; nil when it failed.
  /// - Throws: what is not the variant's fault (no space, wrong arguments).
  mutating func propose(
    _ variant: Variant, build: () throws(ScopeError) -> Model
  ) throws(ScopeError) -> Int? {
    if let index = trials.firstIndex(where: { $0.variant.name == variant.name }) { return index }
    do throws(ScopeError) {
      var trial: Trial
      if let (entry, bytes) = journal?.known(variant) {
        trial = Trial(
          variant: variant, bytes: bytes, sqnr: entry.sqnr, filterAgreement: entry.filterAgreement)
        if let comparison = entry.comparison, comparison.images == judge.labels.count {
          trial.comparison = comparison
        }
      } else {
        let bytes = try ONNXWriter.bytes(described(try build(), variant))
        trial = Trial(
          variant: variant, bytes: bytes, sqnr: 0, filterAgreement: Proportion(successes: 0, trials: 0))
        let scores = try runner(of: trial).logits(request.samples, filterIndices)
        trial.sqnr = ScoreComparison.sqnr(reference, scores)
        trial.filterAgreement = ScoreComparison.agreement(reference, scores)
        if let journal { trial.bytes = try journal.record(trial) }
      }
      if trial.sqnr == -.infinity { trial.reject("its scores are not numbers, or of another shape") }
      trials.append(trial)
      return trials.count - 1
    } catch {
      guard error.isVariantsFault else { throw error }
      failures.append((variant, error.description))
      return nil
    }
  }

  /// What was done, with what and from which file, inside the model.
  private func described(_ model: Model, _ variant: Variant) -> Model {
    var model = model
    let steps = folding.passes.map(\.summary) + variant.steps
    model.metadata["neural_scope.variant"] = variant.name
    model.metadata["neural_scope.steps"] = steps.joined(separator: "; ")
    model.metadata["neural_scope.calibration_samples"] =
      request.samples.isReal ? "\(split.calibration.count)" : "0"
    model.metadata["neural_scope.engine"] = "ONNX Runtime \(request.engine.version)"
    if let hash = request.sourceSha256 { model.metadata["neural_scope.source_sha256"] = hash }
    return model
  }

  /// Weights are kept apart from the activations, whose memory can then be given back after large batches.
  static func sessionOptions(_ request: OptimizationRequest) -> SessionOptions {
    SessionOptions(
      threads: request.threads, configuration: ["session.use_device_allocator_for_initializers": "1"])
  }

  func session(of trial: Trial) throws(ScopeError) -> Session {
    try sessions.session(trial.variant.name, trial.bytes, request)
  }

  func runner(of trial: Trial) throws(ScopeError) -> ModelRunner {
    try ModelRunner(session: try session(of: trial), output: original.output)
  }

  mutating func reject(_ index: Int, _ reason: String) {
    trials[index].reject(reason)
    sessions.drop(trials[index].variant.name)
  }

  // MARK: Time of one run

  /// Times variants in turn with the original for a short while.
  mutating func timeQuickly(_ indices: [Int]) throws(ScopeError) {
    let wanted = indices.filter { !trials[$0].isOut && trials[$0].quickSpeed == nil }
    guard !wanted.isEmpty else { return }
    var sessions = [original.session]
    for index in wanted { sessions.append(try session(of: trials[index])) }
    let feed = timingFeed.feed
    let budget = min(.milliseconds(400) * sessions.count, request.timeBudget * 0.05)
    let latencies = try LatencyBenchmark.interleaved(
      sessions, feeds: sessions.map { _ in feed }, batch: timingFeed.batch,
      plan: .init(budget: budget, minimumSamples: 8, maximumSamples: 60))
    for (position, index) in wanted.enumerated() {
      trials[index].quickSpeed = LatencyBenchmark.ratio(latencies[0], over: latencies[position + 1])
    }
  }

  // MARK: Proof

  /// Compares a variant's predictions with the original's on the evaluation samples.
  mutating func verify(_ index: Int) throws(ScopeError) {
    guard !trials[index].isOut, trials[index].comparison == nil else { return }
    do throws(ScopeError) {
      trials[index].comparison = try judge.compare(try runner(of: trials[index]))
      if let journal { _ = try journal.record(trials[index]) }
    } catch {
      guard error.isVariantsFault else { throw error }
      trials[index].reject(error.description)
    }
  }

  /// How long one more variant's evaluation takes at most, as far as is known.
  func verificationShare(_ index: Int) -> Double {
    let speed = max(trials[index].quickSpeed?.ratio ?? 1, 0.05)
    return baselineDuration.milliseconds / speed / max(budget.milliseconds, 1)
  }
}

/// The original's results that everything is compared with.
struct Baseline {
  var runner: ModelRunner
  var judge: Judge
  var duration: Duration
}

extension ScopeError {
  /// Whether another variant may still work.
  var isVariantsFault: Bool {
    code == .unsupported || code == .engineFailure || code == .invalidData || code == .invalidGraph
  }
}

/// Loaded variants, the least recently used dropped beyond a bound on their files' sizes.
private final class SessionCache {
  private static let byteLimit = 256 << 20
  private static let countLimit = 12
  private var loaded: [(name: String, bytes: Int, session: Session)] = []

  func session(
    _ name: String, _ bytes: ByteSlice, _ request: OptimizationRequest
  ) throws(ScopeError) -> Session {
    if let index = loaded.firstIndex(where: { $0.name == name }) {
      let entry = loaded.remove(at: index)
      loaded.append(entry)
      return entry.session
    }
    let session = try Session(
      engine: request.engine, modelBytes: bytes, options: Workbench.sessionOptions(request))
    loaded.append((name, bytes.count, session))
    while loaded.count > 1,
      loaded.count > Self.countLimit || loaded.reduce(0, { $0 + $1.bytes }) > Self.byteLimit
    {
      loaded.removeFirst()
    }
    return session
  }

  func drop(_ name: String) { loaded.removeAll { $0.name == name } }
}
