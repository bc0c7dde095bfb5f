import ScopeBytes
import ScopeGraph
import ScopeRuntime
import ScopeStatistics

/// Second moments `sum x x^T` of the inputs of matrix products on the calibration samples.
enum LayerGrams {
  /// Rows of a layer's input that are looked at.
  static let rowLimit = 8192
  /// Bytes of Gram matrices that are kept at a time.
  static let memoryLimit = 512 << 20

  /// Layers with their inputs' values, in groups whose Gram matrices fit the memory together.
  static func groups(_ layers: [MatrixLayer]) -> [[MatrixLayer]] {
    var result: [[MatrixLayer]] = []
    var current: [MatrixLayer] = []
    var bytes = 0
    var seen: Set<String> = []
    let byInput = Dictionary(grouping: layers, by: \.input)
    for layer in layers where seen.insert(layer.input).inserted {
      let size = 8 * layer.inputs * layer.inputs
      if !current.isEmpty, bytes + size > memoryLimit {
        result.append(current)
        current = []
        bytes = 0
      }
      current += byInput[layer.input] ?? []
      bytes += size
    }
    if !current.isEmpty { result.append(current) }
    return result
  }

  /// - Parameter layers: products of `model` as it is now.
  /// - Returns: [inputs, inputs] by input value; values that the samples did not reach are missing.
  /// - Throws: `invalidData` without calibration samples; engine failures.
  static func collect(
    _ model: Model, layers: [MatrixLayer], context: OptimizationContext, algebra: LinearAlgebra
  ) throws(ScopeError) -> [String: Matrix] {
    guard !context.calibration.isEmpty else {
      throw ScopeError(.invalidData, "there are no calibration samples")
    }
    var patches: [String: LayerPatches] = [:]
    for layer in layers {
      let node = model.graph.nodes[layer.nodeIndex]
      let stored = layer.isTransposed ? [layer.outputs, layer.inputs] : [layer.inputs, layer.outputs]
      // A transposed factor of a MatMul is another node's work; the patches need only know the inputs.
      let plain =
        node.isStandard("MatMul")
        ? LayerPatches(node, weightDimensions: [layer.inputs, layer.outputs])
        : LayerPatches(node, weightDimensions: stored)
      if let plain { patches[layer.input] = plain }
    }
    let inputs = Set(model.graph.inputs.map(\.name))
    let runner = try ModelRunner.observing(patches.keys.sorted(), of: model, context: context)
    var grams: [String: Matrix] = [:]
    var generator = SplitMix64(seed: context.seed)
    let samples = context.calibration.count
    var done = 0
    try runner.forEachBatch(context.samples, context.calibration, batch: .exactly(1)) {
      (feed, outputs, real) throws(ScopeError) in
      for value in patches.keys.sorted() {
        guard let layer = patches[value], let array = inputs.contains(value) ? feed[value] : outputs[value],
          array.dimensions.last == layer.inputs, !array.floats.isEmpty
        else { continue }
        let limit = max(1, rowLimit * real / max(samples, 1))
        let positions = layer.positions(array.dimensions, limit: limit, using: &generator)
        let rows = layer.rows(array, at: positions)
        algebra.addGram(
          rows, rows: positions.count,
          to: &grams[value, default: Matrix(rows: layer.inputs, columns: layer.inputs)])
      }
      done += real
      context.progress("Measuring the layers' inputs", Double(done) / Double(samples))
      return !context.isOverdue
    }
    return grams
  }
}
