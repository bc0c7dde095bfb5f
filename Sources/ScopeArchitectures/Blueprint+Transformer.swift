import OrderedCollections
import ScopeGraph

/// Modules of transformers and of convolutional networks that borrow from them. Tokens are [N, T, C], feature maps
/// with channels last [N, H, W, C]; N stays open.
extension BlueprintBuilder {
  // MARK: Modules with parameters

  /// Normalisation over the last axis (arXiv:1607.06450).
  mutating func layerNormalization(_ path: String, _ input: Feature, epsilon: Float) -> Feature {
    expect("\(path).weight", [input.channels], .parameter)
    expect("\(path).bias", [input.channels], .parameter)
    countLayer(isWeightLayer: false)
    return emit(
      "LayerNormalization", path, [input.name, "\(path).weight", "\(path).bias"], channels: input.channels,
      ["axis": .int(-1 as Int), "epsilon": .float(epsilon)])
  }

  /// Normalisation over the channels of [N, C, H, W], position by position (`LayerNorm2d`).
  mutating func channelNormalization(_ path: String, _ input: Feature, epsilon: Float) -> Feature {
    let last = channelsLast("\(path).before", input)
    return channelsFirst("\(path).after", layerNormalization(path, last, epsilon: epsilon))
  }

  /// A fully connected layer over the last axis of any number of axes.
  mutating func tokenLinear(_ path: String, _ input: Feature, width: Int, bias: Bool = true) -> Feature {
    expect("\(path).weight", [width, input.channels], .parameter)
    if bias { expect("\(path).bias", [width], .parameter) }
    countLayer(isWeightLayer: true)
    return project(
      path, input, width: width, weight: "\(path).weight", bias: bias ? "\(path).bias" : nil)
  }

  /// input x weight^T + bias, for a weight of [width, C] and a bias of [width] that are declared already.
  mutating func project(_ path: String, _ input: Feature, width: Int, weight: String, bias: String?)
    -> Feature
  {
    let transposed = transpose("\(path).transposed", Feature(name: weight, channels: width), [1, 0])
    let product = emit(
      "MatMul", bias == nil ? path : "\(path).product", [input.name, transposed.name], channels: width)
    guard let bias else { return product }
    return emit("Add", path, [product.name, bias], channels: width)
  }

  /// A parameter that a container owns itself: counted with the module, which `countModules(_:)` counts.
  mutating func ownParameter(_ name: String, _ dimensions: [Int]) -> Feature {
    expect(name, dimensions, .parameter)
    return Feature(name: name, channels: dimensions.last ?? 1)
  }

  /// Says that a container counted by `countModules(_:)` owns parameters.
  mutating func countOwner() { blueprint.counts.parameterisedModules += 1 }

  // MARK: Operations without parameters (count their modules with ``countModules(_:)``)

  /// x (1 + erf(x / sqrt 2)) / 2 (arXiv:1606.08415), PyTorch's default form, in the order that engines fuse.
  mutating func gelu(_ path: String, _ input: Feature) -> Feature {
    var gate = emit(
      "Div", "\(path).scaled", [input.name, number(Float(2).squareRoot())], channels: input.channels)
    gate = emit("Erf", "\(path).erf", [gate.name], channels: input.channels)
    gate = emit("Add", "\(path).gate", [gate.name, number(1)], channels: input.channels)
    let product = emit("Mul", "\(path).product", [input.name, gate.name], channels: input.channels)
    return emit("Mul", path, [product.name, number(0.5)], channels: input.channels)
  }

  /// Elementwise product with a named value that broadcasts to the input (layer scale).
  mutating func scale(_ path: String, _ input: Feature, by factor: String) -> Feature {
    emit("Mul", path, [input.name, factor], channels: input.channels)
  }

  mutating func softmax(_ path: String, _ input: Feature) -> Feature {
    emit("Softmax", path, [input.name], channels: input.channels, ["axis": .int(-1 as Int)])
  }

  mutating func matrixProduct(_ path: String, _ left: Feature, _ right: Feature) -> Feature {
    emit("MatMul", path, [left.name, right.name], channels: right.channels)
  }

  // MARK: Layout

  mutating func transpose(_ path: String, _ input: Feature, _ order: [Int]) -> Feature {
    emit("Transpose", path, [input.name], channels: input.channels, ["perm": .ints(order)])
  }

  /// [N, C, H, W] to [N, H, W, C].
  mutating func channelsLast(_ path: String, _ input: Feature) -> Feature {
    transpose(path, input, [0, 2, 3, 1])
  }

  /// [N, H, W, C] to [N, C, H, W].
  mutating func channelsFirst(_ path: String, _ input: Feature) -> Feature {
    transpose(path, input, [0, 3, 1, 2])
  }

  /// `dimensions` in ONNX terms: 0 keeps the axis, -1 is what remains.
  mutating func reshape(_ path: String, _ input: Feature, _ dimensions: [Int], channels: Int? = nil)
    -> Feature
  {
    emit("Reshape", path, [input.name, integers(dimensions)], channels: channels ?? input.channels)
  }

  /// The slice at `index` of `axis`; the axis disappears.
  mutating func take(_ path: String, _ input: Feature, index: Int, axis: Int) -> Feature {
    let position = "constant.index.\(index)"
    blueprint.constants[position] = .int64s([index], [])
    return emit("Gather", path, [input.name, position], channels: input.channels, ["axis": .int(axis)])
  }

  /// Mean over `axes`, which disappear.
  mutating func mean(_ path: String, _ input: Feature, axes: [Int]) -> Feature {
    emit(
      "ReduceMean", path, [input.name], channels: input.channels,
      ["axes": .ints(axes), "keepdims": .int(0 as Int)])
  }

  /// `starts` to `ends` (exclusive) along `axes`.
  mutating func slice(_ path: String, _ input: Feature, axes: [Int], starts: [Int], ends: [Int]) -> Feature {
    emit(
      "Slice", path, [input.name, integers(starts), integers(ends), integers(axes)], channels: input.channels)
  }

  /// Learned tokens of [1, 1, C] before the tokens of every image.
  mutating func prependTokens(_ path: String, _ tokens: [Feature], to input: Feature) -> Feature {
    let batch = emit(
      "Shape", "\(path).batch", [input.name], channels: 1, ["start": .int(0 as Int), "end": .int(1 as Int)])
    let shape = emit(
      "Concat", "\(path).shape", [batch.name, integers([1, input.channels])], channels: 3,
      ["axis": .int(0 as Int)])
    let expanded = tokens.enumerated().map {
      emit("Expand", "\(path).expand\($0.offset)", [$0.element.name, shape.name], channels: input.channels)
    }
    return emit(
      "Concat", path, (expanded + [input]).map(\.name), channels: input.channels, ["axis": .int(1 as Int)])
  }

  // MARK: Attention

  /// Scaled dot-product attention with several heads (arXiv:1706.03762), query, key and value packed in one
  /// product [..., T, 3 C] with the layout of PyTorch's `in_proj_weight` and timm's `qkv`; the result is
  /// [..., T, C] before the output projection.
  ///
  /// - Parameters:
  ///   - groups: Sizes of the axes between batch and tokens; attention stays within a group (windows).
  ///   - scores: Changes the scores [N, groups..., heads, T, T] before the softmax. The queries are divided by
  ///     the square root of the head size first, unless `cosine` normalises queries and keys.
  mutating func attention(
    _ path: String, packed: Feature, heads: Int, tokens: Int, groups: [Int] = [], cosine: Bool = false,
    scores: (inout BlueprintBuilder, Feature) -> Feature = { $1 }
  ) -> Feature {
    let width = packed.channels / 3
    let head = width / heads
    // Axes of [N, groups..., T, 3, heads, head] after the batch and the groups.
    let first = 1 + groups.count
    let leading = Array(0..<first)
    let split = reshape(
      "\(path).split", packed, [0] + groups + [tokens, 3, heads, head], channels: head)
    let ordered = transpose("\(path).order", split, [first + 1] + leading + [first + 2, first, first + 3])
    var query = take("\(path).query", ordered, index: 0, axis: 0)
    var key = take("\(path).key", ordered, index: 1, axis: 0)
    let value = take("\(path).value", ordered, index: 2, axis: 0)
    if cosine {
      query = unitLength("\(path).query_norm", query, axis: first + 2)
      key = unitLength("\(path).key_norm", key, axis: first + 2)
    } else {
      query = scale("\(path).query_scaled", query, by: number(1 / Float(head).squareRoot()))
    }
    let keys = transpose("\(path).key_transposed", key, leading + [first, first + 2, first + 1])
    var weights = matrixProduct("\(path).scores", query, Feature(name: keys.name, channels: tokens))
    weights = scores(&self, weights)
    weights = softmax("\(path).softmax", weights)
    let mixed = matrixProduct("\(path).mix", weights, value)
    let merged = transpose("\(path).merge", mixed, leading + [first + 1, first, first + 2])
    return reshape("\(path).join", merged, [0] + groups + [tokens, width], channels: width)
  }

  /// x / max(|x|, 1e-12) along `axis`, PyTorch's `normalize`.
  private mutating func unitLength(_ path: String, _ input: Feature, axis: Int) -> Feature {
    let norm = emit(
      "ReduceL2", "\(path).length", [input.name], channels: 1,
      ["axes": .ints([axis]), "keepdims": .int(1 as Int)])
    let bounded = emit("Max", "\(path).bounded", [norm.name, number(1e-12)], channels: 1)
    return emit("Div", path, [input.name, bounded.name], channels: input.channels)
  }

  // MARK: Constants

  /// A scalar constant; equal ones are stored once.
  mutating func number(_ value: Float) -> String {
    let name = "constant.\(value)"
    blueprint.constants[name] = .floats([value], [])
    return name
  }

  /// A vector of integers; equal ones are stored once.
  mutating func integers(_ values: [Int]) -> String {
    let name = "constant." + values.map(String.init).joined(separator: "_")
    blueprint.constants[name] = .int64s(values)
    return name
  }

  /// A constant that is large or costly: computed when the graph is assembled, not for recognition.
  mutating func table(_ name: String, _ make: @escaping @Sendable () -> Tensor) -> String {
    blueprint.tables[name] = make
    return name
  }
}
