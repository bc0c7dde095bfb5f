import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// Blocks merged and channels removed in steps of rising saving, in float and in INT8.
struct PruningStrategy: SearchStrategy {
  let technique = OptimizationTechnique.pruning
  /// INT8 recipes to combine with, best first; empty prunes in float only.
  let recipes: [QuantizationRecipe]
  /// Of the cost, what to save. Plans by measured time follow the machine's kernels, plans by multiplications its noise
  /// cannot mislead; the measured speed of the whole model decides between them.
  private static let savings: [(cost: PruningRecipe.Cost, shares: [Double])] = [
    (.latency, [0.15, 0.2, 0.25, 0.3, 0.35]), (.macs, [0.2, 0.35]),
  ]
  /// Agreement with the original on the filter samples below which more pruning is pointless.
  private static let hopeless = 0.7

  func run(_ bench: inout Workbench, until share: Double) throws(ScopeError) {
    bench.request.progress("Studying channels", bench.spent)
    let original = bench.folding.model
    let finetunes = bench.request.finetune
    let context = bench.context(until: share)
    var plans: [(cost: PruningRecipe.Cost, plan: PruningPlan)] = []
    do throws(ScopeError) {
      let study = try PruningStudy(original, recipe: PruningRecipe(), context: context)
      for (cost, shares) in Self.savings {
        for plan in study.plans(savings: shares, cost: cost)
        where !plans.contains(where: { $0.plan.kept == plan.kept && $0.plan.merges == plan.merges }) {
          plans.append((cost, plan))
        }
      }
    } catch {
      guard error.isVariantsFault || error.code == .engineUnavailable else { throw error }
      bench.notes.append("Pruning was not possible: \(error)")
      return
    }
    var distillation = DistillationRecipe()
    // Each plan gets its part of what is left.
    distillation.timeBudget =
      bench.request.timeBudget * (max(share - bench.spent, 0) / Double(plans.count + 1))
    for (cost, plan) in plans where bench.isBefore(share) {
      let percent = Int((plan.expectedSaving * 100).rounded())
      bench.request.progress("Pruning \(percent)%", bench.spent)
      let name = "pruned \(percent)% \(cost == .latency ? "time" : "MACs")"
      let aim = "to save \(percent)% of the \(cost == .latency ? "time" : "multiplications")"
      var steps: [String] = []
      if !plan.merges.isEmpty {
        steps.append("\(plan.merges.count) pairs of residual blocks made one \(aim)")
      }
      if !plan.kept.isEmpty {
        steps.append("Channels removed \(aim), counts in multiples of \(plan.recipe.alignment)")
      }
      steps.append("The layers behind fitted by least squares")
      var pruned: Model?
      func make() throws(ScopeError) -> Model {
        if let pruned { return pruned }
        var model = try StructuredPruner.prune(original, plan, context: context).model
        if finetunes {
          model = try Distillation.finetune(
            student: model, teacher: .model(original), recipe: distillation, context: context
          ).model
        }
        pruned = model
        return model
      }
      let finetuned = finetunes ? ["Distilled from the original on the calibration samples"] : []
      let variant = Variant(
        name: name + (finetunes ? " distilled" : ""), technique: .pruning,
        steps: steps + finetuned, kernels: name)
      guard let index = try bench.propose(variant, build: make), !bench.trials[index].isOut else { continue }
      let agreement = bench.trials[index].filterAgreement
      if agreement.trials > 0, agreement.value < Self.hopeless {
        bench.reject(index, "gives another prediction than the original for too many calibration samples")
        continue
      }
      guard let recipe = recipes.first, bench.isBefore(share) else { continue }
      do throws(ScopeError) {
        let source = try QuantizationSource(
          try make(), prefix: "\(variant.name) + ", steps: variant.steps, context: context)
        _ = try source.propose(recipe, &bench)
      } catch {
        guard error.isVariantsFault else { throw error }
        bench.notes.append("\(variant.name) could not be quantized: \(error)")
      }
    }
  }
}
