import ScopeBytes
import ScopeGradients
import ScopeGraph
import ScopeRuntime

/// Importance of the channels of a group by the weights that make them, or by gradients.
enum ChannelScores {
  /// Rows of the weights that make each channel, over all producing and following layers.
  private static func rows(_ group: ChannelGroup, _ groups: ChannelGroups, _ model: Model) throws(ScopeError)
    -> [[Double]]
  {
    var result = [[Double]](repeating: [], count: group.channels.count)
    let order = Dictionary(uniqueKeysWithValues: group.channels.enumerated().map { ($0.element, $0.offset) })
    for site in groups.sites where site.role != .consumer && site.input == 1 {
      let node = model.graph.nodes[site.node]
      guard ["Conv", "ConvTranspose", "Gemm", "MatMul"].contains(node.opType),
        site.atoms.contains(where: { order[$0] != nil }),
        let tensor = model.graph.initializers[node.inputs[1]], tensor.dataType == .float32
      else { continue }
      let values = try tensor.floats()
      let inner = tensor.dimensions[(site.axis + 1)...].reduce(1, *)
      let outer = tensor.dimensions[..<site.axis].reduce(1, *)
      for (position, channel) in site.atoms.enumerated() {
        guard let number = order[channel] else { continue }
        for block in 0..<outer {
          let start = (block * site.atoms.count + position) * inner
          result[number] += values[start..<start + inner].map(Double.init)
        }
      }
    }
    return result
  }

  static func magnitude(
    _ group: ChannelGroup, _ groups: ChannelGroups, _ model: Model, squared: Bool
  ) throws(ScopeError) -> [Double] {
    try rows(group, groups, model).map { row in
      squared ? row.reduce(0) { $0 + $1 * $1 }.squareRoot() : row.reduce(0) { $0 + abs($1) }
    }
  }

  /// Sum of the distances to the other channels' weights (FPGM).
  static func geometricMedian(
    _ group: ChannelGroup, _ groups: ChannelGroups, _ model: Model
  ) throws(ScopeError) -> [Double] {
    let rows = try rows(group, groups, model)
    var result: [Double] = []
    for row in rows {
      var sum = 0.0
      for other in rows {
        var distance = 0.0
        for (a, b) in zip(row, other) { distance += (a - b) * (a - b) }
        sum += distance.squareRoot()
      }
      result.append(sum)
    }
    return result
  }

  /// Mean over the samples of |sum over positions of gradient x activation| at the value that a consumer reads.
  ///
  /// The value is made an input of the model, and the loss is the cross-entropy of the model's own predictions.
  ///
  /// - Throws: `unsupported` when the gradient cannot pass an operator behind the value.
  static func taylor(
    _ group: ChannelGroup, _ groups: ChannelGroups, _ model: Model, context: OptimizationContext
  ) throws(ScopeError) -> [Double] {
    guard let consumer = group.consumers.first, let value = model.graph.nodes[consumer].input(0),
      let (axis, channels) = groups.values[value], let output = model.graph.outputs.first?.name
    else { throw ScopeError(.unsupported, "no layer reads the channels", place: group.name) }
    var exposed = model
    exposed.graph.outputs.append(ValueInfo(name: value, dataType: .float32, shape: nil))
    let forward = try Session(engine: context.engine, model: exposed, options: context.sessionOptions)

    var cut = model
    let producer = model.graph.producers[value]
    if let producer { cut.graph.nodes.remove(at: producer) }
    let shape = ShapeInference.infer(model).shape(value)
    cut.graph.inputs.append(ValueInfo(name: value, dataType: .float32, shape: shape))
    cut.graph.valueInfo.removeAll { $0.name == value }
    _ = try EliminateDeadNodes().run(&cut)
    var gradient = try BackwardGraph.inputGradient(of: cut, image: value)
    // What else the part behind the value reads, such as a shortcut from the model's own input.
    for input in cut.graph.requiredInputs
    where !gradient.model.graph.inputs.contains(where: { $0.name == input.name }) {
      gradient.model.graph.inputs.append(input)
    }
    let backward = try Session(engine: context.engine, model: gradient.model, options: context.sessionOptions)
    let wanted = Set(backward.inputs.map(\.name))

    let order = Dictionary(uniqueKeysWithValues: group.channels.enumerated().map { ($0.element, $0.offset) })
    var scores = [Double](repeating: 0, count: group.channels.count)
    let runner = try ModelRunner(session: forward, output: output)
    try runner.forEachBatch(context.samples, context.calibration, fetch: [output, value]) {
      (feed, outputs, real) throws(ScopeError) in
      guard let activation = outputs[value], let logits = outputs[output] else { return false }
      var scoresOfBatch = Logits()
      try scoresOfBatch.append(logits, name: output, real: logits.dimensions.first ?? 0)
      var feeds = feed.filter { wanted.contains($0.key) }
      feeds[value] = activation
      feeds[gradient.labelsInput] = HostArray(
        scoresOfBatch.predictions.map { Int64($0) }, [scoresOfBatch.predictions.count])
      guard let slope = try backward.run(feeds, fetch: [gradient.gradientOutput])[gradient.gradientOutput]
      else { return false }
      add(&scores, activation, slope, axis: axis, channels: channels, order: order, real: real)
      return true
    }
    return scores
  }

  private static func add(
    _ scores: inout [Double], _ activation: HostArray, _ slope: HostArray, axis: Int, channels: [Int],
    order: [Int: Int], real: Int
  ) {
    let (x, g) = (activation.floats, slope.floats)
    guard x.count == g.count, let samples = activation.dimensions.first, samples > 0 else { return }
    let inner = activation.dimensions[(axis + 1)...].reduce(1, *)
    let outer = activation.dimensions[..<axis].reduce(1, *)
    for block in 0..<outer where axis == 0 || block < outer / samples * real {
      var sums = [Double](repeating: 0, count: scores.count)
      for (index, channel) in channels.enumerated() {
        guard let number = order[channel] else { continue }
        let start = (block * channels.count + index) * inner
        for position in start..<start + inner { sums[number] += Double(x[position]) * Double(g[position]) }
      }
      for number in sums.indices { scores[number] += abs(sums[number]) }
    }
  }

  /// A curve whose error grows by each channel's share of all scores, the smallest first.
  static func curve(_ scores: [Double]) -> EliminationCurve {
    let order = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
    let total = max(scores.reduce(0) { $0 + $1 * $1 }, .leastNormalMagnitude)
    var sum = 0.0
    return EliminationCurve(
      order: order,
      errors: order.map { channel in
        sum += scores[channel] * scores[channel] / total
        return sum
      })
  }
}
