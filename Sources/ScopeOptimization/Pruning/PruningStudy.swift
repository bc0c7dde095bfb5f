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
/// 3. Time (or multiply-accumulates) saved per kind of layer and channel count.
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
  /// Share of the whole cost saved, by group and channel count.
  var savings: [Int: [Int: Double]] = [:]

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
    guard !prunable.isEmpty else {
      throw ScopeError(
        .unsupported, "no group of channels can be pruned",
        found: declined.prefix(3).joined(separator: "; "))
    }
    let algebra = try LinearAlgebra.load(threads: context.threads)
    let readers =
      try recipe.importance == .reconstruction || recipe.importance == .activation
      ? readers(context, algebra) : [:]
    try measureCurves(context, readers, algebra)
    try measureNoise(context, readers)
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
    _ context: OptimizationContext, _ readers: [Int: [ChannelElimination.Reader]]
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
      let decibels = max(ScoreComparison.sqnr(reference, try scores(probe)), -30)
      noisePerError[group.id] = pow(10, -decibels / 10) / max(curve.error(removing: removed), 1e-9)
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
    let feed = try ModelRunner(session: base, output: "").timingFeed(
      context.samples, context.calibration[0])
    let macs = StructuredPruner.macs(model)
    for (number, (_, members)) in kinds.sorted(by: { $0.key < $1.key }).enumerated() {
      context.progress("Measuring what channels cost", Double(number) / Double(kinds.count))
      var sessions = [base]
      let counts = Self.counts(members[0], recipe)
      var shares: [Double] = []
      for count in counts {
        var removed: Set<Int> = []
        for group in members { removed.formUnion(group.channels.dropFirst(count)) }
        let smaller = try ChannelRemoval(groups, removing: removed).apply(to: model)
        shares.append(1 - Double(StructuredPruner.macs(smaller) ?? 0) / Double(max(macs ?? 1, 1)))
        if recipe.cost == .latency {
          sessions.append(
            try Session(engine: context.engine, model: smaller, options: context.sessionOptions))
        }
      }
      if recipe.cost == .latency {
        // The fastest run of each is the one that other processes disturbed least.
        let times = try LatencyBenchmark.interleaved(
          sessions, feeds: sessions.map { _ in feed.feed }, batch: feed.batch,
          plan: .init(budget: .milliseconds(500), minimumSamples: 16, maximumSamples: 80)
        ).map { $0.samples.min() ?? 0 }
        for index in shares.indices {
          let measured = 1 - times[index + 1] / max(times[0], .leastNormalMagnitude)
          // More time saved than arithmetic is believed by half: on a busy machine it is mostly noise.
          shares[index] = min(measured, (measured + shares[index]) / 2)
        }
      }
      // Fewer channels are never taken to cost more: what noise says otherwise would only mislead the plans.
      for index in shares.indices.dropFirst() { shares[index] = max(shares[index], shares[index - 1]) }
      for group in members {
        for (count, share) in zip(counts, shares) {
          savings[group.id, default: [:]][count] = share / Double(members.count)
        }
      }
    }
  }

  // MARK: Plans

  /// Channel counts that save at least `saving` of the cost with the least expected noise; less where that is not
  /// possible.
  ///
  /// Greedy: the step (of any group, to any smaller candidate count) with the least added noise per saving comes next.
  public func plan(saving target: Double) -> PruningPlan {
    var state: [Int: Int] = [:]
    var (saved, noise) = (0.0, 0.0)
    func saving(_ group: ChannelGroup, _ count: Int) -> Double {
      count == group.channels.count ? 0 : savings[group.id]?[count] ?? 0
    }
    func error(_ group: ChannelGroup, _ count: Int) -> Double {
      (curves[group.id]?.error(removing: group.channels.count - count) ?? 0) * (noisePerError[group.id] ?? 1)
    }
    while saved < target {
      var best: (rate: Double, group: ChannelGroup, count: Int)?
      for group in prunable {
        let current = state[group.id] ?? group.channels.count
        for count in Self.counts(group, recipe) where count < current {
          let gain = saving(group, count) - saving(group, current)
          guard gain > 1e-4 else { continue }
          let rate = (error(group, count) - error(group, current)) / gain
          if best == nil || rate < best?.rate ?? 0 { best = (rate, group, count) }
        }
      }
      guard let best else { break }
      let current = state[best.group.id] ?? best.group.channels.count
      saved += saving(best.group, best.count) - saving(best.group, current)
      noise += error(best.group, best.count) - error(best.group, current)
      state[best.group.id] = best.count
    }
    return plan(counts: state, saving: saved, noise: noise)
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
  /// - Parameter savings: shares of the cost, for example of the time of a run.
  public func plans(savings: [Double] = [0.1, 0.2, 0.3, 0.4, 0.5]) -> [PruningPlan] {
    var result: [PruningPlan] = []
    for target in savings.sorted() {
      let plan = plan(saving: target)
      if !plan.kept.isEmpty, !result.contains(where: { $0.kept == plan.kept }) { result.append(plan) }
    }
    return result
  }
}
