import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// Blocks merged and channels removed in steps of rising saving, in float and in INT8.
struct PruningStrategy: SearchStrategy {
  let technique = OptimizationTechnique.pruning
  /// INT8 recipes to combine with, the best of each kernel type; empty prunes in float only.
  let recipes: [QuantizationRecipe]
  /// Shares of the cost to save, tried from the middle: more while the accuracy budget is kept, less until it is.
  private static let ladder = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5]
  private static let middle = 3
  /// Agreement with the original on the filter samples below which more pruning is pointless, and from which it is gone
  /// on with when there is no time to evaluate.
  private static let (hopeless, promising) = (0.7, 0.9)

  func run(_ bench: inout Workbench, until share: Double) throws(ScopeError) {
    bench.request.progress("Studying channels", bench.spent)
    let context = bench.context(until: share)
    let study: PruningStudy
    do throws(ScopeError) {
      study = try PruningStudy(bench.folding.model, recipe: PruningRecipe(), context: context)
    } catch {
      guard error.isVariantsFault || error.code == .engineUnavailable else { throw error }
      bench.notes.append("Pruning was not possible: \(error)")
      return
    }
    var tried: [PruningPlan: Bool] = [:]
    let costs = costs(bench.request.objective, study)
    for (position, cost) in costs.enumerated() {
      // What is left is shared: the first cost must not use it up.
      let share = bench.spent + max(share - bench.spent, 0) / Double(costs.count - position)
      var step = Self.middle
      var direction = 0
      var (kept, lost): (Double?, Double?)
      while Self.ladder.indices.contains(step), bench.isBefore(share) {
        let saving = Self.ladder[step]
        guard let isKept = try attempt(saving, cost, study, context, &tried, &bench, until: share) else {
          break
        }
        if isKept { kept = saving } else { lost = saving }
        if direction == 0 { direction = isKept ? 1 : -1 }
        if isKept != (direction > 0) { break }
        step += direction
      }
      // The budget ends between two steps of the ladder: half a step may still fit.
      if let kept, let lost, bench.isBefore(share) {
        _ = try attempt((kept + lost) / 2, cost, study, context, &tried, &bench, until: share)
      }
    }
  }

  /// Proposes the plan of a saving unless an equal one was proposed before.
  ///
  /// - Returns: whether it keeps the accuracy budget; nil when nothing can be removed.
  private func attempt(
    _ saving: Double, _ cost: PruningRecipe.Cost, _ study: PruningStudy, _ context: OptimizationContext,
    _ tried: inout [PruningPlan: Bool], _ bench: inout Workbench, until share: Double
  ) throws(ScopeError) -> Bool? {
    var plan = study.plan(saving: saving, cost: cost)
    guard !plan.isEmpty else { return nil }
    let (expected, noise) = (plan.expectedSaving, plan.expectedNoise)
    // Plans of two costs may be one.
    (plan.expectedSaving, plan.expectedNoise) = (0, 0)
    let key = plan
    if let known = tried[key] { return known }
    (plan.expectedSaving, plan.expectedNoise) = (expected, noise)
    let isKept = try attempt(plan, cost, study, context, &bench, until: share)
    tried[key] = isKept
    return isKept
  }

  /// Plans by measured time follow the machine's kernels. Where only channels can go, the steps are small and noise may
  /// hide them: plans by multiplications are tried as well, and the measured speed of the whole model decides.
  private func costs(_ objective: OptimizationObjective, _ study: PruningStudy) -> [PruningRecipe.Cost] {
    let time: [PruningRecipe.Cost] = study.merges.isEmpty ? [.latency, .macs] : [.latency]
    return switch objective {
    case .latency: time
    case .size: [.size]
    case .balanced: time + [.size]
    }
  }

  /// Proposes the pruned model and its INT8 form.
  ///
  /// - Returns: whether the float form keeps the accuracy budget, as far as there is time to know.
  private func attempt(
    _ plan: PruningPlan, _ cost: PruningRecipe.Cost, _ study: PruningStudy, _ context: OptimizationContext,
    _ bench: inout Workbench, until share: Double
  ) throws(ScopeError) -> Bool {
    let original = bench.folding.model
    let finetunes = bench.request.finetune
    let percent = Int((plan.expectedSaving * 100).rounded())
    bench.request.progress("Pruning \(percent)%", bench.spent)
    let (short, long) =
      switch cost {
      case .latency: ("time", "time")
      case .macs: ("MACs", "multiplications")
      case .size: ("size", "size")
      }
    let name = "pruned \(percent)% \(short)"
    let aim = "to save \(percent)% of the \(long)"
    var steps: [String] = []
    if !plan.merges.isEmpty { steps.append("\(plan.merges.count) pairs of residual blocks made one \(aim)") }
    if !plan.kept.isEmpty {
      steps.append("Channels removed \(aim), counts in multiples of \(plan.recipe.alignment)")
    }
    steps.append("The layers behind fitted by least squares")
    if finetunes { steps.append("Distilled from the original on the calibration samples") }
    var distillation = DistillationRecipe()
    // A few plans are tried: each gets its part of the time.
    distillation.timeBudget = bench.request.timeBudget * (max(share - bench.spent, 0) / 4)
    var pruned: Model?
    func make() throws(ScopeError) -> Model {
      if let pruned { return pruned }
      var model = try StructuredPruner.prune(original, plan, groups: study.groups, context: context).model
      if finetunes {
        model = try Distillation.finetune(
          student: model, teacher: .model(original), recipe: distillation, context: context
        ).model
      }
      pruned = model
      return model
    }
    let variant = Variant(
      name: name + (finetunes ? " distilled" : ""), technique: .pruning, steps: steps, kernels: name)
    guard let index = try bench.propose(variant, build: make), !bench.trials[index].isOut else {
      return false
    }
    let agreement = bench.trials[index].filterAgreement
    if agreement.trials > 0, agreement.value < Self.hopeless {
      bench.reject(index, "gives another prediction than the original for too many calibration samples")
      return false
    }
    var isKept = agreement.value >= Self.promising
    if bench.spent + bench.verificationShare(index) <= share {
      try bench.verify(index)
      isKept = bench.keepsBudget(index)
    }
    guard !recipes.isEmpty, bench.isBefore(share) else { return isKept }
    do throws(ScopeError) {
      var source = try QuantizationSource(
        try make(), prefix: "\(variant.name) + ", steps: variant.steps, context: context)
      for var recipe in recipes {
        if recipe.rounding != .nearest,
          let obstacle = try source.collectMoments(bench.roundingContext(until: share))
        {
          bench.notes.append("\(variant.name): weights were rounded to the nearest code only: \(obstacle)")
          recipe.rounding = .nearest
        }
        _ = try source.propose(recipe, &bench)
      }
    } catch {
      guard error.isVariantsFault else { throw error }
      bench.notes.append("\(variant.name) could not be quantized: \(error)")
    }
    return isKept
  }
}
