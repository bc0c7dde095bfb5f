import ScopeBytes
import ScopeGraph
import ScopeRuntime
import ScopeStatistics

/// A layer whose weights can be fitted, and what its output is fitted to.
///
/// For a layer that ends a residual block the target is the original block's sum less the smaller model's own shortcut,
/// so that the block also makes up for errors made before it.
struct LayerPlace: Sendable {
  let node: Int
  /// Value the layer reads.
  let input: String
  /// Value of the original that is the target.
  let target: String
  /// Value of the smaller model that is added to the layer's output before `target`; nil for none.
  let shortcut: String?
  let patches: LayerPatches
  /// Where the bias is stored: an input of `biasNode`; nil when the layer cannot have one.
  let biasNode: Int?
  let biasInput: Int
  /// Whether the stored weight is [features, outputs].
  let isTransposed: Bool

  /// - Returns: nil with no known way to fit the layer.
  init?(_ index: Int, _ editor: GraphEditor) {
    let node = editor.graph.nodes[index]
    guard let input = node.input(0), var value = node.outputs.first,
      let weight = editor.constant(node.input(1)),
      weight.dataType == .float32, let patches = LayerPatches(node, weightDimensions: weight.dimensions),
      node.float("alpha") ?? 1 == 1, node.float("beta") ?? 1 == 1
    else { return nil }
    self.node = index
    self.input = input
    self.patches = patches
    isTransposed = !patches.isConvolution && node.int("transB") ?? 0 == 0
    let outputs = weight.dimensions[isTransposed ? 1 : 0]
    var bias: (node: Int, input: Int)?
    if node.opType != "MatMul" {
      guard node.input(2) == nil || editor.floats(node.input(2))?.count == outputs else { return nil }
      bias = (index, 2)
    } else if let reader = editor.soleConsumer(value), editor.graph.nodes[reader].isStandard("Add"),
      let constant = editor.graph.nodes[reader].inputs.firstIndex(where: {
        editor.floats($0)?.count == outputs
      }),
      editor.constant(editor.graph.nodes[reader].inputs[constant])?.dimensions.last == outputs
    {
      bias = (reader, constant)
      value = editor.graph.nodes[reader].outputs[0]
    }
    biasNode = bias?.node
    biasInput = bias?.input ?? 0
    if let reader = editor.soleConsumer(value), editor.graph.nodes[reader].isStandard("Add"),
      let other = editor.graph.nodes[reader].inputs.first(where: { $0 != value }),
      editor.constant(other) == nil, editor.producers[other] ?? -1 < index
    {
      shortcut = other
      target = editor.graph.nodes[reader].outputs[0]
    } else {
      shortcut = nil
      target = value
    }
  }
}

/// Rows of inputs or targets at positions that are the same for every model that is run on the same samples.
struct PlaceSampler {
  let context: OptimizationContext
  /// Samples of one run; the same for every model, since positions are drawn per run.
  let batch: Int
  /// Rows wanted of each layer.
  static let fewestRows = 8192
  static let mostRows = 16_384
  /// Activations of one run are kept below this many bytes.
  static let memoryLimit = 192 << 20

  init(_ context: OptimizationContext, bytesPerSample: Int) {
    self.context = context
    batch = max(1, min(context.samples.batchSize, Self.memoryLimit / max(bytesPerSample, 1)))
  }

  /// Rows wanted of a layer with this many features.
  static func rows(features: Int) -> Int { min(max(fewestRows, 16 * features), mostRows) }

  /// Positions of one run at one layer.
  func positions(_ place: LayerPlace, _ dimensions: [Int], run: Int, real: Int) -> [LayerPatches.Position] {
    var generator = SplitMix64(
      seed: context.seed &+ UInt64(place.node) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(run)
        &* 0xD1B5_4A32_D192_ED03)
    let wanted = Self.rows(features: place.patches.length)
    let share = (wanted * max(real, 1) + context.calibration.count - 1) / max(context.calibration.count, 1)
    return place.patches.positions(dimensions, limit: max(share, 1), using: &generator)
  }

  /// Runs what `values` depend on of `model` over the calibration samples.
  ///
  /// - Parameter body: gets the number of the run, the values and the number of samples that are not padding.
  func run(
    _ model: Model, values: Set<String>, _ body: (Int, [String: HostArray], Int) throws(ScopeError) -> Void
  ) throws(ScopeError) {
    var part = model
    let inputs = Set(model.graph.inputs.map(\.name))
    let computed = values.filter { !inputs.contains($0) }.sorted()
    let all = model.graph.outputs
    part.graph.outputs = computed.map { name in
      all.first { $0.name == name } ?? ValueInfo(name: name, dataType: .float32, shape: nil)
    }
    if part.graph.outputs.isEmpty { part.graph.outputs = all }
    part.graph.valueInfo = []
    _ = try EliminateDeadNodes().run(&part)
    let needed = part.graph.outputs.map(\.name)
    let session = try Session(engine: context.engine, model: part, options: context.sessionOptions)
    let runner = try ModelRunner(session: session, output: needed.first ?? "")
    var number = 0
    try runner.forEachBatch(context.samples, context.calibration, batch: .exactly(batch), fetch: needed) {
      (feed, outputs, real) throws(ScopeError) in
      var found = outputs
      for name in values where inputs.contains(name) { found[name] = feed[name] }
      try body(number, found, real)
      number += 1
      return true
    }
  }
}
