import ScopeBytes
import ScopeGraph
import ScopeRuntime

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What pruning each group of channels costs and saves, measured once; plans follow from it.
///
/// 1. Order and error of removing channels, per group, from the calibration samples.
/// 2. One measurement per group of how much noise its error makes in the model's scores.
/// 3. The same for every two residual blocks that can become one.
/// 4. Time and multiply-accumulates saved per kind of layer and channel count, and per kind of block.
public struct PruningStudy: Sendable {
  public let recipe: PruningRecipe
  public let groups: ChannelGroups
  /// Groups that may lose channels under the recipe.
  public let prunable: [ChannelGroup]
  /// Why other groups, and layers of these, are left alone; one sentence each.
  public private(set) var declined: [String] = []
  let model: Model
  var curves: [Int: EliminationCurve] = [:]
  /// Noise power in the scores over the signal's, per unit of the curve's error.
  var noisePerError: [Int: Double] = [:]
  /// Share of the whole cost saved, by cost, group and channel count.
  var savings: [PruningRecipe.Cost: [Int: [Int: Double]]] = [:]
  /// Two residual blocks that can become one, in the order of the blocks.
  private(set) var merges: [MergeCandidate] = []
  /// Share of the whole cost saved, by cost and kind of merge.
  private var mergeSavings: [PruningRecipe.Cost: [String: Double]] = [:]

  /// Sums of more inputs than this are not kept for the choice of channels.
  static let mostFeatures = 2304
  /// Samples on which the scores are compared.
  static let scoredSamples = 64

  /// - Parameter model: after the exact passes.
  /// - Throws: `unsupported` when no group of channels can be pruned, naming the reasons; engine failures.
  public init(_ model: Model, recipe: PruningRecipe, context: OptimizationContext) throws(ScopeError) {
    guard recipe.alignment > 0, recipe.candidates > 0, !context.calibration.isEmpty else {
      throw ScopeError(
        .invalidArgument, "pruning needs calibration samples, an alignment and candidates",
        expected: "all above 0",
        found: "\(context.calibration.count), \(recipe.alignment), \(recipe.candidates)")
    }
    self.model = model
    self.recipe = recipe
    groups = ChannelGroups(model)
    prunable = groups.groups.filter {
      $0.isPrunable && (recipe.scope == .all || !$0.isResidual)
        && !Self.counts($0, recipe).isEmpty
    }
    for group in groups.groups {
      if let reason = group.reason {
        declined.append("\(group.name): \(reason)")
      } else if group.isResidual, recipe.scope == .inner {
        declined.append("\(group.name): the channels belong to a residual stream")
      } else if Self.counts(group, recipe).isEmpty {
        declined.append("\(group.name): \(group.channels.count) channels are no more than one aligned block")
      }
    }
    guard
      !prunable.isEmpty
        || recipe.mergesBlocks && !ResidualBlock.pairs(ResidualBlock.find(model.graph), model.graph).isEmpty
    else {
      throw ScopeError(
        .unsupported, "no group of channels can be pruned",
        found: declined.prefix(3).joined(separator: "; "))
    }
    // Many small systems: threads would wait for each other more than they compute.
    let algebra = try LinearAlgebra.load(threads: 1)
    let readers =
      try recipe.importance == .reconstruction || recipe.importance == .activation
      ? readers(context, algebra) : [:]
    try measureCurves(context, readers, algebra)
    try measureNoise(context, readers, algebra)
    try measureSavings(context)
  }

  /// Channel counts below the full one that are worth trying, descending.
  static func counts(_ group: ChannelGroup, _ recipe: PruningRecipe) -> [Int] {
    var step = max(recipe.alignment, 1)
    var rows = max(group.rowsPerChannel, 1)
    while rows % 2 == 0, step % 2 == 0 {
      rows /= 2
      step /= 2
    }
    let count = group.channels.count
    let all = Array(stride(from: (count - 1) / step * step, to: 0, by: -step))
    guard all.count > recipe.candidates else { return all }
    // Evenly spread, the smallest included.
    return (0..<recipe.candidates).map { all[($0 + 1) * all.count / recipe.candidates - 1] }
  }

  // MARK: Errors

  private mutating func measureCurves(
    _ context: OptimizationContext, _ readers: [Int: [ChannelElimination.Reader]], _ algebra: LinearAlgebra
  )
    throws(ScopeError)
  {
    context.progress("Scoring channels", 0)
    for (number, group) in prunable.enumerated() {
      context.progress("Scoring channels", Double(number) / Double(prunable.count))
      var curve: EliminationCurve?
      switch recipe.importance {
      case .magnitudeL1:
        curve = ChannelScores.curve(try ChannelScores.magnitude(group, groups, model, squared: false))
      case .geometricMedian:
        curve = ChannelScores.curve(try ChannelScores.geometricMedian(group, groups, model))
      case .taylor:
        do throws(ScopeError) {
          curve = ChannelScores.curve(try ChannelScores.taylor(group, groups, model, context: context))
        } catch {
          guard error.code == .unsupported else { throw error }
          declined.append("\(group.name): scored by magnitude, \(error.message)")
        }
      case .activation:
        curve = readers[group.id].map { found in
          ChannelScores.curve(
            group.channels.indices.map { channel in
              found.reduce(0) { sum, reader in
                sum + reader.positions[channel].reduce(0) { $0 + max(reader.gram[$1, $1], 0) }
              }.squareRoot()
            })
        }
      case .reconstruction:
        curve = readers[group.id].flatMap {
          ChannelElimination.curve(
            $0, channels: group.channels.count, ridge: 1e-3, snapshot: probed(group), algebra)
        }
      case .magnitudeL2: break
      }
      if let curve {
        curves[group.id] = curve
      } else {
        curves[group.id] = ChannelScores.curve(
          try ChannelScores.magnitude(group, groups, model, squared: true))
      }
    }
  }

  /// Centred sums of what the consumers of each group read; groups with a consumer that is too wide are left out.
  private func readers(
    _ context: OptimizationContext, _ algebra: LinearAlgebra
  ) throws(ScopeError) -> [Int: [ChannelElimination.Reader]] {
    let editor = GraphEditor(model.graph)
    var places: [Int: LayerPlace] = [:]
    for node in Set(prunable.flatMap(\.consumers)) {
      if let place = LayerPlace(node, editor), place.patches.length <= Self.mostFeatures,
        place.patches.group == 1
      {
        places[node] = place
      }
    }
    guard !places.isEmpty else { return [:] }
    var bytes = 0
    var one = context
    one.calibration = Array(context.calibration.prefix(1))
    let values = Set(places.values.map(\.input))
    try PlaceSampler(one, bytesPerSample: PlaceSampler.memoryLimit).run(model, values: values) {
      (_, outputs, real) throws(ScopeError) in
      bytes = outputs.values.reduce(0) { $0 + $1.elementCount * 4 } / max(real, 1)
    }
    let sampler = PlaceSampler(context, bytesPerSample: bytes)
    var sums: [Int: LayerStatistics] = [:]
    try sampler.run(model, values: values) { (run, outputs, real) throws(ScopeError) in
      for (node, place) in places.sorted(by: { $0.key < $1.key }) {
        guard let input = outputs[place.input], !input.floats.isEmpty else { continue }
        let positions = sampler.positions(place, input.dimensions, run: run, real: real)
        sums[node, default: LayerStatistics(features: place.patches.length, outputs: 0)].add(
          place.patches.rows(input, at: positions), [], rows: positions.count, algebra)
      }
    }
    var result: [Int: [ChannelElimination.Reader]] = [:]
    for group in prunable {
      var readers: [ChannelElimination.Reader] = []
      for node in group.consumers {
        guard let place = places[node], let statistics = sums[node],
          let tensor = model.graph.initializers[model.graph.nodes[node].inputs[1]]
        else { continue }
        let features = place.patches.length
        let values = try tensor.floats().map(Double.init)
        let outputs = values.count / max(features, 1)
        let stored = Matrix(
          rows: place.isTransposed ? features : outputs, columns: place.isTransposed ? outputs : features,
          values: values)
        // A convolution's channel stands for its whole kernel.
        let kernel = place.patches.isConvolution ? features / max(place.patches.inputs, 1) : 1
        let positions = groups.positions(group, node: node, role: .consumer).map { channels in
          channels.flatMap { channel in (0..<kernel).map { channel * kernel + $0 } }
        }
        readers.append(
          ChannelElimination.Reader(
            node: node, means: statistics.inputSums.map { $0 / Double(max(statistics.rows, 1)) },
            gram: statistics.centered.gram, weight: place.isTransposed ? stored.transposed : stored,
            positions: positions))
      }
      if readers.count == group.consumers.count { result[group.id] = readers }
    }
    return result
  }

  // MARK: Noise in the scores

  /// Channels that are taken from a group to see what its error does to the scores: about a third.
  private func probed(_ group: ChannelGroup) -> Int {
    let counts = Self.counts(group, recipe)
    return group.channels.count - counts[counts.count / 3]
  }

  /// Takes channels from one group at a time and compares the scores with the original's.
  private mutating func measureNoise(
    _ context: OptimizationContext, _ readers: [Int: [ChannelElimination.Reader]], _ algebra: LinearAlgebra
  ) throws(ScopeError) {
    let total = context.calibration.count
    let count = min(Self.scoredSamples, total)
    let indices = (0..<count).map { context.calibration[$0 * total / count] }
    guard let output = model.graph.outputs.first?.name else { return }
    func scores(_ model: Model) throws(ScopeError) -> Logits {
      let session = try Session(engine: context.engine, model: model, options: context.sessionOptions)
      return try ModelRunner(session: session, output: output).logits(context.samples, indices)
    }
    let reference = try scores(model)
    func noise(_ probe: Model) throws(ScopeError) -> Double {
      let decibels = max(ScoreComparison.sqnr(reference, try scores(probe)), -30)
      return pow(10, -decibels / 10)
    }
    if recipe.mergesBlocks {
      merges = try MergeStudy(model: model, context: context, algebra: algebra).candidates(noise: noise)
    }
    for (number, group) in prunable.enumerated() {
      context.progress("Measuring sensitivity", Double(number) / Double(prunable.count))
      guard !context.isOverdue, let curve = curves[group.id] else { continue }
      let removed = probed(group)
      var probe: Model
      if let found = readers[group.id], curve.fitted.count == found.count {
        probe = model
        for (reader, weight) in zip(found, curve.fitted) {
          try LayerReconstruction.store(&probe, reader, weight)
        }
      } else {
        let kept = [group.id: curve.order.dropFirst(removed).sorted()]
        probe =
          try StructuredPruner.prune(
            model, PruningPlan(recipe: recipe, kept: kept), groups: groups, context: scaledDown(context)
          ).model
      }
      noisePerError[group.id] = try noise(probe) / max(curve.error(removing: removed), 1e-9)
    }
    // A group that was not measured in time counts as the average one.
    let known = noisePerError.values.sorted()
    for group in prunable where noisePerError[group.id] == nil {
      noisePerError[group.id] = known.isEmpty ? 1 : known[known.count / 2]
    }
  }

  /// Fewer samples: one group's effect need not be known to a percent.
  private func scaledDown(_ context: OptimizationContext) -> OptimizationContext {
    var smaller = context
    let count = min(48, context.calibration.count)
    smaller.calibration = (0..<count).map { context.calibration[$0 * context.calibration.count / count] }
    smaller.progress = { _, _ in }
    return smaller
  }

  // MARK: Savings

  /// Groups alike in the shapes of their layers' weights save alike: each kind is measured once.
  private mutating func measureSavings(_ context: OptimizationContext) throws(ScopeError) {
    var kinds: [String: [ChannelGroup]] = [:]
    for group in prunable {
      let shapes = (group.producers + group.consumers).map { node in
        "\(model.graph.initializers[model.graph.nodes[node].input(1) ?? ""]?.dimensions ?? [])"
          + "\(model.graph.nodes[node].ints("strides") ?? [])"
      }
      kinds["\(group.channels.count) \(shapes)", default: []].append(group)
    }
    let base = try Session(engine: context.engine, model: model, options: context.sessionOptions)
    for (number, (_, members)) in kinds.sorted(by: { $0.key < $1.key }).enumerated() {
      context.progress("Measuring what channels cost", Double(number) / Double(kinds.count))
      let counts = Self.counts(members[0], recipe)
      var smaller: [Model] = []
      for count in counts {
        var removed: Set<Int> = []
        for group in members { removed.formUnion(group.channels.dropFirst(count)) }
        smaller.append(try ChannelRemoval(groups, removing: removed).apply(to: model))
      }
      for (cost, shares) in try shares(smaller, base, context) {
        // Fewer channels are never taken to cost more: what noise says otherwise would only mislead the plans.
        var least = 0.0
        for (count, share) in zip(counts, shares) {
          least = max(least, share)
          for group in members {
            savings[cost, default: [:]][group.id, default: [:]][count] = least / Double(members.count)
          }
        }
      }
    }
    try measureMergeSavings(base, context)
  }

  private mutating func measureMergeSavings(
    _ base: Session, _ context: OptimizationContext
  ) throws(ScopeError) {
    let kinds = Set(merges.map(\.kind)).sorted()
    var smaller: [Model] = []
    var counts: [Int] = []
    for kind in kinds {
      var used: Set<Int> = []
      let chosen = merges.filter { candidate in
        guard candidate.kind == kind, used.isDisjoint(with: candidate.blocks) else { return false }
        used.formUnion(candidate.blocks)
        return true
      }
      counts.append(chosen.count)
      smaller.append(try BlockMerger(model, chosen.map(\.merge)).merged)
    }
    guard !smaller.isEmpty else { return }
    for (cost, shares) in try shares(smaller, base, context) {
      for (number, kind) in kinds.enumerated() {
        mergeSavings[cost, default: [:]][kind] = max(shares[number], 0) / Double(max(counts[number], 1))
      }
    }
  }

  /// Shares of the original's cost that smaller models save, by cost; of time only where the recipe counts that.
  private func shares(
    _ models: [Model], _ base: Session, _ context: OptimizationContext
  ) throws(ScopeError) -> [PruningRecipe.Cost: [Double]] {
    let macs = Double(max(StructuredPruner.macs(model) ?? 1, 1))
    let arithmetic = models.map { 1 - Double(StructuredPruner.macs($0) ?? 0) / macs }
    func bytes(_ model: Model) -> Double {
      Double(model.graph.initializers.values.reduce(0) { $0 + $1.byteCount })
    }
    let whole = max(bytes(model), 1)
    let sizes = models.map { 1 - bytes($0) / whole }
    guard recipe.cost == .latency else { return [.macs: arithmetic, .size: sizes] }
    var sessions = [base]
    for model in models {
      sessions.append(try Session(engine: context.engine, model: model, options: context.sessionOptions))
    }
    let feed = try ModelRunner(session: base, output: "").timingFeed(context.samples, context.calibration[0])
    let times = try LatencyBenchmark.interleaved(
      sessions, feeds: sessions.map { _ in feed.feed }, batch: feed.batch,
      plan: .init(budget: .milliseconds(800), minimumSamples: 16, maximumSamples: 120))
    // What is not proven does not count: of many small savings, plans would choose those that noise exaggerates.
    let measured = arithmetic.indices.map { index in
      let ratio = LatencyBenchmark.ratio(times[0], over: times[index + 1]).interval.lowerBound
      return 1 - 1 / max(ratio, 0.01)
    }
    return [.macs: arithmetic, .size: sizes, .latency: measured]
  }

  // MARK: Plans

  private enum Step {
    case narrow(ChannelGroup, Int)
    case merge(MergeCandidate)
  }

  /// Channel counts and merged blocks that save at least `saving` of the cost with the least expected noise; less where
  /// that is not possible.
  ///
  /// Greedy: the step (of any group to any smaller candidate count, or of two blocks that no step has touched) with the
  /// least added noise per saving comes next.
  ///
  /// - Parameter cost: nil takes the recipe's.
  public func plan(saving target: Double, cost: PruningRecipe.Cost? = nil) -> PruningPlan {
    let cost = cost ?? recipe.cost
    let savings = savings[cost] ?? [:]
    var state: [Int: Int] = [:]
    var merged: [MergeCandidate] = []
    var (saved, noise) = (0.0, 0.0)
    func saving(_ group: ChannelGroup, _ count: Int) -> Double {
      count == group.channels.count ? 0 : savings[group.id]?[count] ?? 0
    }
    func error(_ group: ChannelGroup, _ count: Int) -> Double {
      (curves[group.id]?.error(removing: group.channels.count - count) ?? 0) * (noisePerError[group.id] ?? 1)
    }
    while saved < target {
      var best: (rate: Double, step: Step, gain: Double, added: Double)?
      func consider(_ step: Step, gain: Double, added: Double) {
        guard gain > 1e-4 else { return }
        if best == nil || added / gain < best?.rate ?? 0 { best = (added / gain, step, gain, added) }
      }
      let taken = Set(merged.flatMap(\.blocks))
      for group in prunable where taken.isDisjoint(with: group.producers) {
        let current = state[group.id] ?? group.channels.count
        for count in Self.counts(group, recipe) where count < current {
          consider(
            .narrow(group, count), gain: saving(group, count) - saving(group, current),
            added: error(group, count) - error(group, current))
        }
      }
      let narrowed = Set(prunable.filter { state[$0.id] != nil && !$0.isResidual }.flatMap(\.producers))
      for candidate in merges where taken.isDisjoint(with: candidate.blocks) {
        guard narrowed.isDisjoint(with: candidate.blocks) else { continue }
        consider(
          .merge(candidate), gain: mergeSavings[cost]?[candidate.kind] ?? 0, added: candidate.noise)
      }
      guard let best else { break }
      saved += best.gain
      noise += best.added
      switch best.step {
      case .narrow(let group, let count): state[group.id] = count
      case .merge(let candidate): merged.append(candidate)
      }
    }
    var plan = plan(counts: state, saving: saved, noise: noise)
    plan.merges = merged.sorted { $0.blocks.lexicographicallyPrecedes($1.blocks) }.map(\.merge)
    return plan
  }

  /// The given number of channels in each group, chosen by the recipe's importance.
  public func plan(counts: [Int: Int], saving: Double = 0, noise: Double = 0) -> PruningPlan {
    var kept: [Int: [Int]] = [:]
    for group in prunable {
      guard let count = counts[group.id], count > 0, count < group.channels.count,
        let curve = curves[group.id]
      else { continue }
      kept[group.id] = curve.order.dropFirst(group.channels.count - count).sorted()
    }
    return PruningPlan(recipe: recipe, kept: kept, expectedSaving: saving, expectedNoise: noise)
  }

  /// Plans of rising saving, without repetition.
  ///
  /// - Parameters:
  ///   - savings: shares of the cost, for example of the time of a run.
  ///   - cost: nil takes the recipe's.
  public func plans(
    savings: [Double] = [0.1, 0.2, 0.3, 0.4, 0.5], cost: PruningRecipe.Cost? = nil
  ) -> [PruningPlan] {
    var result: [PruningPlan] = []
    for target in savings.sorted() {
      let plan = plan(saving: target, cost: cost)
      if !plan.isEmpty, !result.contains(where: { $0.kept == plan.kept && $0.merges == plan.merges }) {
        result.append(plan)
      }
    }
    return result
  }
}
