import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime

/// Searches the best form of a model that keeps its accuracy; see ``run(_:)``.
public enum Optimizer {
  /// Rewrites the model exactly, builds variants, measures them against the original on data that none of them was
  /// calibrated on, and returns the best within the accuracy budget, or the exactly rewritten model when none helps.
  ///
  /// 1. Exact passes, verified on real samples.
  /// 2. The original's scores on the evaluation samples.
  /// 3. ``SearchStrategy`` after strategy proposes variants: built, run, compared with the original on calibration
  ///    samples, timed for a short while.
  /// 4. The most promising are evaluated on the evaluation samples, as many as the time allows.
  /// 5. Where quantization costs too much, the layers that hurt most stay in float.
  /// 6. What is left is timed interleaved with the original; the objective decides.
  ///
  /// - Throws: `unsupported` for models whose inputs share no batch axis; `invalidData` for samples or labels that do
  ///   not fit, and for weights that are not numbers; engine failures.
  public static func run(_ request: OptimizationRequest) throws(ScopeError) -> OptimizationResult {
    guard request.maxAccuracyDrop >= 0, request.maxAccuracyDrop <= 1 else {
      throw ScopeError(
        .invalidArgument, "the accuracy drop is a fraction", expected: "0 to 1",
        found: "\(request.maxAccuracyDrop)")
    }
    let start = ContinuousClock.now
    let (existing, found) = try ModelCheck.run(request.model)
    var notes = found
    var request = request
    if existing != nil { request.techniques = [] }
    let samples = request.samples
    let split =
      samples.isReal
      ? try DataSplit(
        labels: samples.labels ?? [Int](repeating: 0, count: samples.count),
        stride: request.calibrationStride, limit: request.calibrationLimit, seed: request.seed)
      : DataSplit(calibration: Array(0..<samples.count), evaluation: Array(0..<samples.count))

    request.progress("Folding constants and batch normalisation", 0)
    let folding = try ExactFolding.run(
      request.model, samples: samples, indices: Array(split.evaluation.prefix(8)), engine: request.engine,
      threads: request.threads)
    for reason in folding.leftOut {
      notes.append("An exact pass was left out because the scores moved: \(reason)")
    }
    request.progress("Evaluating the original", 0.05)
    let baseline = try evaluateOriginal(request, split, start: start, &notes)
    var bench = try Workbench(
      request, start: start, split: split, folding: folding, baseline: baseline, notes: notes)
    try search(&bench)
    return try bench.conclude()
  }

  /// - Throws: `invalidData` for labels beyond the model's classes.
  private static func evaluateOriginal(
    _ request: OptimizationRequest, _ split: DataSplit, start: ContinuousClock.Instant,
    _ notes: inout [String]
  ) throws(ScopeError) -> Baseline {
    let session = try Session(
      engine: request.engine, model: request.model, options: Workbench.sessionOptions(request))
    let runner = try ModelRunner(session: session, output: request.model.graph.outputs.first?.name ?? "")
    let before = ContinuousClock.now
    let scores = try runner.logits(
      request.samples, split.evaluation, deadline: start + request.timeBudget * 0.25)
    let duration = ContinuousClock.now - before
    let evaluation = Array(split.evaluation.prefix(scores.count))
    if evaluation.count < split.evaluation.count {
      notes.append(
        "\(evaluation.count) of \(split.evaluation.count) evaluation samples were used to stay within the time budget"
      )
    }
    let predictions = scores.predictions
    var labels = predictions
    let isLabelled =
      request.samples.labels != nil && !request.judgesByAgreement && scores.predictionsPerSample == 1
    if isLabelled, let all = request.samples.labels {
      labels = evaluation.map { all[$0] }
      guard labels.allSatisfy({ $0 >= 0 && $0 < scores.classes }) else {
        throw ScopeError(
          .invalidData, "a label is outside the model's classes", expected: "0 ..< \(scores.classes)",
          found: "\(labels.max() ?? 0)", remedy: "Check the labels or the class order of the data")
      }
    }
    let judge = Judge(
      samples: request.samples, indices: evaluation, labels: labels, predictions: predictions,
      isLabelled: isLabelled)
    return Baseline(runner: runner, judge: judge, duration: duration)
  }

  // MARK: Search

  /// Proposals of all strategies, then proofs; shares are of the time budget.
  private static func search(_ bench: inout Workbench) throws(ScopeError) {
    let wanted = StrategyPlan(bench)
    bench.notes += wanted.notes
    var quantization: StaticQuantizationStrategy?
    if wanted.includes(.int8) {
      bench.request.progress("Calibrating on \(bench.split.calibration.count) samples", bench.spent)
      do throws(ScopeError) {
        let source = try QuantizationSource(bench.folding.model, context: bench.context(until: 0.4))
        for reason in source.plan.declined.prefix(5) { bench.notes.append("Stays in float: \(reason)") }
        if source.plan.declined.count > 5 {
          bench.notes.append("\(source.plan.declined.count - 5) more layers stay in float")
        }
        var strategy = StaticQuantizationStrategy(source)
        // Pruning is done with the recipes found, and evaluates as it goes: it needs the larger part.
        try strategy.run(&bench, until: wanted.includes(.pruning) ? 0.35 : 0.5)
        quantization = strategy
      } catch {
        guard error.isVariantsFault else { throw error }
        bench.notes.append("INT8 quantization was not possible: \(error)")
      }
    }
    for technique in [OptimizationTechnique.dynamic, .weights, .float16] where wanted.includes(technique) {
      try WeightRewriteStrategy(technique).run(&bench, until: 0.6)
    }
    if wanted.includes(.pruning) {
      var kernels: Set<String> = []
      let recipes = (quantization?.found ?? []).filter { kernels.insert($0.kernels).inserted }
      try PruningStrategy(recipes: recipes).run(&bench, until: 0.72)
    }
    for technique in [OptimizationTechnique.lowRank, .sparsity] where wanted.includes(technique) {
      try CompressionStrategy(technique).run(&bench, until: 0.75)
    }
    try bench.verifyPromising(until: 0.82)
    if let strategy = quantization {
      try MixedPrecisionStrategy(source: strategy.source, recipe: strategy.found.first).run(
        &bench, until: 0.87)
    }
  }
}

/// Which strategies a search runs.
private struct StrategyPlan {
  private var techniques: Set<OptimizationTechnique>
  var notes: [String] = []

  init(_ bench: Workbench) {
    techniques = bench.request.techniques ?? Self.suitable(bench.folding.model)
    if !bench.request.samples.isReal {
      techniques.formIntersection([.dynamic, .weights, .float16])
      notes.append(
        "There is no data: only exact passes and rewrites of weights are tried, and nothing is known of the accuracy; give data to calibrate and to judge"
      )
    }
  }

  /// Convolutions run well in static INT8; where matrix products hold most of the weights, ranges found at run time and
  /// weights of few bits are tried as well. 16-bit storage suits everything.
  private static func suitable(_ model: Model) -> Set<OptimizationTechnique> {
    let graph = model.graph
    var (products, others) = (0, 0)
    for node in graph.nodes {
      for name in node.inputs {
        guard let tensor = graph.initializers[name], tensor.dimensions.count >= 2 else { continue }
        let count = tensor.dimensions.reduce(1, *)
        if node.isStandard("MatMul") || node.isStandard("Gemm") || node.isStandard("Gather") {
          products += count
        } else {
          others += count
        }
      }
    }
    return products > others ? [.int8, .dynamic, .weights, .float16] : [.int8, .float16]
  }

  func includes(_ technique: OptimizationTechnique) -> Bool { techniques.contains(technique) }
}
