import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// Static INT8: the kernel types that are fast here, then weight ranges, bias correction and activation ranges one after
/// the other, judged by the signal-to-noise ratio of the scores on calibration samples.
struct StaticQuantizationStrategy: SearchStrategy {
  let technique = OptimizationTechnique.int8
  /// What is quantized: the folded original, or a variant of it.
  private(set) var source: QuantizationSource
  /// The best recipes found, best first.
  private(set) var found: [QuantizationRecipe] = []
  /// How this processor adds the products of 8-bit codes.
  private var accumulation = SaturationRisk.Accumulation.unknown

  init(_ source: QuantizationSource) { self.source = source }

  mutating func run(_ bench: inout Workbench, until share: Double) throws(ScopeError) {
    bench.request.progress("Timing integer kernels", bench.spent)
    let classes = try fastClasses(&bench)
    if let first = classes.first { try noteSaturation(first.index, &bench) }
    let covered = try reparametrize(try tryCoverages(classes, &bench, until: share), &bench, until: share)
    for (recipe, index) in covered {
      bench.request.progress("Searching quantization settings", bench.spent)
      try refine(recipe, index, &bench, until: share)
    }
  }

  /// Builds one variant per kernel type, times all beside the original and keeps the types that are fast here.
  private func fastClasses(
    _ bench: inout Workbench
  ) throws(ScopeError) -> [(recipe: QuantizationRecipe, index: Int)] {
    let recipes = [
      QuantizationRecipe(), QuantizationRecipe(perChannel: false),
      QuantizationRecipe(activations: .int8, weights: .int8),
      QuantizationRecipe(activations: .uint8, weights: .uint8, perChannel: false),
    ]
    var built: [(recipe: QuantizationRecipe, index: Int)] = []
    for recipe in recipes {
      if let index = try source.propose(recipe, &bench), !bench.trials[index].isOut {
        built.append((recipe, index))
      }
    }
    try bench.timeQuickly(built.map(\.index))
    let best = built.compactMap { bench.trials[$0.index].quickSpeed?.ratio }.max() ?? 0
    let bestSQNR = built.map { bench.trials[$0.index].sqnr }.max() ?? 0
    var kept: [(recipe: QuantizationRecipe, index: Int)] = []
    for (recipe, index) in built {
      guard let speed = bench.trials[index].quickSpeed else { continue }
      if speed.interval.upperBound < 1 {
        bench.reject(index, "slower than the original on this processor")
      } else if speed.interval.upperBound < 0.85 * best {
        bench.reject(index, "another kernel type is faster on this processor")
      } else if !recipe.perChannel, bench.trials[index].sqnr < bestSQNR - 6 {
        bench.reject(index, "one scale per tensor loses too much precision")
      } else {
        kept.append((recipe, index))
      }
    }
    return kept.sorted { bench.trials[$0.index].sqnr > bench.trials[$1.index].sqnr }
  }

  /// Tries the best kernel type on fewer and on more operators, and keeps what is faster, or as fast and more precise.
  private func tryCoverages(
    _ classes: [(recipe: QuantizationRecipe, index: Int)], _ bench: inout Workbench, until share: Double
  ) throws(ScopeError) -> [(recipe: QuantizationRecipe, index: Int)] {
    guard let first = classes.first else { return classes }
    var indices: [(recipe: QuantizationRecipe, index: Int)] = []
    for coverage in Coverage.allCases where coverage != first.recipe.coverage && bench.isBefore(share) {
      // The same nodes under another name are no other variant.
      guard source.differs(coverage, from: first.recipe.coverage) else { continue }
      var recipe = first.recipe
      recipe.coverage = coverage
      if let index = try source.propose(recipe, &bench), !bench.trials[index].isOut {
        indices.append((recipe, index))
      }
    }
    guard !indices.isEmpty else { return classes }
    try bench.timeQuickly(indices.map(\.index))
    var best = first
    func speed(_ index: Int) -> Double { bench.trials[index].quickSpeed?.ratio ?? 0 }
    for candidate in indices {
      let (new, old) = (speed(candidate.index), speed(best.index))
      let isMorePrecise = bench.trials[candidate.index].sqnr > bench.trials[best.index].sqnr + 1
      if new > 1.05 * old || (new > 0.95 * old && isMorePrecise) { best = candidate }
    }
    for candidate in [first] + indices where candidate.index != best.index {
      bench.reject(
        candidate.index, "\(best.recipe.coverage.rawValue) in integers is faster or as fast and more precise")
    }
    return [best] + classes.dropFirst()
  }

  // MARK: Other numbers for the same function

  /// Tries the best recipe on the model with its channels equalized across layers and with outliers of normalised
  /// activations moved into the weights; goes on from the one on which the recipe is most precise.
  private mutating func reparametrize(
    _ classes: [(recipe: QuantizationRecipe, index: Int)], _ bench: inout Workbench, until share: Double
  ) throws(ScopeError) -> [(recipe: QuantizationRecipe, index: Int)] {
    guard let first = classes.first else { return classes }
    var best = bench.trials[first.index].sqnr + Self.reparametrizationGain
    var chosen: QuantizationSource?
    for form in Reparametrization.allCases where bench.isBefore(0.7 * share) {
      do throws(ScopeError) {
        guard let other = try form.source(source, bench.context(until: share)),
          let index = try other.propose(first.recipe, &bench), !bench.trials[index].isOut
        else { continue }
        if other.changesKernels { try bench.timeQuickly([index]) }
        if bench.trials[index].sqnr > best, !bench.trials[index].isSlow {
          best = bench.trials[index].sqnr
          chosen = other
        } else {
          bench.reject(index, "not more precise than without the first step")
        }
      } catch {
        guard error.isVariantsFault else { throw error }
        bench.notes.append("\(form.words) was not possible: \(error)")
      }
    }
    guard let chosen else { return classes }
    source = chosen
    // The other kernel types go on from the same numbers.
    var moved: [(recipe: QuantizationRecipe, index: Int)] = []
    for (recipe, index) in classes {
      guard let other = try source.propose(recipe, &bench), !bench.trials[other].isOut else { continue }
      moved.append((recipe, other))
      bench.reject(index, "less precise than \(bench.trials[other].variant.name)")
    }
    return moved
  }

  /// Signal-to-noise ratio, decibel, that other numbers must bring.
  private static let reparametrizationGain = 0.3

  // MARK: Saturation

  /// Says so when the fused kernels compute something else than the file means.
  private mutating func noteSaturation(_ index: Int, _ bench: inout Workbench) throws(ScopeError) {
    let trial = bench.trials[index]
    guard trial.variant.canSaturate else { return }
    let risk = SaturationRisk(
      source.model.graph, plan: source.plan, calibration: source.calibration, recipe: QuantizationRecipe())
    accumulation = risk.accumulation
    if risk.observedShare > 0 {
      let percent = max(1, Int((100 * risk.observedShare).rounded()))
      let here =
        switch risk.accumulation {
        case .exact: "This processor adds them in 32 bits, which is safe"
        case .pairs16Bit: "This processor adds them so"
        case .unknown: "How this processor adds them is not known"
        }
      bench.notes.append(
        "\(percent)% of the output channels hold pairs of full-range 8-bit weights whose products can exceed 16 bits, in which "
          + "x86 processors without VNNI add them. \(here)")
    }
    let indices = Array(bench.filterIndices.prefix(4))
    let expected = bench.reference.rows(Array(indices.indices))
    let samples = bench.request.samples
    let plain = try Session(
      engine: bench.request.engine, modelBytes: trial.bytes,
      options: SessionOptions(threads: bench.request.threads, optimization: .none))
    let unfused = ScoreComparison.sqnr(
      expected, try ModelRunner(session: plain, output: bench.original.output).logits(samples, indices))
    let fused = ScoreComparison.sqnr(expected, try bench.runner(of: trial).logits(samples, indices))
    if unfused > fused + 3 {
      bench.notes.append(
        "Integer kernels saturate on this processor with 8-bit weights (signal-to-noise ratio \(rounded(fused)) dB fused, "
          + "\(rounded(unfused)) dB unfused); reduced and pair-bounded weight ranges avoid it")
    }
  }

  private func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }

  /// Tries one setting after the other from a first recipe on, keeping what raises the signal-to-noise ratio.
  private mutating func refine(
    _ first: QuantizationRecipe, _ firstIndex: Int, _ bench: inout Workbench, until share: Double
  ) throws(ScopeError) {
    var all = [(recipe: first, index: firstIndex)]
    var best = (recipe: first, index: firstIndex)
    func attempt(_ recipe: QuantizationRecipe, _ bench: inout Workbench) throws(ScopeError) {
      guard !all.contains(where: { $0.recipe == recipe }), bench.isBefore(share),
        let index = try source.propose(recipe, &bench), !bench.trials[index].isOut
      else { return }
      all.append((recipe, index))
      // A gain that is more than noise.
      if bench.trials[index].sqnr > bench.trials[best.index].sqnr + 0.1 { best = (recipe, index) }
    }
    if first.activations == .uint8, first.perChannel {
      // Where products are added in 32 bits a coarser step only loses; the pair-bounded one stays for other processors.
      let ranges: [WeightRange] =
        accumulation == .exact ? [.pairBounded] : [.pairBounded, .reducedExceptDepthwise, .reduced]
      for range in ranges {
        var recipe = first
        recipe.weightRange = range
        try attempt(recipe, &bench)
      }
    }
    var corrected = best.recipe
    corrected.biasCorrection = true
    try attempt(corrected, &bench)
    let beforeRanges = best.recipe
    func attempt(_ range: RangeMethod, _ bench: inout Workbench) throws(ScopeError) -> Bool {
      var recipe = beforeRanges
      recipe.range = range
      try attempt(recipe, &bench)
      return best.recipe == recipe
    }
    _ = try attempt(.leastSquares, &bench)
    _ = try attempt(.entropy, &bench)
    // Clipping more helps only where clipping some did.
    let isClippingGood = try attempt(.percentile, &bench)
    _ = try attempt(isClippingGood ? .percentile999 : .percentile99999, &bench)
    try round(&best, &all, &bench, until: share)
    // The range that is safe on every processor, with the settings that helped.
    if best.recipe.canSaturate, first.perChannel {
      var portable = best.recipe
      portable.weightRange = .pairBounded
      try attempt(portable, &bench)
    }
    Self.keepBest(all, &found, &bench)
  }

  /// Rounds the best recipe's weights by what they do to each layer's output, where OpenBLAS is there.
  private mutating func round(
    _ best: inout (recipe: QuantizationRecipe, index: Int),
    _ all: inout [(recipe: QuantizationRecipe, index: Int)],
    _ bench: inout Workbench, until share: Double
  ) throws(ScopeError) {
    guard bench.isBefore(share) else { return }
    bench.request.progress("Rounding weights by their effect", bench.spent)
    if let obstacle = try source.collectMoments(bench.roundingContext(until: share)) {
      bench.notes.append("Weights were rounded to the nearest code only: \(obstacle)")
      return
    }
    let nearest = best.recipe
    for rounding in [WeightRounding.hessian, .adaptive] {
      var recipe = nearest
      recipe.rounding = rounding
      guard bench.isBefore(share), let index = try source.propose(recipe, &bench), !bench.trials[index].isOut
      else { continue }
      all.append((recipe, index))
      if bench.trials[index].sqnr > bench.trials[best.index].sqnr + 0.1 { best = (recipe, index) }
    }
  }

  /// Keeps two variants, the best and either the second best or the best that cannot saturate; the others are out.
  private static func keepBest(
    _ all: [(recipe: QuantizationRecipe, index: Int)], _ found: inout [QuantizationRecipe],
    _ bench: inout Workbench
  ) {
    let ordered = all.sorted { bench.trials[$0.index].sqnr > bench.trials[$1.index].sqnr }
    var kept = Array(ordered.prefix(2))
    if let portable = ordered.first(where: { !$0.recipe.canSaturate }),
      !kept.contains(where: { !$0.recipe.canSaturate })
    {
      kept[kept.count - 1] = portable
    }
    for (recipe, index) in ordered where !kept.contains(where: { $0.recipe == recipe }) {
      bench.reject(
        index, "lower signal-to-noise ratio on the calibration samples than \(ordered[0].recipe.name)")
    }
    found += kept.map(\.recipe)
  }
}
