import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime

/// What stands in the last round.
struct Contestants {
  var original: Session
  var folded: Session
  var folding: ExactFolding
  var foldedBytes: Int
  /// Best first.
  var finalists: [CandidateSearch.Built]
  /// Nil when nothing can be quantized.
  var search: CandidateSearch?
}

extension OptimizationRun {
  /// Most variants that are evaluated on all evaluation images.
  private static let finalistLimit = 3
  /// Speedups closer than this share are taken as equal, and agreement decides.
  private static let speedTie = 0.05
  /// Signal-to-noise ratio, decibel, that independence from the processor may cost.
  private static let portabilitySQNR = 1.5

  /// Evaluates and times the finalists beside the original and picks the best.
  mutating func conclude(_ contestants: Contestants, judge: Judge) throws(ScopeError) -> OptimizationResult {
    request.progress("Evaluating candidates", 0.65)
    let ordered = contestants.finalists.sorted { $0.sqnr > $1.sqnr }
    var judged: [(built: CandidateSearch.Built, comparison: PairedComparison)] = []
    for (position, built) in ordered.enumerated() {
      guard let search = contestants.search, position < Self.finalistLimit else {
        record(built, nil, nil, nil, .rejected, "lower signal-to-noise ratio on the calibration images")
        continue
      }
      judged.append((built, try judge.compare(try search.runner(built.session))))
      request.progress(
        "Evaluating candidates", 0.65 + 0.15 * Double(position + 1) / Double(min(ordered.count, 3)))
    }

    request.progress("Timing candidates beside the original", 0.8)
    let sessions = [contestants.original, contestants.folded] + judged.map(\.built.session)
    let (feed, batch) = try ModelRunner(session: contestants.original, output: "").timingFeed(
      request.samples, judge.indices[0])
    let budget = min(.seconds(8), max(.seconds(2), request.timeBudget * 0.12))
    let latencies = try LatencyBenchmark.interleaved(
      sessions, feeds: sessions.map { _ in feed }, batch: batch,
      plan: .init(budget: budget, minimumSamples: 20, maximumSamples: 200))
    let ratios = latencies.map { LatencyBenchmark.ratio(latencies[0], over: $0) }

    var admissible: [Int] = []
    for (index, entry) in judged.enumerated() {
      if let reason = rejection(
        entry.comparison, entry.built.modelBytes.count, contestants.foldedBytes, ratios[index + 2])
      {
        record(entry.built, entry.comparison, latencies[index + 2], ratios[index + 2], .rejected, reason)
      } else {
        admissible.append(index)
      }
    }
    // Where some keep the budget to the letter, those that were allowed an image too many step back.
    let kept = admissible.filter { judged[$0].comparison.accuracyDrop <= request.maxAccuracyDrop + 1e-12 }
    if !kept.isEmpty {
      for index in admissible where !kept.contains(index) {
        let entry = judged[index]
        record(
          entry.built, entry.comparison, latencies[index + 2], ratios[index + 2], .admissible,
          "loses \(points(entry.comparison.accuracyDrop)) points, another variant loses less")
      }
      admissible = kept
    }
    // Variants on the same kernels take the same time; differences between them are noise.
    let fastest = admissible.map { ratios[$0 + 2].ratio }.max() ?? 0
    let front = admissible.filter { ratios[$0 + 2].ratio >= fastest * (1 - Self.speedTie) }
    let tied = admissible.filter { index in
      front.contains { judged[$0].built.recipe.runsSameKernels(as: judged[index].built.recipe) }
    }
    let winner = Self.best(tied.map { ($0, judged[$0].built, judged[$0].comparison) })
    for index in admissible {
      let entry = judged[index]
      let isWinner = index == winner
      record(
        entry.built, entry.comparison, latencies[index + 2], ratios[index + 2],
        isWinner ? .chosen : .admissible,
        isWinner
          ? tied.count > 1
            ? "within the accuracy budget, and the best agreement and portability among the equally fast ones"
            : "fastest within the accuracy budget"
          : tied.contains(index)
            ? "equally fast, but the chosen one agrees more with the original or runs alike on more processors"
            : "within the budget, but slower than the chosen one")
    }

    let foldedIsResult = winner == nil
    let foldedComparison =
      foldedIsResult
      ? try judge.compare(
        try ModelRunner(
          session: contestants.folded, output: contestants.folding.model.graph.outputs.first?.name ?? ""))
      : nil
    candidates.insert(
      OptimizationCandidate(
        name: "FP32 folded", recipe: nil, bytes: contestants.foldedBytes, comparison: foldedComparison,
        latency: latencies[1], speedup: ratios[1], verdict: foldedIsResult ? .chosen : .admissible,
        reason: foldedIsResult
          ? "no INT8 variant is smaller, faster and within the accuracy budget"
          : "exact, but neither smaller nor faster than INT8"), at: 0)

    let final = winner.map { judged[$0] }
    var model = contestants.folding.model
    var bytes = contestants.foldedBytes
    if let final, let search = contestants.search {
      model = try search.emit(final.built.recipe)
      bytes = final.built.modelBytes.count
    }
    let comparison = final?.comparison ?? foldedComparison ?? judge.identity
    addNotes(comparison, ratio: ratios[winner.map { $0 + 2 } ?? 1], final: final?.built)
    request.progress("Done", 1)
    let passes = contestants.folding.passes
    return OptimizationResult(
      model: model, foldedModel: contestants.folding.model, isQuantized: final != nil,
      originalBytes: request.originalBytes, optimizedBytes: bytes,
      speedup: ratios[winner.map { $0 + 2 } ?? 1],
      originalLatency: latencies[0], optimizedLatency: latencies[winner.map { $0 + 2 } ?? 1],
      comparison: comparison,
      evaluationImages: judge.indices.count, calibrationImages: split.calibration.count,
      techniques: passes.map(\.summary) + (final?.built.recipe.techniques ?? []), passes: passes,
      foldingDifference: contestants.folding.difference, candidates: candidates, notes: notes,
      elapsed: clock.now - start)
  }

  /// The best of equally fast variants: the highest agreement with the original; where the difference is within the
  /// noise of counting, a variant whose integer kernels cannot saturate on any processor goes first.
  private static func best(
    _ tied: [(index: Int, built: CandidateSearch.Built, comparison: PairedComparison)]
  ) -> Int? {
    let ordered = tied.sorted {
      ($0.comparison.agreeing, $0.built.sqnr) > ($1.comparison.agreeing, $1.built.sqnr)
    }
    guard let top = ordered.first else { return nil }
    let portable = ordered.first { entry in
      let disagreements =
        top.comparison.images - top.comparison.agreeing + entry.comparison.images - entry.comparison.agreeing
      let noise = 1.96 * Double(disagreements).squareRoot()
      return !entry.built.recipe.canSaturate
        && Double(top.comparison.agreeing - entry.comparison.agreeing) <= noise
        && top.built.sqnr - entry.built.sqnr <= portabilitySQNR
    }
    return (portable ?? top).index
  }

  /// Why a variant is out, or nil.
  private func rejection(
    _ comparison: PairedComparison, _ bytes: Int, _ foldedBytes: Int, _ ratio: SpeedRatio
  ) -> String? {
    if comparison.lost - comparison.gained > allowedLosses(comparison.images) {
      return
        "loses \(points(comparison.accuracyDrop)) points of accuracy, \(points(request.maxAccuracyDrop)) are allowed"
    }
    if bytes >= foldedBytes { return "not smaller than the folded float model" }
    if ratio.ratio <= 1 { return "not faster than the original on this processor" }
    return nil
  }

  /// Images that may be lost on balance. Where one image is worth more than the whole budget, the data cannot tell a
  /// loss of one image from none, so one is allowed and ``addNotes(_:ratio:final:)`` says so.
  private func allowedLosses(_ images: Int) -> Int {
    let budget = request.maxAccuracyDrop * Double(images) + 1e-9
    return request.maxAccuracyDrop > 0 ? max(1, Int(budget)) : 0
  }

  private mutating func record(
    _ built: CandidateSearch.Built, _ comparison: PairedComparison?, _ latency: LatencySummary?,
    _ ratio: SpeedRatio?,
    _ verdict: OptimizationCandidate.Verdict, _ reason: String
  ) {
    candidates.append(
      OptimizationCandidate(
        name: built.recipe.name, recipe: built.recipe, bytes: built.modelBytes.count,
        calibrationSQNR: built.sqnr,
        calibrationAgreement: built.agreement, comparison: comparison, latency: latency, speedup: ratio,
        verdict: verdict, reason: reason))
  }

  private mutating func addNotes(
    _ comparison: PairedComparison, ratio: SpeedRatio, final: CandidateSearch.Built?
  ) {
    let interval = comparison.dropInterval
    if final != nil, comparison.accuracyDrop > request.maxAccuracyDrop {
      notes.append(
        "One of \(comparison.images) evaluation images was lost, which is worth \(points(comparison.accuracyDrop)) points: this data "
          + "cannot tell whether the budget of \(points(request.maxAccuracyDrop)) points is kept; give at least "
          + "\(Int((1 / request.maxAccuracyDrop).rounded(.up))) evaluation images")
    } else if final != nil, interval.upperBound > request.maxAccuracyDrop {
      notes.append(
        "With \(comparison.images) evaluation images the true accuracy drop lies between \(points(interval.lowerBound)) and "
          + "\(points(interval.upperBound)) points (95%); more images would narrow this")
    }
    if ratio.interval.contains(1) {
      notes.append("The speedup cannot be told from 1 with \(ratio.rounds) rounds")
    }
    if let recipe = final?.recipe, recipe.canSaturate {
      notes.append(
        "8-bit weights can saturate the integer kernels of x86 processors without VNNI; optimize again on such a machine"
      )
    }
    if final == nil, !candidates.contains(where: { $0.verdict == .chosen && $0.recipe != nil }) {
      notes.append("No INT8 variant was better within the limits; the result is the folded FP32 model")
    }
  }

  /// A fraction in points, two decimals at most.
  private func points(_ fraction: Double) -> String {
    let hundredths = Int((fraction * 10_000).rounded())
    let magnitude = abs(hundredths)
    let decimals = magnitude % 100
    let text =
      decimals == 0 ? "\(magnitude / 100)" : "\(magnitude / 100).\(decimals < 10 ? "0" : "")\(decimals)"
    return hundredths < 0 ? "-\(text)" : text
  }
}
