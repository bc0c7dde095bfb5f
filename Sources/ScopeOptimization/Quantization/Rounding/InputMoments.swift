import ScopeBytes
import ScopeGraph
import ScopeRuntime
import ScopeStatistics

/// Moments of the inputs of a model's layers, from its calibration samples: what rounding by output error needs.
package struct InputMoments: Sendable {
  /// How much is looked at and kept.
  package struct Limits: Sendable {
    /// Patches per layer; a layer with longer patches takes twice its length.
    package var rows = 4096
    /// Longest patch whose moments are taken.
    package var longestPatch = 4608
    /// Bytes of the moments that are kept; the longest patches are left out beyond it.
    package var keptBytes = 256 << 20
    /// Bytes of the sums of one pass over the samples; more layers take more passes.
    package var sumBytes = 96 << 20
    /// Bytes of the activations of one run.
    package var activationBytes = 48 << 20

    package init() {}

    func rows(length: Int) -> Int { max(rows, 2 * length) }
  }

  /// By node index in the model they were collected on; layers that read the same input in the same way share.
  package private(set) var layers: [Int: LayerMoments] = [:]
  /// Why layers have none.
  package private(set) var declined: [String] = []
  package let algebra: LinearAlgebra

  /// Collects the moments of the layers at `nodes` (Conv, Gemm or MatMul with a constant weight) in as few passes over
  /// the calibration samples as the memory limits allow. Output positions are drawn at random, the same ones for the
  /// same seed. After the context's deadline no further batch is run: what was seen until then counts.
  ///
  /// - Parameter model: the float model; node indices refer to its main graph.
  /// - Throws: `engineUnavailable` without OpenBLAS; `invalidData` without calibration samples; engine failures.
  package static func collect(
    _ model: Model, nodes: [Int], context: OptimizationContext, limits: Limits = Limits(),
    algebra: LinearAlgebra? = nil
  ) throws(ScopeError) -> InputMoments {
    guard !context.calibration.isEmpty else {
      throw ScopeError(.invalidData, "there are no calibration samples")
    }
    let library: LinearAlgebra
    if let algebra { library = algebra } else { library = try LinearAlgebra.load(threads: context.threads) }
    var result = InputMoments(algebra: library)
    var queue = result.passes(over: result.targets(model, nodes, limits), limits)
    var done = 0
    let total = queue.reduce(0) { $0 + $1.count }
    while !queue.isEmpty {
      let pass = queue.removeFirst()
      if context.isOverdue {
        for target in pass { result.decline(model, target, "no time was left to look at its inputs") }
        continue
      }
      if try result.run(pass, on: model, context, limits) {
        done += pass.count
        context.progress("Measuring layer inputs", Double(done) / Double(max(total, 1)))
      } else {
        queue.insert(contentsOf: [Array(pass[..<(pass.count / 2)]), Array(pass[(pass.count / 2)...])], at: 0)
      }
    }
    return result
  }

  private init(algebra: LinearAlgebra) { self.algebra = algebra }

  /// Layers that share moments.
  private struct Target {
    var nodes: [Int]
    var input: String
    var patches: LayerPatches
    var keptBytes: Int { patches.group * patches.length * (patches.length + 1) * 2 }
  }

  private struct Geometry: Hashable {
    var input: String
    var opType: String
    var lists: [[Int]]
    var padding: String
  }

  private mutating func decline(_ model: Model, _ target: Target, _ reason: String) {
    for index in target.nodes { decline(model, index, reason) }
  }

  private mutating func decline(_ model: Model, _ index: Int, _ reason: String) {
    let node = model.graph.nodes[index]
    declined.append("\(node.opType) \(node.name.isEmpty ? node.outputs.first ?? "" : node.name): \(reason)")
  }

  private mutating func targets(_ model: Model, _ nodes: [Int], _ limits: Limits) -> [Target] {
    var found: [Target] = []
    var known: [Geometry: Int] = [:]
    for index in nodes.sorted() {
      let node = model.graph.nodes[index]
      guard let input = node.input(0), let name = node.input(1),
        let dimensions = model.graph.initializers[name]?.dimensions, dimensions.allSatisfy({ $0 > 0 }),
        let patches = LayerPatches(node, weightDimensions: dimensions), patches.length > 0
      else {
        decline(model, index, "its weight is not a constant of a kind whose inputs can be gathered")
        continue
      }
      guard patches.length <= limits.longestPatch else {
        decline(
          model, index, "a patch has \(patches.length) numbers, more than \(limits.longestPatch)")
        continue
      }
      let geometry = Geometry(
        input: input, opType: patches.isConvolution ? "Conv" : "MatMul",
        lists: patches.isConvolution
          ? [Array(dimensions.dropFirst()), [patches.group]]
            + ["strides", "dilations", "pads"].map { node.ints($0) ?? [] } : [],
        padding: patches.isConvolution ? node.string("auto_pad") ?? "" : "")
      if let place = known[geometry] {
        found[place].nodes.append(index)
      } else {
        known[geometry] = found.count
        found.append(Target(nodes: [index], input: input, patches: patches))
      }
    }
    // The shortest patches first: most layers for the memory.
    var kept = 0
    var chosen: [Target] = []
    for target in found.sorted(by: { ($0.keptBytes, $0.nodes[0]) < ($1.keptBytes, $1.nodes[0]) }) {
      guard kept + target.keptBytes <= limits.keptBytes else {
        decline(model, target, "its moments do not fit the memory that is allowed")
        continue
      }
      kept += target.keptBytes
      chosen.append(target)
    }
    return chosen.sorted { $0.nodes[0] < $1.nodes[0] }
  }

  private func passes(over targets: [Target], _ limits: Limits) -> [[Target]] {
    var result: [[Target]] = []
    var bytes = 0
    for target in targets {
      let size = MomentAccumulator.bytes(length: target.patches.length, groups: target.patches.group)
      if result.isEmpty || bytes + size > limits.sumBytes {
        result.append([])
        bytes = 0
      }
      result[result.count - 1].append(target)
      bytes += size
    }
    return result
  }

  /// Runs the samples once and keeps the moments of `targets`.
  ///
  /// - Returns: false when the activations of one sample exceed the limit and fewer targets would take less.
  private mutating func run(
    _ targets: [Target], on model: Model, _ context: OptimizationContext, _ limits: Limits
  ) throws(ScopeError) -> Bool {
    let inputs = Set(model.graph.inputs.map(\.name))
    let values = Set(targets.map(\.input))
    let runner = try ModelRunner.observing(values.sorted(), of: model, context: context)
    var accumulators = targets.map { MomentAccumulator($0.patches) }
    var generators = targets.map { SplitMix64(seed: context.seed &+ UInt64($0.nodes[0])) }
    var reasons = [String?](repeating: nil, count: targets.count)
    var isTooLarge = false
    let samples = context.calibration.count
    try runner.forEachBatch(
      context.samples, context.calibration, batch: .outputBytes(limits.activationBytes),
      fetch: values.subtracting(inputs).sorted()
    ) { (feed, results, real) throws(ScopeError) in
      let perSample = values.reduce(0) { $0 + (results[$1]?.floats.count ?? 0) * 4 } / max(real, 1)
      if perSample > limits.activationBytes, values.count > 1 {
        isTooLarge = true
        return false
      }
      for (place, target) in targets.enumerated() where reasons[place] == nil {
        guard let array = feed[target.input] ?? results[target.input], Self.fits(array, target.patches) else {
          reasons[place] = "its input is not float32 of the shape that its weight asks for"
          continue
        }
        let wanted = (limits.rows(length: target.patches.length) * real + samples - 1) / samples
        let positions = target.patches.positions(
          array.dimensions, limit: max(wanted, 1), using: &generators[place])
        accumulators[place].add(array, at: positions, algebra: algebra)
      }
      return !context.isOverdue
    }
    if isTooLarge { return false }
    for (place, target) in targets.enumerated() {
      let moments = accumulators[place].finish(algebra)
      if let reason = reasons[place] {
        decline(model, target, reason)
      } else if moments.rows == 0 || !moments.isFinite {
        decline(model, target, "its input holds NaN or infinity")
      } else {
        for index in target.nodes { layers[index] = moments }
      }
    }
    return true
  }

  private static func fits(_ array: HostArray, _ patches: LayerPatches) -> Bool {
    guard !array.floats.isEmpty, array.dimensions.count >= 2 else { return false }
    if patches.isConvolution {
      return array.dimensions.count >= 3 && array.dimensions.count <= 4
        && array.dimensions[1] == patches.inputs * patches.group
    }
    return array.dimensions.last == patches.inputs
  }
}
