import ScopeBytes
import ScopeGraph

/// Writes matrix products with constant weights as `DynamicQuantizeLinear -> MatMulInteger -> Cast -> Mul (-> Add)`, the
/// form that ONNX Runtime fuses into one kernel (DynamicQuantizeMatMul, or MatMulIntegerToFloat where products share
/// their input).
public enum DynamicQuantizer {
  /// Rewrites `model`; best after the exact passes. Needs no samples.
  ///
  /// - Returns: the layers that run in integers now, and those that do not with the reasons.
  /// - Throws: `unsupported` when no layer can, or when an operator set below 11 cannot be raised; `model` is then
  ///   unchanged.
  @discardableResult
  public static func quantize(
    _ model: inout Model, recipe: DynamicRecipe
  ) throws(ScopeError) -> WeightRewrite {
    var raised = model
    if raised.opset < 11 { try OpsetRaise.raise(&raised, to: 13) }
    var emitter = DynamicEmitter(raised.graph, recipe)
    emitter.run()
    try emitter.rewriter.report.requireWork(
      "multiplied in 8-bit integers", expected: "MatMul or Gemm with a constant float32 matrix")
    try emitter.rewriter.finish(&raised)
    model = raised
    return emitter.rewriter.report
  }
}

extension DynamicQuantizer {
  static let embeddingStep = "Embedding tables stored as INT8 rows with a scale each"

  /// Whether ``storeEmbeddings(_:)`` would find a table.
  static func hasEmbeddings(_ graph: Graph) -> Bool {
    var emitter = DynamicEmitter(graph, DynamicRecipe())
    return !emitter.embeddings(alone: true).isEmpty
  }

  /// Stores the tables that are only looked up as 8-bit rows and leaves everything else as it is.
  static func storeEmbeddings(_ model: inout Model) throws(ScopeError) {
    var emitter = DynamicEmitter(model.graph, DynamicRecipe())
    guard emitter.emitEmbeddings() else { return }
    try emitter.rewriter.finish(&model)
  }
}

private struct DynamicEmitter {
  var rewriter: WeightRewriter
  let recipe: DynamicRecipe
  private let graph: Graph
  /// Names of the quantized form of an activation.
  private var quantized: [String: (codes: String, scale: String, zeroPoint: String)] = [:]
  /// Quantized weights by weight and axis of the outputs.
  private var weights: [String: QuantizedWeight] = [:]
  /// Constants with the codes of a weight as they are stored; made once per key.
  private var stored: [String: String] = [:]
  /// Weights that a Gather reads too: their codes are kept once, as rows.
  private var tables: Set<String> = []
  /// Weights that a matrix product reads as rows.
  private var rowProducts: Set<String> = []

  init(_ graph: Graph, _ recipe: DynamicRecipe) {
    self.graph = graph
    self.recipe = recipe
    rewriter = WeightRewriter(graph, floatLayers: recipe.floatLayers)
  }

  mutating func run() {
    let embeddings = recipe.embeddings ? embeddings(alone: false) : [:]
    tables = Set(embeddings.values.map(\.weightName))
    for (index, node) in graph.nodes.enumerated() {
      guard case .layer(let layer) = MatrixLayer.recognize(node, index: index, rewriter.editor) else {
        continue
      }
      if layer.isTransposed { rowProducts.insert(layer.weightName) }
    }
    for (index, node) in graph.nodes.enumerated() {
      if let layer = embeddings[index] {
        emit(layer, result: node.outputs[0])
        continue
      }
      switch MatrixLayer.recognize(node, index: index, rewriter.editor) {
      case .layer(let layer):
        guard accepts(layer.name, layer.weightName) else { continue }
        emit(layer, result: node.outputs[0])
      case .declined(let reason): rewriter.report.decline(node.layerName, reason)
      case .notALayer:
        if node.isStandard("Conv") { convolution(node, index) }
      }
    }
  }

  /// Look-ups by node.
  ///
  /// - Parameter alone: leaves tables out that something else than a look-up reads.
  mutating func embeddings(alone: Bool) -> [Int: EmbeddingLayer] {
    var result: [Int: EmbeddingLayer] = [:]
    for (index, node) in graph.nodes.enumerated() {
      guard let layer = EmbeddingLayer.recognize(node, index: index, rewriter.editor),
        accepts(layer.name, layer.weightName)
      else { continue }
      result[index] = layer
    }
    guard alone else { return result }
    return result.filter { _, layer in
      !rewriter.editor.captured.contains(layer.weightName)
        && (rewriter.editor.consumers[layer.weightName] ?? []).allSatisfy { result[$0] != nil }
    }
  }

  /// - Returns: whether there was a table.
  mutating func emitEmbeddings() -> Bool {
    let found = embeddings(alone: true)
    for (index, layer) in found.sorted(by: { $0.key < $1.key }) {
      emit(layer, result: graph.nodes[index].outputs[0])
    }
    return !found.isEmpty
  }

  private mutating func accepts(_ layer: String, _ weight: String) -> Bool {
    rewriter.accepts(layer, weight: weight, smallest: recipe.smallestWeight)
  }

  private mutating func quantizedWeight(_ name: String, axis: Int, _ recipe: QuantizationRecipe)
    -> QuantizedWeight?
  {
    let key = "\(name)\u{1}\(axis)\u{1}\(recipe.name)"
    if let known = weights[key] { return known }
    guard let tensor = rewriter.editor.constant(name), let values = rewriter.editor.floats(name) else {
      return nil
    }
    let result = WeightQuantizer.quantize(
      values, dimensions: tensor.dimensions, axis: axis, isDepthwise: false, recipe: recipe,
      minimumScales: [Float](repeating: 0, count: tensor.dimensions[axis]))
    weights[key] = result
    return result
  }

  /// The constant named by `key`, made on first use.
  private mutating func constant(_ key: String, _ stem: String, _ make: () -> Tensor) -> String {
    if let known = stored[key] { return known }
    let name = rewriter.constant(make(), stem)
    stored[key] = name
    return name
  }

  /// The quantized form of `value` and, on its first use, the node that makes it.
  private mutating func activation(
    _ value: String
  ) -> (names: (codes: String, scale: String, zeroPoint: String), nodes: [Node]) {
    if let known = quantized[value] { return (known, []) }
    let names = (
      codes: rewriter.fresh("\(value)_q"), scale: rewriter.fresh("\(value)_scale"),
      zeroPoint: rewriter.fresh("\(value)_zero")
    )
    quantized[value] = names
    return (
      names,
      [
        Node(
          "DynamicQuantizeLinear", inputs: [value], outputs: [names.codes, names.scale, names.zeroPoint])
      ]
    )
  }

  private mutating func emit(_ layer: EmbeddingLayer, result: String) {
    // A look-up cannot saturate; only rows that are multiplied too are bounded.
    let range = rowProducts.contains(layer.weightName) ? recipe.weightRange : .full
    let rows = QuantizationRecipe(weights: .int8, perChannel: true, weightRange: range)
    guard let weight = quantizedWeight(layer.weightName, axis: 0, rows) else { return }
    let codes = constant("\(layer.weightName)\u{1}rows", "\(layer.weightName)_q") {
      .int8s(weight.codes, weight.dimensions)
    }
    let scales = constant("\(layer.weightName)\u{1}row scales", "\(layer.weightName)_row_scale") {
      .floats(weight.scales, [layer.entries, 1])
    }
    rewriter.replace(
      layer.nodeIndex, with: layer.nodes(codes: codes, scales: scales, result: result, &rewriter))
    rewriter.report.rewritten.append(layer.name)
  }

  private mutating func emit(_ layer: MatrixLayer, result: String) {
    // A table that is looked up too keeps its rows; the engine turns them round once, when it loads the model.
    let sharesRows =
      layer.isTransposed && tables.contains(layer.weightName) && recipe.weights == .int8
      && recipe.perChannel
    let axis = layer.isTransposed ? 0 : 1
    guard let weight = quantizedWeight(layer.weightName, axis: axis, recipe.weightRecipe) else { return }
    var nodes: [Node] = []
    let codes: String
    if sharesRows {
      let rows = constant("\(layer.weightName)\u{1}rows", "\(layer.weightName)_q") {
        .int8s(weight.codes, weight.dimensions)
      }
      codes = rewriter.fresh("\(layer.weightName)_q_transposed")
      nodes.append(
        Node("Transpose", inputs: [rows], outputs: [codes], attributes: ["perm": .ints([1, 0])]))
    } else {
      let type = recipe.weights
      codes = constant("\(layer.weightName)\u{1}\(axis)", "\(layer.weightName)_q") {
        let values =
          layer.isTransposed
          ? transposedMatrix(weight.codes, rows: layer.outputs, columns: layer.inputs) : weight.codes
        let dimensions = [layer.inputs, layer.outputs]
        return type == .int8
          ? .int8s(values, dimensions) : .uint8s(values.map { UInt8(Int($0) + 128) }, dimensions)
      }
    }
    let scales = constant(
      "\(layer.weightName)\u{1}\(axis) scales \(layer.alpha)", "\(layer.weightName)_scale"
    ) {
      .floats(weight.scales.map { $0 * layer.alpha }, weight.scales.count > 1 ? [weight.scales.count] : [])
    }
    let input = activation(layer.input)
    nodes = input.nodes + nodes
    var factors = [input.names.codes, codes, input.names.zeroPoint]
    if recipe.weights == .uint8 { factors.append(constant("zero", "weight_zero") { .uint8s([128], []) }) }
    let product = layer.addend == nil ? result : rewriter.fresh("\(result)_product")
    nodes += scaled(
      Node("MatMulInteger", name: layer.name, inputs: factors, outputs: [rewriter.fresh("\(result)_sum")]),
      by: input.names.scale, scales, result: product)
    nodes += layer.addendNodes(product, result: result, &rewriter)
    rewriter.replace(layer.nodeIndex, with: nodes)
    rewriter.report.rewritten.append(layer.name)
  }

  /// `integers`, then its 32-bit sums times both scales. The activation's scale comes first: ONNX Runtime looks for
  /// this order.
  private mutating func scaled(
    _ integers: Node, by inputScale: String, _ weightScale: String, result: String
  ) -> [Node] {
    let reals = rewriter.fresh("\(result)_real")
    let scale = rewriter.fresh("\(result)_scale")
    return [
      integers,
      Node(
        "Cast", inputs: integers.outputs, outputs: [reals],
        attributes: ["to": .int(Int(DataType.float32.rawValue))]),
      Node("Mul", inputs: [inputScale, weightScale], outputs: [scale]),
      Node("Mul", inputs: [reals, scale], outputs: [result]),
    ]
  }

  private mutating func convolution(_ node: Node, _ index: Int) {
    let name = node.layerName
    guard recipe.convolutions else {
      rewriter.report.decline(name, "convolutions were not asked for")
      return
    }
    guard let parameters = ConvParameters(node, rewriter.editor), let input = node.input(0),
      let weightName = node.input(1), rewriter.editor.constant(input) == nil
    else {
      rewriter.report.decline(name, "its weight or bias is not a float32 constant")
      return
    }
    guard accepts(name, weightName) else { return }
    let channels = parameters.dimensions[0]
    guard parameters.group == 1 || parameters.dimensions[1] > 1 else {
      rewriter.report.decline(name, "it is depthwise: too few products per sum to gain from integers")
      return
    }
    let weightRecipe = QuantizationRecipe(
      weights: .uint8, perChannel: recipe.perChannel, weightRange: recipe.weightRange)
    guard let weight = quantizedWeight(weightName, axis: 0, weightRecipe) else { return }
    let codes = constant("\(weightName)\u{1}convolution", "\(weightName)_q") {
      .uint8s(weight.codes.map { UInt8(Int($0) + 128) }, weight.dimensions)
    }
    // [M, 1, 1 ...] against [N, M, spatial ...].
    let perChannel = [channels] + [Int](repeating: 1, count: parameters.dimensions.count - 2)
    let scales = constant("\(weightName)\u{1}convolution scales", "\(weightName)_scale") {
      .floats(weight.scales, weight.scales.count > 1 ? perChannel : [])
    }
    let zero = constant("zero", "weight_zero") { .uint8s([128], []) }
    let activation = activation(input)
    let result = node.outputs[0]
    let hasBias = node.input(2) != nil
    let product = hasBias ? rewriter.fresh("\(result)_product") : result
    var integers = Node(
      "ConvInteger", name: name,
      inputs: [activation.names.codes, codes, activation.names.zeroPoint, zero],
      outputs: [rewriter.fresh("\(result)_sum")])
    integers.attributes = node.attributes
    var nodes = activation.nodes + scaled(integers, by: activation.names.scale, scales, result: product)
    if hasBias {
      let bias = rewriter.constant(
        .floats(parameters.bias.map { Float($0) }, perChannel), "\(weightName)_bias")
      nodes.append(Node("Add", inputs: [product, bias], outputs: [result]))
    }
    rewriter.replace(index, with: nodes)
    rewriter.report.rewritten.append(name)
  }
}
