import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// Structured channel pruning without training: whole channels go, what stays makes up for them.
public enum StructuredPruner {
  /// Plans of rising saving for a model after the exact passes.
  ///
  /// - Throws: `unsupported` when no channels can be pruned, naming the reasons; engine failures.
  public static func plan(
    _ model: Model, recipe: PruningRecipe = PruningRecipe(), context: OptimizationContext,
    savings: [Double] = [0.1, 0.2, 0.3, 0.4, 0.5]
  ) throws(ScopeError) -> [PruningPlan] {
    try PruningStudy(model, recipe: recipe, context: context).plans(savings: savings)
  }

  /// Merges blocks and removes the channels that a plan does not keep, and fits the layers behind them.
  ///
  /// - Parameter model: the one that the plan was made for.
  /// - Throws: `invalidArgument` for a plan that does not fit the model or leaves a group empty; engine failures.
  public static func prune(
    _ model: Model, _ plan: PruningPlan, context: OptimizationContext
  ) throws(ScopeError) -> PrunedModel {
    try prune(model, plan, groups: ChannelGroups(model), context: context)
  }

  static func prune(
    _ model: Model, _ plan: PruningPlan, groups: ChannelGroups, context: OptimizationContext
  ) throws(ScopeError) -> PrunedModel {
    let merger = try BlockMerger(model, plan.merges)
    let full = merger.merged
    // Merged blocks change the nodes' numbers: groups are found again by what their first layer gives.
    let all = plan.merges.isEmpty ? groups : ChannelGroups(full)
    func output(_ group: ChannelGroup, _ model: Model) -> String {
      model.graph.nodes[group.producers[0]].outputs.first ?? ""
    }
    let byOutput = Dictionary(
      all.groups.map { (output($0, full), $0) }, uniquingKeysWith: { first, _ in first })
    var removed: Set<Int> = []
    var consumers = Set(merger.layers.map(\.second))
    var changed: [PrunedModel.Group] = []
    for (id, kept) in plan.kept.sorted(by: { $0.key < $1.key }) {
      guard groups.groups.indices.contains(id), let group = byOutput[output(groups.groups[id], model)],
        group.isPrunable, group.channels.count == groups.groups[id].channels.count, !kept.isEmpty,
        kept.allSatisfy(group.channels.indices.contains)
      else {
        throw ScopeError(
          .invalidArgument, "the pruning plan does not fit the model", place: "group \(id)",
          expected: "channels of a prunable group, at least one kept", found: "\(kept.prefix(8))")
      }
      let stays = Set(kept)
      for (number, channel) in group.channels.enumerated() where !stays.contains(number) {
        removed.insert(channel)
      }
      guard stays.count < group.channels.count else { continue }
      consumers.formUnion(group.consumers)
      changed.append(
        PrunedModel.Group(name: group.name, before: group.channels.count, after: stays.count))
    }
    let removal = ChannelRemoval(all, removing: removed)
    var result = PrunedModel(
      model: try removal.apply(to: full), plan: plan, groups: changed, macsBefore: macs(model), declined: [])
    if plan.recipe.reconstruction != .none, let first = consumers.min() {
      var nodes = consumers
      if plan.recipe.reconstruction == .everyLayer {
        nodes.formUnion(
          full.graph.nodes.indices.filter {
            $0 >= first && ["Conv", "Gemm", "MatMul"].contains(full.graph.nodes[$0].opType)
              && full.graph.initializers[full.graph.nodes[$0].input(1) ?? ""] != nil
          })
      }
      let (places, declined) = LayerReconstruction.places(full, nodes: nodes)
      let reconstruction = LayerReconstruction(
        original: merger.teacher, removal: removal, context: context,
        algebra: try LinearAlgebra.load(threads: 1))
      let outcome = try reconstruction.run(&result.model, places: places)
      result.declined = declined + outcome.declined
      if !outcome.errors.isEmpty {
        result.reconstructionError = outcome.errors.reduce(0, +) / Double(outcome.errors.count)
      }
    }
    try GraphValidation.check(result.model)
    result.macsAfter = macs(result.model)
    return result
  }

  /// Multiply-accumulates at batch 1; nil when a size stays open or nothing is counted.
  static func macs(_ model: Model) -> Int? {
    var bindings: [String: Shape] = [:]
    for input in model.graph.requiredInputs {
      guard let shape = input.shape, let first = shape.dimensions.first, first.value == nil else { continue }
      bindings[input.name] = Shape([.known(1)] + shape.dimensions.dropFirst())
    }
    let total = ShapeInference.infer(model, bindings: bindings).totalCost.counted.macs
    return total > 0 ? total : nil
  }
}
