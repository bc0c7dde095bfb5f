import OrderedCollections
import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// Fits the layers of a pruned model, first to last, to what the original computes in their places.
///
/// Each layer sees the activations of the smaller model as it is by then, so that it makes up for the errors of the
/// layers before it (He et al. 2017, arXiv:1707.06168, section 3.2, extended to residual sums as in ThiNet and to biases).
struct LayerReconstruction {
  let original: Model
  let removal: ChannelRemoval
  let context: OptimizationContext
  let algebra: LinearAlgebra

  /// Ridge weights tried, relative to the mean of the Gram matrix's diagonal; the one that fits the held-out half of
  /// the rows best is taken.
  static let ridges = [1e-4, 1e-3, 1e-2, 1e-1]
  /// Layers with more inputs are left as they are: the system takes n^2 doubles.
  static let mostFeatures = 4608

  struct Outcome {
    var errors: [Double] = []
    var declined: [String] = []
  }

  /// The layers to fit among `nodes`, in topological order.
  static func places(_ model: Model, nodes: some Sequence<Int>) -> (found: [LayerPlace], declined: [String]) {
    let editor = GraphEditor(model.graph)
    var found: [LayerPlace] = []
    var declined: [String] = []
    for node in Set(nodes).sorted() {
      if let place = LayerPlace(node, editor), place.patches.length <= mostFeatures {
        found.append(place)
      } else {
        declined.append("\(ChannelTracer.describe(model.graph.nodes[node])) keeps its plain weights")
      }
    }
    return (found, declined)
  }

  /// - Parameter pruned: the model after the removal; its remaining weights are replaced.
  func run(_ pruned: inout Model, places: [LayerPlace]) throws(ScopeError) -> Outcome {
    var outcome = Outcome()
    guard !places.isEmpty else { return outcome }
    let sampler = PlaceSampler(context, bytesPerSample: try bytesPerSample(places))
    let targets = try targetRows(places, sampler)
    var runner = SequentialRunner(pruned, sampler)
    for (number, place) in places.enumerated() {
      context.progress("Reconstructing layers", Double(number) / Double(places.count))
      if context.isOverdue {
        outcome.declined.append("\(places.count - number) layers were left as they are: the time was over")
        break
      }
      if let error = try fit(&pruned, place, targets[number], sampler, &runner) {
        outcome.errors.append(error)
      }
    }
    return outcome
  }

  /// Bytes that the values looked at take, from one run of one sample.
  private func bytesPerSample(_ places: [LayerPlace]) throws(ScopeError) -> Int {
    var one = context
    one.calibration = Array(context.calibration.prefix(1))
    let probe = PlaceSampler(one, bytesPerSample: PlaceSampler.memoryLimit)
    var bytes = 0
    try probe.run(original, values: Set(places.flatMap { [$0.input, $0.target] })) {
      (_, outputs, real) throws(ScopeError) in
      bytes = outputs.values.reduce(0) { $0 + $1.elementCount * 4 } / max(real, 1)
    }
    return bytes
  }

  /// Indices of a layer's outputs that stay.
  private func keptOutputs(_ place: LayerPlace, of count: Int) -> [Int] {
    let weightAxis = place.isTransposed ? 1 : 0
    for site in removal.groups.sites
    where site.node == place.node && site.input == 1 && site.axis == weightAxis && site.role != .consumer {
      return removal.kept(site.atoms)
    }
    return Array(0..<count)
  }

  /// Per place and run, the original's targets of the outputs that stay, [positions, outputs].
  private func targetRows(
    _ places: [LayerPlace], _ sampler: PlaceSampler
  ) throws(ScopeError) -> [[[Float]]] {
    var result = [[[Float]]](repeating: [], count: places.count)
    try sampler.run(original, values: Set(places.flatMap { [$0.input, $0.target] })) {
      (run, values, real) throws(ScopeError) in
      for (number, place) in places.enumerated() {
        guard let input = values[place.input], let target = values[place.target], !target.floats.isEmpty
        else {
          throw ScopeError(.unsupported, "an activation is not float32", place: place.target)
        }
        let positions = sampler.positions(place, input.dimensions, run: run, real: real)
        let count = place.patches.isConvolution ? target.dimensions[1] : target.dimensions.last ?? 1
        result[number].append(
          place.patches.outputs(target, at: positions, channels: keptOutputs(place, of: count)))
      }
    }
    return result
  }

  /// Fits one layer.
  ///
  /// - Returns: the squared error relative to the targets' variance; nil when the layer was left as it is.
  private func fit(
    _ model: inout Model, _ place: LayerPlace, _ targets: [[Float]], _ sampler: PlaceSampler,
    _ runner: inout SequentialRunner
  ) throws(ScopeError) -> Double? {
    let node = model.graph.nodes[place.node]
    guard let weightName = node.input(1), let tensor = model.graph.initializers[weightName],
      let patches = LayerPatches(node, weightDimensions: tensor.dimensions)
    else { return nil }
    let outputs = tensor.dimensions[place.isTransposed ? 1 : 0]
    let groups = patches.group
    let perGroup = outputs / groups
    var halves = [[LayerStatistics]](
      repeating: [LayerStatistics](
        repeating: LayerStatistics(features: patches.length, outputs: perGroup), count: 2), count: groups)
    var values: Set<String> = [place.input]
    if let shortcut = place.shortcut { values.insert(shortcut) }
    try runner.run(model, before: place.node, wanted: values) { (run, found, real) throws(ScopeError) in
      guard let input = found[place.input], run < targets.count else { return }
      let positions = sampler.positions(place, input.dimensions, run: run, real: real)
      var wanted = targets[run]
      guard wanted.count == positions.count * outputs else { return }
      if let name = place.shortcut, let shortcut = found[name] {
        let rest = patches.outputs(shortcut, at: positions, channels: Array(0..<outputs))
        guard rest.count == wanted.count else { return }
        for index in wanted.indices { wanted[index] -= rest[index] }
      }
      // Half of the samples is held out while the ridge is chosen: rows of one sample resemble each other.
      for half in 0..<2 {
        let rows = positions.indices.filter { (positions[$0].sample + run) % 2 == half }
        guard !rows.isEmpty else { continue }
        let chosen = rows.map { positions[$0] }
        for group in 0..<groups {
          let part = rows.flatMap { row in
            wanted[row * outputs + group * perGroup..<row * outputs + (group + 1) * perGroup]
          }
          halves[group][half].add(
            patches.rows(input, at: chosen, group: group), part, rows: chosen.count, algebra)
        }
      }
    }
    guard halves[0][0].rows + halves[0][1].rows > 0 else { return nil }
    return try store(&model, place, tensor, halves)
  }

  private func store(
    _ model: inout Model, _ place: LayerPlace, _ tensor: Tensor, _ halves: [[LayerStatistics]]
  ) throws(ScopeError) -> Double? {
    let outputs = tensor.dimensions[place.isTransposed ? 1 : 0]
    let features = halves[0][0].gram.rows
    let stored = try tensor.floats().map(Double.init)
    let all = Matrix(
      rows: place.isTransposed ? features : outputs, columns: place.isTransposed ? outputs : features,
      values: stored)
    let start = place.isTransposed ? all.transposed : all
    let perGroup = outputs / halves.count
    var weight = start
    var bias = [Double](repeating: 0, count: outputs)
    var (error, variance) = (0.0, 0.0)
    for (group, pair) in halves.enumerated() {
      let rows = Array(group * perGroup..<(group + 1) * perGroup)
      let part = start.submatrix(rows, columns: Array(0..<features))
      let (fitted, squared, total, shift) = fitGroup(pair, part, hasBias: place.biasNode != nil)
      guard squared.isFinite else { return nil }
      error += squared
      variance += total
      for (number, row) in rows.enumerated() {
        for column in 0..<features { weight[row, column] = fitted[number, column] }
        bias[row] = shift[number]
      }
    }
    let layout = place.isTransposed ? weight.transposed : weight
    var names = NameAllocator(model.graph)
    let name = names.fresh("\(model.graph.nodes[place.node].inputs[1])_fitted")
    model.graph.initializers[name] = .floats(layout.values.map { Float($0) }, tensor.dimensions)
    replace(&model, place.node, 1, name)
    if let node = place.biasNode {
      let name = names.fresh("\(name)_bias")
      let old =
        place.biasInput < model.graph.nodes[node].inputs.count
        ? model.graph.initializers[model.graph.nodes[node].inputs[place.biasInput]]?.dimensions : nil
      model.graph.initializers[name] = .floats(bias.map { Float($0) }, old ?? [outputs])
      replace(&model, node, place.biasInput, name)
    }
    return variance > 0 ? error / variance : 0
  }

  /// The weights and bias of one group of outputs, with the ridge that generalises best.
  private func fitGroup(
    _ halves: [LayerStatistics], _ start: Matrix, hasBias: Bool
  ) -> (weight: Matrix, squaredError: Double, variance: Double, bias: [Double]) {
    func prepared(_ sums: LayerStatistics) -> LayerStatistics { hasBias ? sums.centered : sums }
    var both = halves[0]
    both.add(halves[1])
    let total = prepared(both)
    var best = start
    if halves[0].rows > 0, halves[1].rows > 0 {
      let (first, second) = (prepared(halves[0]), prepared(halves[1]))
      var bestError = second.squaredError(start, algebra)
      var ridge: Double?
      for candidate in Self.ridges {
        guard let weight = first.fit(from: start, ridge: candidate, algebra) else { continue }
        let error = second.squaredError(weight, algebra)
        if error < bestError { (bestError, ridge) = (error, candidate) }
      }
      if let ridge { best = total.fit(from: start, ridge: ridge, algebra) ?? start }
    } else {
      best = total.fit(from: start, ridge: Self.ridges[Self.ridges.count - 1], algebra) ?? start
    }
    var bias = [Double](repeating: 0, count: start.rows)
    if hasBias {
      let scale = 1 / Double(max(both.rows, 1))
      for output in bias.indices {
        var mean = both.targetSums[output] * scale
        for feature in 0..<start.columns { mean -= best[output, feature] * both.inputSums[feature] * scale }
        bias[output] = mean
      }
    }
    return (best, total.squaredError(best, algebra), both.centered.targetSquares, bias)
  }

  private func replace(_ model: inout Model, _ node: Int, _ input: Int, _ name: String) {
    while model.graph.nodes[node].inputs.count <= input { model.graph.nodes[node].inputs.append("") }
    let old = model.graph.nodes[node].inputs[input]
    model.graph.nodes[node].inputs[input] = name
    if !old.isEmpty, !model.graph.nodes.contains(where: { $0.inputs.contains(old) || !$0.subgraphs.isEmpty })
    {
      model.graph.initializers[old] = nil
    }
  }
}

extension LayerReconstruction {
  /// Gives a layer of a full-size model other weights, and the bias that keeps the mean of its output.
  ///
  /// - Parameter weight: [outputs, features].
  static func store(
    _ model: inout Model, _ reader: ChannelElimination.Reader, _ weight: Matrix
  ) throws(ScopeError) {
    let editor = GraphEditor(model.graph)
    guard let place = LayerPlace(reader.node, editor),
      let tensor = model.graph.initializers[model.graph.nodes[reader.node].inputs[1]]
    else { return }
    var names = NameAllocator(model.graph)
    let layout = place.isTransposed ? weight.transposed : weight
    let name = names.fresh("probe_weight")
    model.graph.initializers[name] = .floats(layout.values.map { Float($0) }, tensor.dimensions)
    model.graph.nodes[reader.node].inputs[1] = name
    guard let node = place.biasNode else { return }
    let old =
      place.biasInput < model.graph.nodes[node].inputs.count
      ? model.graph.nodes[node].inputs[place.biasInput] : ""
    var bias = editor.floats(old)?.map(Double.init) ?? [Double](repeating: 0, count: weight.rows)
    for output in bias.indices {
      for feature in reader.means.indices {
        bias[output] += (reader.weight[output, feature] - weight[output, feature]) * reader.means[feature]
      }
    }
    let biasName = names.fresh("probe_bias")
    model.graph.initializers[biasName] = .floats(
      bias.map { Float($0) }, editor.constant(old)?.dimensions ?? [weight.rows])
    while model.graph.nodes[node].inputs.count <= place.biasInput {
      model.graph.nodes[node].inputs.append("")
    }
    model.graph.nodes[node].inputs[place.biasInput] = biasName
  }
}
