import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// Stores float32 constants in a narrower type with the conversion back to float32 behind them. The result of the
/// conversion keeps the constant's name, so that nodes and nested graphs read what they read before.
public enum WeightStorage {
  /// Below this ratio of signal to rounding noise a float16 tensor has lost numbers to the subnormal range: ordinary
  /// rounding to 11 bits leaves more than 70 dB.
  static let smallestHalfRatio = 60.0

  /// Rewrites `model`. Needs no samples.
  ///
  /// - Returns: the tensors that are stored narrower now, and those that are not with the reasons.
  /// - Throws: `unsupported` when no tensor is, or when the format needs an operator set that the model cannot be raised
  ///   to; `model` is then unchanged.
  @discardableResult
  public static func store(_ model: inout Model, recipe: StorageRecipe) throws(ScopeError) -> WeightRewrite {
    guard (recipe.blockSize ?? 1) >= 1 else {
      throw ScopeError(
        .invalidArgument, "a block needs at least one weight", found: "\(recipe.blockSize ?? 0)")
    }
    var raised = model
    let (opset, version) = requirement(recipe)
    try OpsetRaise.raise(&raised, to: opset)
    raised.irVersion = max(raised.irVersion, version)
    var emitter = StorageEmitter(raised.graph, recipe)
    emitter.run()
    try emitter.rewriter.report.requireWork(
      "stored as \(recipe.format.rawValue)",
      expected: "float32 constants of \(recipe.smallestWeight) elements or more")
    try emitter.rewriter.finish(&raised)
    model = raised
    return emitter.rewriter.report
  }

  /// What the engine says against a model; nil when it loads. Storage types are newer than many engines.
  public static func refusal(
    _ model: Model, engine: Engine, options: SessionOptions = SessionOptions(threads: 1)
  ) -> ScopeError? {
    do throws(ScopeError) {
      _ = try Session(engine: engine, model: model, options: options)
      return nil
    } catch { return error }
  }

  /// Operator set and IR version in which the type (and its Cast or DequantizeLinear) exists.
  private static func requirement(_ recipe: StorageRecipe) -> (opset: Int, irVersion: Int64) {
    switch recipe.format {
    case .float16: (7, 3)
    case .bfloat16: (13, 4)
    case .float8e4m3, .float8e5m2: (19, 9)
    case .int8: recipe.form == .folded ? (7, 3) : recipe.blockSize == nil ? (13, 7) : (21, 10)
    case .int4: (21, 10)
    }
  }
}

private struct StorageEmitter {
  var rewriter: WeightRewriter
  let recipe: StorageRecipe
  private let graph: Graph

  /// Which elements of a weight share scales.
  private enum Channels {
    /// The first `count` axes number the channels.
    case leading(Int)
    /// The last axis of a matrix does.
    case last
  }

  init(_ graph: Graph, _ recipe: StorageRecipe) {
    self.graph = graph
    self.recipe = recipe
    rewriter = WeightRewriter(graph, floatLayers: recipe.floatLayers)
  }

  mutating func run() {
    let consumers = rewriter.editor.consumers
    for (name, tensor) in graph.initializers {
      guard tensor.dataType == .float32, tensor.elementCount >= recipe.smallestWeight,
        rewriter.editor.constant(name) != nil
      else { continue }
      let readers = (consumers[name] ?? []).map { graph.nodes[$0] }
      guard !rewriter.isKept(name, weight: name),
        !readers.contains(where: { rewriter.isKept($0.layerName, weight: name) })
      else {
        rewriter.report.decline(name, "kept in float as asked")
        continue
      }
      if case .external(let external) = tensor.storage {
        rewriter.report.decline(name, "it lies in a file that was not opened, \(external.location)")
        continue
      }
      guard let values = rewriter.editor.floats(name), values.allSatisfy(\.isFinite) else {
        rewriter.report.decline(name, "it holds NaN or infinity")
        continue
      }
      switch recipe.format {
      case .float16: store(name, tensor, values, .half, smallestRatio: WeightStorage.smallestHalfRatio)
      case .bfloat16: store(name, tensor, values, .brain, smallestRatio: 0)
      case .float8e4m3: scaled(name, tensor, values, .e4m3)
      case .float8e5m2: scaled(name, tensor, values, .e5m2)
      case .int8, .int4:
        guard let channels = Self.channels(of: name, readers, rank: tensor.dimensions.count) else {
          rewriter.report.decline(name, "it is no weight of a layer")
          continue
        }
        integers(name, tensor, values, channels)
      }
    }
  }

  /// How a weight is cut into channels by the first node that reads it as a weight.
  private static func channels(of name: String, _ readers: [Node], rank: Int) -> Channels? {
    for node in readers where rank >= 2 {
      let position = node.inputs.firstIndex(of: name)
      switch node.opType {
      case "Conv" where node.isStandard("Conv") && position == 1,
        "ConvTranspose" where node.isStandard("ConvTranspose") && position == 1:
        return .leading(1)
      case "Gather" where node.isStandard("Gather") && position == 0: return .leading(1)
      case "MatMul" where node.isStandard("MatMul"):
        return rank == 2 && position == 1 ? .last : .leading(rank - 1)
      case "Gemm" where node.isStandard("Gemm") && position ?? 2 < 2:
        let transposed = node.int(position == 1 ? "transB" : "transA") ?? 0 != 0
        return transposed == (position == 1) ? .leading(1) : .last
      case "LSTM" where node.isStandard("LSTM"), "GRU" where node.isStandard("GRU"),
        "RNN" where node.isStandard("RNN"):
        if position == 1 || position == 2, rank == 3 { return .leading(2) }
      case "Transpose" where node.isStandard("Transpose") && rank == 2: return .leading(1)
      default: break
      }
    }
    return nil
  }

  private func cast(_ codes: String, to result: String) -> Node {
    Node(
      "Cast", inputs: [codes], outputs: [result], attributes: ["to": .int(Int(DataType.float32.rawValue))])
  }

  /// 16-bit floats: Cast alone.
  private mutating func store(
    _ name: String, _ tensor: Tensor, _ values: [Float], _ format: SmallFloat, smallestRatio: Double
  ) {
    guard let (narrow, ratio) = format.tensor(values, tensor.dimensions), ratio > -.infinity else {
      rewriter.report.decline(name, "numbers beyond \(format.greatest) do not fit \(format.dataType.name)")
      return
    }
    guard ratio >= smallestRatio else {
      rewriter.report.decline(
        name, "too many of its numbers are too small for \(format.dataType.name) (\(Int(ratio)) dB left)")
      return
    }
    let codes = rewriter.constant(narrow, "\(name)_\(recipe.format.rawValue)")
    rewriter.removeConstant(name)
    rewriter.preamble.append(cast(codes, to: name))
    rewriter.report.rewritten.append(name)
  }

  /// 8-bit floats with one scale per tensor that brings the largest magnitude to the format's greatest number.
  private mutating func scaled(_ name: String, _ tensor: Tensor, _ values: [Float], _ format: SmallFloat) {
    let largest = values.reduce(0) { max($0, abs($1)) }
    let scale = max(largest / format.greatest, .leastNormalMagnitude * 4)
    guard let (narrow, _) = format.tensor(values, tensor.dimensions, scale: scale) else { return }
    let codes = rewriter.constant(narrow, "\(name)_\(recipe.format.rawValue)")
    let scaleName = rewriter.constant(.floats([scale], []), "\(name)_scale")
    emit(name, codes: codes, scales: scaleName)
  }

  /// The nodes that make `name` from its codes; `shape` where the codes have another one.
  private mutating func emit(
    _ name: String, codes: String, scales: String, shape: [Int]? = nil, axis: Int? = nil,
    blockSize: Int? = nil
  ) {
    rewriter.removeConstant(name)
    rewriter.report.rewritten.append(name)
    if recipe.usesDequantizeLinear {
      var node = Node("DequantizeLinear", inputs: [codes, scales], outputs: [name])
      if let axis { node.attributes["axis"] = .int(axis) }
      if let blockSize { node.attributes["block_size"] = .int(blockSize) }
      rewriter.preamble.append(node)
      return
    }
    let reals = rewriter.fresh("\(name)_codes")
    let product = shape == nil ? name : rewriter.fresh("\(name)_blocks")
    rewriter.preamble.append(cast(codes, to: reals))
    rewriter.preamble.append(Node("Mul", inputs: [reals, scales], outputs: [product]))
    if let shape {
      let shapeName = rewriter.constant(.int64s(shape), "\(name)_shape")
      rewriter.preamble.append(Node("Reshape", inputs: [product, shapeName], outputs: [name]))
    }
  }

  /// Integers with a scale per channel or block.
  private mutating func integers(_ name: String, _ tensor: Tensor, _ values: [Float], _ channels: Channels) {
    let dimensions = tensor.dimensions
    let rows: [Float]
    let count: Int
    let length: Int
    switch channels {
    case .leading(let axes):
      (count, rows) = (dimensions.prefix(axes).reduce(1, *), values)
      length = values.count / max(count, 1)
    case .last:
      (count, length) = (dimensions[1], dimensions[0])
      rows = values.transposed(rows: length, columns: count)
    }
    var block: Int?
    // DequantizeLinear cuts blocks along one axis: the rest of the channel must be one.
    if let wanted = recipe.blockSize, wanted < length, length % wanted == 0,
      !recipe.usesDequantizeLinear || dimensions.count == 2
    {
      block = wanted
    }
    if recipe.usesDequantizeLinear, block == nil, case .leading(let axes) = channels, axes > 1 {
      rewriter.report.decline(name, "DequantizeLinear has one scale per index of one axis only")
      return
    }
    let bits = recipe.format == .int4 ? 4 : 8
    let grid = BlockGrid.signed(rows, outputs: count, inputs: length, bits: bits, blockSize: block ?? length)
    var codes = grid.nearest(rows)
    var scales = grid.scales  // [count, blocks]
    let blocks = grid.blocks
    if case .last = channels {
      codes = transposedMatrix(codes, rows: count, columns: length)
      scales = transposedMatrix(scales, rows: count, columns: blocks)
    }
    var shape = dimensions
    var scaleShape: [Int]
    switch channels {
    case .leading(let axes):
      scaleShape = Array(dimensions.prefix(axes))
      if let block {
        shape = scaleShape + [blocks, block]
        scaleShape += [blocks, 1]
      } else {
        scaleShape += [Int](repeating: 1, count: dimensions.count - axes)
      }
    case .last:
      if let block { shape = [blocks, block, count] }
      scaleShape = block == nil ? [1, count] : [blocks, 1, count]
    }
    let axis = if case .last = channels { 1 } else { 0 }
    if recipe.usesDequantizeLinear {
      shape = dimensions
      scaleShape = block == nil ? [count] : axis == 0 ? [count, blocks] : [blocks, count]
    }
    let codesName = rewriter.constant(
      Self.tensor(codes, shape, bits: bits), "\(name)_\(recipe.format.rawValue)")
    let scalesName = rewriter.constant(.floats(scales, scaleShape), "\(name)_scale")
    emit(
      name, codes: codesName, scales: scalesName, shape: shape == dimensions ? nil : dimensions,
      axis: block == nil ? axis : 1 - axis, blockSize: recipe.usesDequantizeLinear ? block : nil)
  }

  /// Signed codes as int8, or as int4 with the earlier one in the lower half of a byte.
  private static func tensor(_ codes: [Int16], _ dimensions: [Int], bits: Int) -> Tensor {
    if bits == 4 {
      var bytes = [UInt8](repeating: 0, count: (codes.count + 1) / 2)
      for position in codes.indices {
        bytes[position / 2] |=
          (UInt8(truncatingIfNeeded: codes[position]) & 15) << (position % 2 == 0 ? 0 : 4)
      }
      if let packed = try? Tensor(dataType: .int4, dimensions: dimensions, storage: .packed(ByteSlice(bytes)))
      {
        return packed
      }
    }
    return .int8s(codes.map { Int8(clamping: $0) }, dimensions)
  }
}
