import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime

/// Searches the fastest form of a model that keeps its accuracy; see ``run(_:)``.
public enum Optimizer {
  /// Folds the model exactly, builds INT8 variants, measures them against the original on data that no variant was
  /// calibrated on, and returns the best within the accuracy budget, or the folded model when none helps.
  ///
  /// 1. Exact passes, verified on real images.
  /// 2. Calibration on every ``OptimizationRequest/calibrationStride``-th image.
  /// 3. One variant per kernel type is timed beside the original; slow types are dropped.
  /// 4. For the fast types weight ranges, bias correction and activation ranges are tried one after the other, judged by
  ///    the signal-to-noise ratio of the scores on calibration images.
  /// 5. The best variants are evaluated on the evaluation images and timed interleaved with the original.
  ///
  /// - Throws: `unsupported` for models that are not image classifiers with one float32 input; `invalidData` for images
  ///   or labels that do not fit; engine failures.
  public static func run(_ request: OptimizationRequest) throws(ScopeError) -> OptimizationResult {
    var run = try OptimizationRun(request)
    return try run.run()
  }
}

/// State of one search.
struct OptimizationRun {
  let request: OptimizationRequest
  let clock = ContinuousClock()
  let start: ContinuousClock.Instant
  let split: DataSplit
  var notes: [String] = []
  var candidates: [OptimizationCandidate] = []

  init(_ request: OptimizationRequest) throws(ScopeError) {
    guard request.maxAccuracyDrop >= 0, request.maxAccuracyDrop <= 1 else {
      throw ScopeError(
        .invalidArgument, "the accuracy drop is a fraction", expected: "0 to 1",
        found: "\(request.maxAccuracyDrop)")
    }
    self.request = request
    split = try DataSplit(
      labels: request.samples.labels ?? [Int](repeating: 0, count: request.samples.count),
      stride: request.calibrationStride, limit: request.calibrationLimit,
      seed: request.seed)
    start = clock.now
  }

  /// Share of the time budget that is used up.
  private var spent: Double { (clock.now - start).milliseconds / max(request.timeBudget.milliseconds, 1) }

  private func moment(_ share: Double) -> ContinuousClock.Instant { start + request.timeBudget * share }

  mutating func run() throws(ScopeError) -> OptimizationResult {
    request.progress("Folding constants and batch normalisation", 0)
    let verification = Array(split.evaluation.prefix(8))
    let folding = try ExactFolding.run(
      request.model, samples: request.samples, indices: verification,
      engine: request.engine, threads: request.threads)
    for reason in folding.leftOut {
      notes.append("An exact pass was left out because the scores moved: \(reason)")
    }
    let foldedBytes = try ONNXWriter.serialize(folding.model).reduce(0) { $0 + $1.count }

    request.progress("Evaluating the original", 0.05)
    let options = SessionOptions(threads: request.threads)
    let original = try Session(engine: request.engine, model: request.model, options: options)
    let folded = try Session(engine: request.engine, model: folding.model, options: options)
    let output = request.model.graph.outputs.first?.name ?? ""
    let originalRunner = try ModelRunner(session: original, output: output)
    let baseline = try originalRunner.logits(request.samples, split.evaluation, deadline: moment(0.3))
    let evaluation = Array(split.evaluation.prefix(baseline.count))
    if evaluation.count < split.evaluation.count {
      notes.append(
        "\(evaluation.count) of \(split.evaluation.count) evaluation images were used to stay within the time budget"
      )
    }
    let labels = evaluation.map { request.samples.labels?[$0] ?? 0 }
    guard labels.allSatisfy({ $0 >= 0 && $0 < baseline.classes }) else {
      throw ScopeError(
        .invalidData, "a label is outside the model's classes", expected: "0 ..< \(baseline.classes)",
        found: "\(labels.max() ?? 0)", remedy: "Check the labels or the class order of the data")
    }
    let judge = Judge(
      samples: request.samples, indices: evaluation, labels: labels,
      predictions: baseline.predictions)

    var finalists: [CandidateSearch.Built] = []
    var search: CandidateSearch?
    do throws(ScopeError) {
      (search, finalists) = try buildFinalists(folding.model, original: original, evaluation: evaluation)
    } catch {
      guard error.code == .unsupported || error.code == .engineFailure || error.code == .invalidData else {
        throw error
      }
      notes.append("INT8 quantization was not possible: \(error)")
    }
    return try conclude(
      Contestants(
        original: original, folded: folded, folding: folding, foldedBytes: foldedBytes, finalists: finalists,
        search: search),
      judge: judge)
  }

  // MARK: Building

  private mutating func buildFinalists(
    _ folded: Model, original: Session, evaluation: [Int]
  ) throws(ScopeError) -> (CandidateSearch?, [CandidateSearch.Built]) {
    var model = folded
    try OpsetRaise.raise(&model, to: 13)
    let plan = QuantizationPlan(model.graph)
    guard !plan.layers.isEmpty else {
      notes.append(
        "No convolution or matrix product with constant float32 weights was found, so nothing can run in INT8"
      )
      return (nil, [])
    }
    for reason in plan.declined.prefix(5) { notes.append("Stays in float: \(reason)") }
    if plan.declined.count > 5 { notes.append("\(plan.declined.count - 5) more layers stay in float") }
    request.progress("Calibrating on \(split.calibration.count) images", 0.15)
    let calibration = try Calibration.run(
      model, values: plan.observedValues(model.graph),
      context: OptimizationContext(
        samples: request.samples, calibration: split.calibration, engine: request.engine,
        threads: request.threads, seed: request.seed))
    let search = CandidateSearch(
      model: model, plan: plan, calibration: calibration, request: request,
      calibrationIndices: split.calibration,
      filterCount: 64)

    request.progress("Timing integer kernels", 0.3)
    let feed = try ModelRunner(session: original, output: "").timingFeed(request.samples, evaluation[0])
    let classes = try fastClasses(search, original: original, feed: feed.feed, batch: feed.batch)
    noteSaturation(search, classes)
    var finalists: [CandidateSearch.Built] = []
    for (position, first) in classes.enumerated() {
      request.progress(
        "Searching quantization settings", 0.4 + 0.2 * Double(position) / Double(classes.count))
      finalists += try refine(first, search)
    }
    return (search, finalists)
  }

  /// Builds one variant per kernel type, times all beside the original and keeps the types that are fast here.
  private mutating func fastClasses(
    _ search: CandidateSearch, original: Session, feed: [String: HostArray], batch: Int
  ) throws(ScopeError) -> [CandidateSearch.Built] {
    let recipes = [
      QuantizationRecipe(), QuantizationRecipe(perChannel: false),
      QuantizationRecipe(activations: .int8, weights: .int8),
      QuantizationRecipe(activations: .uint8, weights: .uint8, perChannel: false),
    ]
    var built: [CandidateSearch.Built] = []
    for recipe in recipes {
      do throws(ScopeError) { built.append(try search.build(recipe)) } catch {
        guard error.code == .engineFailure else { throw error }
        candidates.append(
          OptimizationCandidate(
            name: recipe.name, recipe: recipe, bytes: 0, verdict: .rejected,
            reason: "ONNX Runtime does not run it: \(error.message)"))
      }
    }
    let sessions = [original] + built.map(\.session)
    let latencies = try LatencyBenchmark.interleaved(
      sessions, feeds: sessions.map { _ in feed }, batch: batch,
      plan: .init(budget: min(.seconds(2), request.timeBudget * 0.05), minimumSamples: 8, maximumSamples: 60))
    let ratios = latencies.dropFirst().map { LatencyBenchmark.ratio(latencies[0], over: $0) }
    let best = ratios.map(\.ratio).max() ?? 0
    var kept: [CandidateSearch.Built] = []
    for (index, variant) in built.enumerated() {
      let ratio = ratios[index]
      if ratio.interval.upperBound < 1 {
        reject(variant, latencies[index + 1], ratio, "slower than the original on this processor")
      } else if ratio.interval.upperBound < 0.85 * best {
        reject(variant, latencies[index + 1], ratio, "another kernel type is faster on this processor")
      } else if !variant.recipe.perChannel, variant.sqnr < (built.map(\.sqnr).max() ?? 0) - 6 {
        reject(variant, latencies[index + 1], ratio, "one scale per tensor loses too much precision")
      } else {
        kept.append(variant)
      }
    }
    return kept.sorted { $0.sqnr > $1.sqnr }
  }

  private mutating func reject(
    _ built: CandidateSearch.Built, _ latency: LatencySummary?, _ ratio: SpeedRatio?, _ reason: String
  ) {
    candidates.append(
      OptimizationCandidate(
        name: built.recipe.name, recipe: built.recipe, bytes: built.modelBytes.count,
        calibrationSQNR: built.sqnr,
        calibrationAgreement: built.agreement, latency: latency, speedup: ratio, verdict: .rejected,
        reason: reason))
  }

  /// Says so when the fused kernels compute something else than the file means.
  private mutating func noteSaturation(_ search: CandidateSearch, _ variants: [CandidateSearch.Built]) {
    guard let variant = variants.first(where: { $0.recipe == QuantizationRecipe() }),
      let (fused, unfused) = try? search.unfusedSQNR(variant, images: 4)
    else { return }
    if unfused > fused + 3 {
      notes.append(
        "Integer kernels saturate on this processor with 8-bit weights (signal-to-noise ratio \(rounded(fused)) dB fused, "
          + "\(rounded(unfused)) dB unfused); reduced and pair-bounded weight ranges avoid it")
    }
  }

  private func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }

  /// Tries one setting after the other from a first variant on, keeping what raises the signal-to-noise ratio.
  ///
  /// - Returns: two variants, the best and either the second best or the best that cannot saturate; the others are
  ///   recorded as rejected.
  private mutating func refine(
    _ first: CandidateSearch.Built, _ search: CandidateSearch
  ) throws(ScopeError) -> [CandidateSearch.Built] {
    var all = [first]
    var best = first
    func attempt(_ recipe: QuantizationRecipe) throws(ScopeError) {
      guard !all.contains(where: { $0.recipe == recipe }), clock.now < moment(0.75) else { return }
      let built = try search.build(recipe)
      all.append(built)
      if CandidateSearch.isBetter(built, than: best) { best = built }
    }
    if first.recipe.activations == .uint8, first.recipe.perChannel {
      for range in [WeightRange.pairBounded, .reducedExceptDepthwise, .reduced] {
        var recipe = first.recipe
        recipe.weightRange = range
        try attempt(recipe)
      }
    }
    var corrected = best.recipe
    corrected.biasCorrection = true
    try attempt(corrected)
    let beforeRanges = best.recipe
    for range in [RangeMethod.leastSquares, .percentile] {
      var recipe = beforeRanges
      recipe.range = range
      try attempt(recipe)
    }
    // The range that is safe on every processor, with the settings that helped.
    if best.recipe.canSaturate, first.recipe.perChannel {
      var portable = best.recipe
      portable.weightRange = .pairBounded
      try attempt(portable)
    }
    let ordered = all.sorted { $0.sqnr > $1.sqnr }
    var kept = Array(ordered.prefix(2))
    if let portable = ordered.first(where: { !$0.recipe.canSaturate }),
      !kept.contains(where: { !$0.recipe.canSaturate })
    {
      kept[kept.count - 1] = portable
    }
    for built in ordered where !kept.contains(where: { $0.recipe == built.recipe }) {
      reject(
        built, nil, nil,
        "lower signal-to-noise ratio on the calibration images than \(ordered[0].recipe.name)")
    }
    return kept
  }
}
