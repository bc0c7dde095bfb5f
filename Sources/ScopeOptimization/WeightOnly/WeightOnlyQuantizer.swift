import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// Writes matrix products with constant weights as com.microsoft MatMulNBits: the weights stay packed in memory and are
/// unpacked inside the kernel, so that the file, the memory and the traffic per token shrink together.
public enum WeightOnlyQuantizer {
  /// Rewrites `model`; best after the exact passes.
  ///
  /// - Parameter context: calibration samples, needed by ``BlockRounding/hessian`` only.
  /// - Returns: the layers that were packed, and those that were not with the reasons.
  /// - Throws: `unsupported` when no layer can be packed; `invalidArgument` for an impossible recipe or a missing
  ///   context; engine failures. `model` is then unchanged.
  @discardableResult
  public static func quantize(
    _ model: inout Model, recipe: WeightOnlyRecipe, context: OptimizationContext? = nil
  ) throws(ScopeError) -> WeightRewrite {
    guard recipe.bits == 4 || recipe.bits == 8, (16...256).contains(recipe.blockSize),
      recipe.blockSize & (recipe.blockSize - 1) == 0, (0...4).contains(recipe.accuracyLevel)
    else {
      throw ScopeError(
        .invalidArgument, "MatMulNBits cannot be written like this",
        expected: "4 or 8 bits, blocks of a power of two from 16 to 256, accuracy level 0 to 4",
        found: "\(recipe.bits) bits, blocks of \(recipe.blockSize), accuracy level \(recipe.accuracyLevel)")
    }
    var emitter = WeightOnlyEmitter(model, recipe)
    emitter.find()
    if recipe.rounding == .hessian {
      guard let context else {
        throw ScopeError(
          .invalidArgument, "GPTQ rounding needs calibration samples",
          remedy: "Give samples or choose another rounding")
      }
      try emitter.packByCurvature(context)
    } else {
      for layer in emitter.layers { emitter.pack(layer, gram: nil, algebra: nil) }
    }
    emitter.emit()
    try emitter.rewriter.report.requireWork(
      "packed", expected: "MatMul or Gemm with a constant float32 matrix")
    try emitter.rewriter.finish(&model, usesMicrosoftOperators: emitter.usesMicrosoftOperators)
    return emitter.rewriter.report
  }
}

private struct WeightOnlyEmitter {
  /// Names of the constants of one packed weight.
  struct Packed {
    var codes: String
    var scales: String
    var zeroPoints: String?
  }

  var rewriter: WeightRewriter
  let recipe: WeightOnlyRecipe
  private let model: Model
  private(set) var layers: [MatrixLayer] = []
  private(set) var embeddings: [EmbeddingLayer] = []
  private(set) var usesMicrosoftOperators = false
  /// By weight, its orientation and the factor on it.
  private var packed: [String: Packed] = [:]

  init(_ model: Model, _ recipe: WeightOnlyRecipe) {
    self.model = model
    self.recipe = recipe
    rewriter = WeightRewriter(model.graph, floatLayers: recipe.floatLayers)
  }

  mutating func find() {
    for (index, node) in model.graph.nodes.enumerated() {
      if recipe.embeddings != .float,
        let layer = EmbeddingLayer.recognize(node, index: index, rewriter.editor)
      {
        if accepts(layer.name, layer.weightName) { embeddings.append(layer) }
        continue
      }
      switch MatrixLayer.recognize(node, index: index, rewriter.editor) {
      case .layer(let layer): if accepts(layer.name, layer.weightName) { layers.append(layer) }
      case .declined(let reason): rewriter.report.decline(node.layerName, reason)
      case .notALayer:
        if node.isStandard("Conv") {
          rewriter.report.decline(node.layerName, "the engine has no convolution on packed weights")
        }
      }
    }
  }

  private mutating func accepts(_ layer: String, _ weight: String) -> Bool {
    rewriter.accepts(layer, weight: weight, smallest: recipe.smallestWeight)
  }

  private func key(_ layer: MatrixLayer) -> String {
    "\(layer.weightName)\u{1}\(layer.isTransposed)\u{1}\(layer.alpha)"
  }

  /// Packs the weight of `layer` unless a layer before shared it.
  mutating func pack(_ layer: MatrixLayer, gram: Matrix?, algebra: LinearAlgebra?) {
    guard packed[key(layer)] == nil, let rows = layer.rows(rewriter.editor) else { return }
    packed[key(layer)] = pack(
      rows, outputs: layer.outputs, inputs: layer.inputs, stem: layer.weightName, factor: layer.alpha,
      gram: gram, algebra: algebra)
  }

  /// Blocks longer than a row would be filled up with nothing.
  private func blockSize(inputs: Int) -> Int {
    var size = 16
    while size < inputs, size < recipe.blockSize { size *= 2 }
    return size
  }

  /// - Parameter rows: [outputs, inputs].
  private mutating func pack(
    _ rows: [Float], outputs: Int, inputs: Int, stem: String, factor: Float = 1, gram: Matrix? = nil,
    algebra: LinearAlgebra? = nil, isTable: Bool = false
  ) -> Packed {
    let grid = BlockGrid.unsigned(
      rows, outputs: outputs, inputs: inputs, bits: recipe.bits, blockSize: blockSize(inputs: inputs),
      isSymmetric: recipe.isSymmetric, searches: recipe.rounding != .nearest)
    var codes: [Int16]?
    if let gram, let algebra { codes = HessianRounding.round(rows, grid: grid, gram: gram, algebra: algebra) }
    let chosen = codes ?? grid.nearest(rows)
    let blob = grid.blockSize * recipe.bits / 8
    let bytes = NBitsPacking.codes(chosen, grid: grid, bits: recipe.bits)
    // A table is a matrix of bytes, a factor has its blocks as an axis.
    let shape = isTable ? [outputs, grid.blocks * blob] : [outputs, grid.blocks, blob]
    let zeroPoints = NBitsPacking.zeroPoints(grid, bits: recipe.bits)
    return Packed(
      codes: rewriter.constant(.uint8s(bytes, shape), "\(stem)_q\(recipe.bits)"),
      scales: rewriter.constant(
        .floats(factor == 1 ? grid.scales : grid.scales.map { $0 * factor }, [outputs, grid.blocks]),
        "\(stem)_scales"),
      zeroPoints: zeroPoints.map {
        rewriter.constant(.uint8s($0, [outputs, $0.count / outputs]), "\(stem)_zero_points")
      })
  }

  /// GPTQ, group by group of layers.
  mutating func packByCurvature(_ context: OptimizationContext) throws(ScopeError) {
    let algebra = try LinearAlgebra.load(threads: context.threads)
    var done = 0
    for group in LayerGrams.groups(layers) {
      let grams =
        context.isOverdue
        ? [:] : try LayerGrams.collect(model, layers: group, context: context, algebra: algebra)
      for layer in group {
        pack(layer, gram: context.isOverdue ? nil : grams[layer.input], algebra: algebra)
        done += 1
        context.progress("Rounding weights", Double(done) / Double(layers.count))
      }
    }
  }

  mutating func emit() {
    for layer in layers {
      guard let weight = packed[key(layer)] else { continue }
      let result = model.graph.nodes[layer.nodeIndex].outputs[0]
      let product = layer.addend == nil ? result : rewriter.fresh("\(result)_product")
      var node = Node(
        "MatMulNBits", name: layer.name, domain: "com.microsoft",
        inputs: [layer.input, weight.codes, weight.scales], outputs: [product],
        attributes: [
          "K": .int(layer.inputs), "N": .int(layer.outputs), "bits": .int(recipe.bits),
          "block_size": .int(blockSize(inputs: layer.inputs)),
        ])
      if let zeroPoints = weight.zeroPoints { node.inputs.append(zeroPoints) }
      if recipe.accuracyLevel > 0 { node.attributes["accuracy_level"] = .int(recipe.accuracyLevel) }
      rewriter.replace(
        layer.nodeIndex, with: [node] + layer.addendNodes(product, result: result, &rewriter))
      rewriter.report.rewritten.append(layer.name)
      usesMicrosoftOperators = true
    }
    for layer in embeddings { emit(layer) }
  }

  private mutating func emit(_ layer: EmbeddingLayer) {
    guard let rows = rewriter.editor.floats(layer.weightName) else { return }
    let result = model.graph.nodes[layer.nodeIndex].outputs[0]
    let key = "\(layer.weightName)\u{1}table"
    if recipe.embeddings == .blocks, layer.width % recipe.blockSize == 0 {
      let weight =
        packed[key]
        ?? pack(rows, outputs: layer.entries, inputs: layer.width, stem: layer.weightName, isTable: true)
      packed[key] = weight
      var node = Node(
        "GatherBlockQuantized", name: layer.name, domain: "com.microsoft",
        inputs: [weight.codes, layer.indices, weight.scales], outputs: [result],
        attributes: [
          "bits": .int(recipe.bits), "block_size": .int(recipe.blockSize), "gather_axis": .int(0),
          "quantize_axis": .int(1),
        ])
      if let zeroPoints = weight.zeroPoints { node.inputs.append(zeroPoints) }
      rewriter.replace(layer.nodeIndex, with: [node])
      usesMicrosoftOperators = true
    } else {
      let weight: Packed
      if let known = packed[key] {
        weight = known
      } else {
        let grid = BlockGrid.signed(
          rows, outputs: layer.entries, inputs: layer.width, bits: 8, blockSize: layer.width)
        let codes = grid.nearest(rows).map { Int8(clamping: $0) }
        weight = Packed(
          codes: rewriter.constant(.int8s(codes, [layer.entries, layer.width]), "\(layer.weightName)_q"),
          scales: rewriter.constant(
            .floats(grid.scales, [layer.entries, 1]), "\(layer.weightName)_row_scale"))
        packed[key] = weight
      }
      rewriter.replace(
        layer.nodeIndex,
        with: layer.nodes(codes: weight.codes, scales: weight.scales, result: result, &rewriter))
    }
    rewriter.report.rewritten.append(layer.name)
  }
}
