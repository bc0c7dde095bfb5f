import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Writes a planned quantization as QuantizeLinear / DequantizeLinear pairs around float operators (the QDQ form of the
/// ONNX quantization specification), which ONNX Runtime and other engines fuse into integer kernels.
///
/// Tables of embeddings become 8-bit rows. Weights are stored as 8-bit integers with a DequantizeLinear behind them, biases as 32-bit integers of scale
/// `input scale x weight scale`.
struct QDQEmitter {
  /// Largest bias code: leaves the accumulator's 32 bits room for the products themselves.
  static let largestBiasCode = 1 << 30

  let plan: QuantizationPlan
  let calibration: Calibration
  let recipe: QuantizationRecipe
  private var names: NameAllocator
  private var graph: Graph
  private var nodes: [Node] = []
  /// What integer nodes read, by original value.
  private var dequantized: [String: String] = [:]
  /// Integer biases that additions behind a layer read, by the addition's node.
  private var addedBiases: [Int: String] = [:]
  /// Scale and zero-point initializers by the value whose parameters they are.
  private var parameterNames: [String: (scale: String, zeroPoint: String)] = [:]
  /// - Parameter model: the folded float model, operator set 13 or later.
  /// - Throws: `unsupported` below operator set 13; `invalidArgument` for a rounding without second moments; `invalidData` when calibration saw NaN or infinity.
  static func emit(
    _ model: Model, plan: QuantizationPlan, calibration: Calibration, recipe: QuantizationRecipe
  ) throws(ScopeError) -> Model {
    guard !recipe.hasSlowKernel else {
      throw ScopeError(
        .unsupported, "uint8 weights per channel have zero points per channel, which run in a slow kernel",
        found: recipe.name, remedy: "Take int8 weights, or one scale per tensor")
    }
    guard recipe.rounding == .nearest || calibration.moments != nil else {
      throw ScopeError(
        .invalidArgument, "rounding weights by their effect needs the second moments of the layers' inputs",
        found: recipe.name)
    }
    guard model.opset >= 13 else {
      throw ScopeError(
        .unsupported, "quantization per channel needs ONNX operator set 13 or later", found: "\(model.opset)",
        remedy: "Export the model again with opset_version=13 or later")
    }
    var emitter = QDQEmitter(model.graph, plan, calibration, recipe)
    try emitter.emitAll()
    var result = model
    result.graph = emitter.graph
    result.graph.nodes = emitter.nodes
    // Declared intermediate types would name values that are gone; engines infer them again.
    result.graph.valueInfo = []
    result.irVersion = max(result.irVersion, 7)
    try DynamicQuantizer.storeEmbeddings(&result)
    // Zero points and the like: most of them are equal.
    _ = try DeduplicateInitializers().run(&result)
    _ = try EliminateDeadNodes().run(&result)
    try GraphValidation.check(result)
    return result
  }

  private init(
    _ graph: Graph, _ plan: QuantizationPlan, _ calibration: Calibration, _ recipe: QuantizationRecipe
  ) {
    self.graph = graph
    self.plan = plan
    self.calibration = calibration
    self.recipe = recipe
    names = NameAllocator(graph)
  }

  private mutating func emitAll() throws(ScopeError) {
    for name in plan.quantizedConstants.sorted() { try emitConstant(name) }
    for input in graph.inputs where plan.quantizedValues.contains(input.name) {
      try round(input.name, from: input.name)
    }
    let absorbed = Set(plan.absorbedActivations.values)
    for (index, original) in graph.nodes.enumerated() where !absorbed.contains(index) {
      var node = original
      if let activation = plan.absorbedActivations[index] {
        node.outputs[0] = graph.nodes[activation].outputs[0]
      }
      let isInteger = plan.integerNodes.contains(index)
      // Float nodes read what float nodes computed as it is; of what integer nodes computed only the rounded form has the
      // name, so everything behind reads that, nested graphs and graph outputs too.
      if isInteger { node.inputs = node.inputs.map { dequantized[$0] ?? $0 } }
      if let bias = addedBiases[index],
        let position = node.inputs.firstIndex(where: { graph.initializers[$0] != nil })
      {
        node.inputs[position] = bias
      }
      if let layer = plan.layers[index] { try emitWeights(layer, of: &node) }
      var pending: [(value: String, raw: String)] = []
      for position in node.outputs.indices where plan.quantizedValues.contains(node.outputs[position]) {
        let value = node.outputs[position]
        if isInteger { node.outputs[position] = names.fresh("\(value)_raw") }
        pending.append((value, node.outputs[position]))
      }
      nodes.append(node)
      for (value, raw) in pending { try round(value, from: raw) }
    }
  }

  private func activationParameters(_ value: String) throws(ScopeError) -> AffineParameters {
    guard let statistics = plan.statistics(of: value, in: calibration) else {
      throw ScopeError(.invalidGraph, "no calibration data for a value", found: value)
    }
    guard !statistics.hasInvalidValues else {
      throw ScopeError(
        .invalidData, "the model computes NaN or infinity on the calibration samples", place: value,
        remedy: "Check the preprocessing and the weights")
    }
    let source = plan.parameterSource[value] ?? value
    let range = RangeSelection.range(statistics, recipe.valueRanges[source] ?? recipe.range)
    if recipe.symmetricActivations, range.minimum < 0 {
      return AffineParameters(symmetric: range.minimum, range.maximum, type: recipe.activations)
    }
    return AffineParameters(minimum: range.minimum, maximum: range.maximum, type: recipe.activations)
  }

  /// Emits QuantizeLinear and DequantizeLinear behind `raw`. Without a `raw` of its own the value keeps its name and
  /// integer nodes take the rounded one; otherwise the rounded one has the name.
  private mutating func round(_ value: String, from raw: String) throws(ScopeError) {
    let source = plan.parameterSource[value] ?? value
    let parameters: (scale: String, zeroPoint: String)
    if let known = parameterNames[source] {
      parameters = known
    } else {
      parameters = addParameters(try activationParameters(source), source)
      parameterNames[source] = parameters
    }
    let codes = names.fresh("\(value)_q")
    let reals = raw == value ? names.fresh("\(value)_dq") : value
    nodes.append(
      Node("QuantizeLinear", inputs: [raw, parameters.scale, parameters.zeroPoint], outputs: [codes]))
    nodes.append(
      Node("DequantizeLinear", inputs: [codes, parameters.scale, parameters.zeroPoint], outputs: [reals]))
    dequantized[value] = reals
  }

  private mutating func addParameters(_ affine: AffineParameters, _ stem: String) -> (String, String) {
    let result = (names.fresh("\(stem)_scale"), names.fresh("\(stem)_zero"))
    graph.initializers[result.0] = .floats([affine.scale], [])
    graph.initializers[result.1] =
      affine.type == .uint8
      ? .uint8s([UInt8(clamping: affine.zeroPoint)], []) : .int8s([Int8(clamping: affine.zeroPoint)], [])
    return result
  }

  /// Stores a constant that arithmetic reads as codes between its extremes.
  private mutating func emitConstant(_ name: String) throws(ScopeError) {
    guard let tensor = graph.initializers[name] else { return }
    let values = try tensor.floats()
    let type = recipe.activations
    let affine = AffineParameters(
      minimum: values.min() ?? 0, maximum: values.max() ?? 0, type: type)
    let codes = values.map { value in
      let code = (Double(value) / Double(affine.scale)).rounded(.toNearestOrEven) + Double(affine.zeroPoint)
      return Int(max(Double(type.codes.lowerBound), min(Double(type.codes.upperBound), code)))
    }
    let (scale, zero) = addParameters(affine, name)
    let codesName = names.fresh("\(name)_q")
    graph.initializers[codesName] =
      type == .uint8
      ? .uint8s(codes.map { UInt8(clamping: $0) }, tensor.dimensions)
      : .int8s(codes.map { Int8(clamping: $0) }, tensor.dimensions)
    let reals = names.fresh("\(name)_dq")
    nodes.append(Node("DequantizeLinear", inputs: [codesName, scale, zero], outputs: [reals]))
    dequantized[name] = reals
  }

  /// Replaces the weight and bias of `node` by integers with DequantizeLinear behind them.
  private mutating func emitWeights(_ layer: QuantizedLayer, of node: inout Node) throws(ScopeError) {
    let inputScale = Double(try activationParameters(layer.input).scale)
    var bias = layer.bias
    let minimumScales = (0..<layer.channels).map { channel in
      Float(abs(bias?[channel] ?? 0) / (inputScale * Double(Self.largestBiasCode)))
    }
    var quantized = WeightQuantizer.quantize(
      layer.weight, dimensions: layer.dimensions, axis: layer.channelAxis, isDepthwise: layer.isDepthwise,
      recipe: recipe, minimumScales: minimumScales)
    let moments = recipe.rounding == .nearest ? nil : calibration.moments
    if let moments { quantized = moments.rounded(quantized, layer: layer, recipe: recipe) }
    if recipe.biasCorrection, layer.takesBias,
      let statistics = plan.statistics(of: layer.input, in: calibration),
      let shift = moments?.meanShift(of: quantized, layer: layer)
        ?? layer.meanShift(of: quantized, inputMeans: statistics.channelMeans)
    {
      bias = zip(bias ?? [Double](repeating: 0, count: layer.channels), shift).map { $0 + $1 }
    }
    let stem = layer.weightName
    let perAxis = quantized.scales.count > 1
    let scaleName = names.fresh("\(stem)_scale")
    let scaleDimensions = perAxis ? [quantized.scales.count] : []
    graph.initializers[scaleName] = .floats(quantized.scales, scaleDimensions)
    let zeroName = names.fresh("\(stem)_zero")
    let codesName = names.fresh("\(stem)_q")
    if recipe.weights == .int8 {
      graph.initializers[codesName] = .int8s(quantized.codes, layer.dimensions)
      graph.initializers[zeroName] = .int8s(
        [Int8](repeating: 0, count: quantized.scales.count), scaleDimensions)
    } else {
      graph.initializers[codesName] = .uint8s(quantized.codes.map { UInt8(Int($0) + 128) }, layer.dimensions)
      graph.initializers[zeroName] = .uint8s(
        [UInt8](repeating: 128, count: quantized.scales.count), scaleDimensions)
    }
    let realName = names.fresh("\(stem)_dq")
    var dequantize = Node("DequantizeLinear", inputs: [codesName, scaleName, zeroName], outputs: [realName])
    if perAxis { dequantize.attributes["axis"] = .int(layer.channelAxis) }
    nodes.append(dequantize)
    node.inputs = [node.inputs[0], realName]
    guard let bias else { return }
    let biasName = try emitBias(bias, stem: stem, inputScale: inputScale, weightScales: quantized.scales)
    if let addition = plan.biasAdditions[layer.nodeIndex] {
      addedBiases[addition] = biasName
    } else {
      node.inputs.append(biasName)
    }
  }

  private mutating func emitBias(
    _ bias: [Double], stem: String, inputScale: Double, weightScales: [Float]
  ) throws(ScopeError) -> String {
    let perAxis = weightScales.count > 1
    let scales = weightScales.map { Float(inputScale) * $0 }
    let codes = bias.indices.map { channel in
      Int32(clamping: Int((bias[channel] / Double(scales[perAxis ? channel : 0])).rounded(.toNearestOrEven)))
    }
    let codesName = names.fresh("\(stem)_bias_q")
    let scaleName = names.fresh("\(stem)_bias_scale")
    let zeroName = names.fresh("\(stem)_bias_zero")
    let realName = names.fresh("\(stem)_bias_dq")
    let scaleDimensions = perAxis ? [scales.count] : []
    graph.initializers[codesName] = .int32s(codes, [codes.count])
    graph.initializers[scaleName] = .floats(scales, scaleDimensions)
    graph.initializers[zeroName] = .int32s([Int32](repeating: 0, count: scales.count), scaleDimensions)
    var dequantize = Node("DequantizeLinear", inputs: [codesName, scaleName, zeroName], outputs: [realName])
    if perAxis { dequantize.attributes["axis"] = .int(0) }
    nodes.append(dequantize)
    return realName
  }
}
