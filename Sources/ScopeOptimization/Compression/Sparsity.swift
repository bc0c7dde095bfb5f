import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime

/// Makes the least important weights of every layer zero.
public enum Sparsity {
  /// Rewrites the weights of `model`.
  ///
  /// - Parameters:
  ///   - context: calibration samples; needed for importance by activation.
  ///   - algebra: for importance by activation; nil loads OpenBLAS.
  /// - Throws: `invalidArgument` for a share outside [0, 1) or importance by activation without samples; engine failures.
  public static func apply(
    _ model: inout Model, recipe: SparsityRecipe, context: OptimizationContext?,
    algebra: LinearAlgebra? = nil
  ) throws(ScopeError) -> SparsityResult {
    if case .unstructured(let share) = recipe.pattern, !(0..<1).contains(share) {
      throw ScopeError(
        .invalidArgument, "the share of zeros is not possible", expected: "at least 0 and below 1",
        found: "\(share)")
    }
    if recipe.importance == .activation, context == nil {
      throw ScopeError(
        .invalidArgument, "importance by activation needs calibration samples",
        remedy: "Give samples, or choose importance by magnitude")
    }
    let editor = GraphEditor(model.graph)
    var result = SparsityResult()
    result.deflatedBytesBefore = try Deflate.deflatedSize(try ONNXWriter.serialize(model), level: 9)
    let layers = CompressibleLayer.all(editor, declined: &result.declined).filter { layer in
      isCandidate(layer, model.graph.nodes[layer.node], recipe, &result.declined)
    }
    var moments: [Int: LayerMoments] = [:]
    if recipe.importance == .activation, let context, !layers.isEmpty {
      let collected = try InputMoments.collect(
        model, nodes: layers.map(\.node), context: context, algebra: algebra)
      moments = collected.layers
      result.declined += collected.declined
    }
    for layer in layers {
      guard let stored = editor.floats(layer.weightName), stored.allSatisfy(\.isFinite) else {
        result.declined.append("\(layer.label): its weight holds numbers that are not finite")
        continue
      }
      // Without moments the layer has been declined above.
      if recipe.importance == .activation, moments[layer.node] == nil { continue }
      var rows = layer.rows(stored)
      let scores = importance(rows, layer, moments[layer.node])
      switch recipe.pattern {
      case .unstructured(let share):
        let comparesRows = recipe.importance == .activation
        zero(&rows, scores, share: share, groups: comparesRows ? layer.outputs : 1)
      case .twoOfFour: zeroTwoOfFour(&rows, scores, layer)
      }
      model.graph.initializers[layer.weightName] = .floats(layer.stored(rows), layer.dimensions)
      result.layers.append(
        SparsityResult.Layer(
          name: layer.label, weights: rows.count, zeros: rows.count(where: { $0 == 0 })))
    }
    let chunks = try ONNXWriter.serialize(model)
    result.writtenBytes = chunks.reduce(0) { $0 + $1.count }
    result.deflatedBytes = try Deflate.deflatedSize(chunks, level: 9)
    return result
  }

  private static func isCandidate(
    _ layer: CompressibleLayer, _ node: Node, _ recipe: SparsityRecipe, _ declined: inout [String]
  ) -> Bool {
    if let names = recipe.layers, !names.contains(node.name), !names.contains(node.outputs.first ?? "") {
      return false
    }
    guard !layer.isDepthwise else {
      declined.append("\(layer.label): a depthwise convolution has too few weights per output")
      return false
    }
    if recipe.pattern == .twoOfFour, layer.length / layer.kernel % 4 != 0 {
      declined.append(
        "\(layer.label): its \(layer.length / layer.kernel) input channels are no multiple of 4")
      return false
    }
    return true
  }

  /// Per weight of [outputs, length].
  private static func importance(
    _ rows: [Float], _ layer: CompressibleLayer, _ moments: LayerMoments?
  ) -> [Float] {
    guard let moments else { return rows.map(abs) }
    let norms = (0..<moments.groups).map { group in
      let squares = moments.gram(group, shrunk: false)
      return (0..<squares.rows).map { Float(squares[$0, $0].squareRoot()) }
    }
    let outputsPerGroup = max(layer.outputs / layer.group, 1)
    return rows.indices.map { position in
      let output = position / layer.length
      return abs(rows[position])
        * norms[min(output / outputsPerGroup, norms.count - 1)][position % layer.length]
    }
  }

  /// Makes the `share` least important of each of `groups` equal parts zero; of equals the first.
  static func zero(_ values: inout [Float], _ scores: [Float], share: Double, groups: Int) {
    let size = values.count / max(groups, 1)
    let count = Int(share * Double(size))
    guard count > 0 else { return }
    for group in 0..<groups {
      let range = group * size..<(group + 1) * size
      let order = range.sorted { (scores[$0], $0) < (scores[$1], $1) }
      for position in order.prefix(count) { values[position] = 0 }
    }
  }

  /// Makes the two least important of four neighbouring input channels (at one place of the kernel) zero.
  private static func zeroTwoOfFour(_ rows: inout [Float], _ scores: [Float], _ layer: CompressibleLayer) {
    let kernel = layer.kernel
    let channels = layer.length / kernel
    for output in 0..<layer.outputs {
      for first in stride(from: 0, to: channels, by: 4) {
        for place in 0..<kernel {
          let positions = (0..<4).map { output * layer.length + (first + $0) * kernel + place }
          let order = positions.sorted { (scores[$0], $0) < (scores[$1], $1) }
          for position in order.prefix(2) { rows[position] = 0 }
        }
      }
    }
  }
}
