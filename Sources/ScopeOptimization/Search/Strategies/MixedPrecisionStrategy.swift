import ScopeBytes

/// Where INT8 everywhere costs too much accuracy, the layers that hurt most stay in float: as few as keep the budget.
struct MixedPrecisionStrategy: SearchStrategy {
  let technique = OptimizationTechnique.int8
  let source: QuantizationSource
  /// The recipe to relax; nil when none is fast here, so that only the sensitivity can be measured.
  let recipe: QuantizationRecipe?

  func run(_ bench: inout Workbench, until share: Double) throws(ScopeError) {
    let isNeeded = recipe != nil && !bench.hasAdmissible(.int8)
    guard isNeeded || bench.request.measuresSensitivity else { return }
    if bench.sensitivity.isEmpty {
      let end = bench.spent + 0.6 * max(share - bench.spent, 0)
      bench.sensitivity = try Sensitivity.measure(
        source, recipe: recipe ?? QuantizationRecipe(), &bench, until: end)
    }
    guard isNeeded, let recipe else { return }
    var previous = bench.trials.first { $0.variant.name == source.name(recipe) }?.sqnr ?? 0
    var count = 1
    // With more than half of the layers in float little is left to gain.
    while count <= max(1, bench.sensitivity.count / 2), bench.isBefore(share) {
      var relaxed = recipe
      relaxed.floatLayers = Set(bench.sensitivity.prefix(count).map(\.layer))
      if let index = try source.propose(relaxed, &bench), !bench.trials[index].isOut {
        try bench.timeQuickly([index])
        let speed = bench.trials[index].quickSpeed?.interval.upperBound ?? 0
        if speed < 1 {
          bench.reject(index, "slower than the original on this processor")
          return
        }
        // Evaluated only where it is more precise than what failed.
        if bench.trials[index].sqnr > previous + 0.5 {
          previous = bench.trials[index].sqnr
          try bench.verify(index)
          if bench.keepsBudget(index) { return }
        } else {
          bench.reject(index, "hardly more precise than with fewer layers in float")
        }
      }
      count *= 2
    }
  }
}
