import ScopeBytes
import ScopeGraph
import ScopeRuntime

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A merge of two residual blocks with what it costs and saves.
struct MergeCandidate: Sendable {
  var merge: BlockMerge
  /// Nodes of both blocks' first convolutions in the original.
  var blocks: [Int]
  /// Pairs of one text have layers of one shape and save alike.
  var kind: String
  /// Noise power in the scores over the signal's with only this merge, its second convolution fitted.
  var noise: Double
}

/// Chooses the hidden channels of every merge of two consecutive residual blocks and measures what it does to the scores.
struct MergeStudy {
  let model: Model
  let context: OptimizationContext
  let algebra: LinearAlgebra
  /// Relative to the mean of the Gram matrix's diagonal.
  private static let ridge = 1e-3

  /// - Parameter noise: of a variant's scores relative to the original's.
  /// - Returns: in the order of the blocks; merges whose sums would be too large are left out.
  func candidates(noise: (Model) throws(ScopeError) -> Double) throws(ScopeError) -> [MergeCandidate] {
    let blocks = ResidualBlock.find(model.graph)
    var remaining = ResidualBlock.pairs(blocks, model.graph)
    var result: [MergeCandidate] = []
    let total = remaining.count
    while !remaining.isEmpty {
      // One run serves all pairs that share no block.
      var used: Set<Int> = []
      var chosen: [(first: ResidualBlock, second: ResidualBlock)] = []
      var rest: [(first: Int, second: Int)] = []
      for pair in remaining {
        if used.isDisjoint(with: [pair.first, pair.second]) {
          used.formUnion([pair.first, pair.second])
          chosen.append((blocks[pair.first], blocks[pair.second]))
        } else {
          rest.append(pair)
        }
      }
      for (number, fit) in try fits(chosen).enumerated() {
        context.progress("Merging blocks", Double(result.count) / Double(max(total, 1)))
        guard let fit, !context.isOverdue else { continue }
        let (a, b) = chosen[number]
        let power = try noise(fit.probe)
        result.append(
          MergeCandidate(
            merge: fit.merge, blocks: [a.first, b.first],
            kind: "\(a.firstDimensions) \(a.secondDimensions) \(b.hidden)", noise: power))
      }
      remaining = rest
    }
    return result.sorted { $0.blocks.lexicographicallyPrecedes($1.blocks) }
  }

  private func merge(_ pair: (first: ResidualBlock, second: ResidualBlock), kept: [Int]) -> BlockMerge {
    let nodes = model.graph.nodes
    return BlockMerge(
      first: nodes[pair.first.first].outputs[0], second: nodes[pair.second.first].outputs[0], kept: kept)
  }

  /// The channels to keep of each pair, and the model with only that merge, fitted.
  private func fits(
    _ pairs: [(first: ResidualBlock, second: ResidualBlock)]
  ) throws(ScopeError) -> [(merge: BlockMerge, probe: Model)?] {
    let whole = pairs.map { merge($0, kept: Array(0..<$0.first.hidden + $0.second.hidden)) }
    let merger = try BlockMerger(model, whole)
    let editor = GraphEditor(merger.merged.graph)
    let places = merger.layers.map { layer -> LayerPlace? in
      guard let place = LayerPlace(layer.second, editor), place.patches.length <= PruningStudy.mostFeatures
      else {
        return nil
      }
      return place
    }
    let sums = try statistics(merger, places)
    var result: [(merge: BlockMerge, probe: Model)?] = []
    for (number, pair) in pairs.enumerated() {
      guard let sums = sums[number], let fit = try fit(pair, whole[number], sums) else {
        result.append(nil)
        continue
      }
      result.append(fit)
    }
    return result
  }

  /// Of what the second convolutions read, and of the originals' sums less the blocks' inputs.
  private func statistics(
    _ merger: BlockMerger, _ places: [LayerPlace?]
  ) throws(ScopeError) -> [LayerStatistics?] {
    let values = Set(merger.values.flatMap { [$0.hidden, $0.input, $0.sum] })
    var bytes = 0
    var one = context
    one.calibration = Array(context.calibration.prefix(1))
    try PlaceSampler(one, bytesPerSample: PlaceSampler.memoryLimit).run(merger.teacher, values: values) {
      (_, outputs, real) throws(ScopeError) in
      bytes = outputs.values.reduce(0) { $0 + $1.elementCount * 4 } / max(real, 1)
    }
    let sampler = PlaceSampler(context, bytesPerSample: bytes)
    var sums = [LayerStatistics?](repeating: nil, count: places.count)
    try sampler.run(merger.teacher, values: values) { (run, outputs, real) throws(ScopeError) in
      for (number, place) in places.enumerated() {
        guard let place, let hidden = outputs[merger.values[number].hidden],
          let input = outputs[merger.values[number].input], let sum = outputs[merger.values[number].sum],
          !hidden.floats.isEmpty, sum.dimensions.count > 1, input.dimensions == sum.dimensions
        else { continue }
        let positions = sampler.positions(place, hidden.dimensions, run: run, real: real)
        let channels = Array(0..<sum.dimensions[1])
        var targets = place.patches.outputs(sum, at: positions, channels: channels)
        let shortcut = place.patches.outputs(input, at: positions, channels: channels)
        for index in targets.indices { targets[index] -= shortcut[index] }
        var statistics =
          sums[number] ?? LayerStatistics(features: place.patches.length, outputs: channels.count)
        sums[number] = nil
        statistics.add(
          place.patches.rows(hidden, at: positions), targets, rows: positions.count, algebra)
        sums[number] = statistics
      }
    }
    return sums
  }

  private func fit(
    _ pair: (first: ResidualBlock, second: ResidualBlock), _ whole: BlockMerge, _ sums: LayerStatistics
  ) throws(ScopeError) -> (merge: BlockMerge, probe: Model)? {
    let merger = try BlockMerger(model, [whole])
    var probe = merger.merged
    let node = merger.layers[0].second
    guard let tensor = probe.graph.initializers[probe.graph.nodes[node].inputs[1]] else { return nil }
    let start = Matrix(
      rows: tensor.dimensions[0], columns: sums.gram.rows, values: try tensor.floats().map(Double.init))
    let channels = pair.first.hidden + pair.second.hidden
    let count = max(pair.first.hidden, pair.second.hidden)
    let kernel = sums.gram.rows / channels
    let centered = sums.centered
    guard let fitted = centered.fit(from: start, ridge: Self.ridge, algebra) else { return nil }
    let reader = ChannelElimination.Reader(
      node: node, means: sums.inputSums.map { $0 / Double(max(sums.rows, 1)) }, gram: centered.gram,
      weight: fitted,
      positions: (0..<channels).map { channel in (0..<kernel).map { channel * kernel + $0 } })
    guard
      let curve = ChannelElimination.curve(
        [reader], channels: channels, ridge: Self.ridge, snapshot: channels - count, stopsAtSnapshot: true,
        algebra),
      let weight = curve.fitted.first
    else { return nil }
    let gone = Set(curve.order.prefix(channels - count))
    var bias: [Float] = []
    for output in 0..<weight.rows {
      var mean = sums.targetSums[output] / Double(max(sums.rows, 1))
      for feature in reader.means.indices { mean -= weight[output, feature] * reader.means[feature] }
      bias.append(Float(mean))
    }
    var names = NameAllocator(probe.graph)
    let (weightName, biasName) = (names.fresh("probe_weight"), names.fresh("probe_bias"))
    probe.graph.initializers[weightName] = .floats(weight.values.map { Float($0) }, tensor.dimensions)
    probe.graph.initializers[biasName] = .floats(bias, [weight.rows])
    probe.graph.nodes[node].inputs = [probe.graph.nodes[node].inputs[0], weightName, biasName]
    var merge = whole
    merge.kept = (0..<channels).filter { !gone.contains($0) }
    return (merge, probe)
  }
}
