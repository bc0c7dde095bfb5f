import OrderedCollections
import ScopeBytes
import ScopeGraph

/// A tensor that a state dict of an architecture holds.
struct ExpectedTensor: Sendable {
  enum Role: Sendable {
    /// Changed by training.
    case parameter
    /// A statistic that inference needs.
    case statistic
    /// `num_batches_tracked`: absent from checkpoints saved before PyTorch 0.4.1, not used by inference.
    case counter
    /// An index or coordinate table that the framework computes from the architecture alone; some versions leave
    /// it out, and the built graph has its own.
    case table
    /// A table that only older versions of the library saved; any shape will do.
    case formerTable

    /// Whether the built graph reads the tensor.
    var isRead: Bool { self == .parameter || self == .statistic }
  }

  let name: String
  let dimensions: [Int]
  let role: Role
}

/// An architecture written out: the tensors its state dict holds and the nodes that use them. Both come from
/// one description, so that they cannot contradict each other.
struct Blueprint: Sendable {
  var expected: [ExpectedTensor] = []
  var nodes: [Node] = []
  /// Constants that belong to the architecture, not to the checkpoint (clip limits, paddings).
  var constants: OrderedDictionary<String, Tensor> = [:]
  /// Constants that are computed only when the graph is assembled (masks, index tables).
  var tables: OrderedDictionary<String, @Sendable () -> Tensor> = [:]
  var counts = ModuleCounts()
  /// [channels, height, width].
  var inputSize: [Int]
  var classCount: Int
}

/// A value on its way through the network.
struct Feature {
  let name: String
  let channels: Int
}

/// Writes a ``Blueprint`` module by module. Node names are module paths (`layer1.0.conv1`), parameter names
/// the module path and PyTorch's parameter name (`layer1.0.conv1.weight`).
struct BlueprintBuilder {
  static let inputName = "input"
  static let outputName = "logits"

  var blueprint: Blueprint
  private var names: Set<String> = []

  init(inputSize: [Int], classCount: Int) {
    blueprint = Blueprint(inputSize: inputSize, classCount: classCount)
  }

  var input: Feature { Feature(name: Self.inputName, channels: blueprint.inputSize[0]) }

  /// Counts modules that own no parameters: containers, activations, pooling, dropout.
  mutating func countModules(_ count: Int) { blueprint.counts.modules += count }

  // MARK: Modules with parameters

  /// A convolution. `pads` in ONNX order: top, left, bottom, right.
  mutating func convolution(
    _ path: String, _ input: Feature, filters: Int, kernel: Int, stride: Int = 1, pads: [Int]? = nil,
    groups: Int = 1, bias: Bool = false, dilation: Int = 1
  ) -> Feature {
    convolution(
      path, input, filters: filters, kernel: (kernel, kernel), stride: stride,
      pads: pads ?? [Int](repeating: dilation * (kernel - 1) / 2, count: 4), groups: groups, bias: bias,
      dilation: dilation)
  }

  /// A convolution with a kernel of (height, width).
  mutating func convolution(
    _ path: String, _ input: Feature, filters: Int, kernel: (Int, Int), stride: Int = 1, pads: [Int],
    groups: Int = 1, bias: Bool = false, dilation: Int = 1
  ) -> Feature {
    expect("\(path).weight", [filters, input.channels / groups, kernel.0, kernel.1], .parameter)
    if bias { expect("\(path).bias", [filters], .parameter) }
    countLayer(isWeightLayer: true)
    return emit(
      "Conv", path, [input.name, "\(path).weight"] + (bias ? ["\(path).bias"] : []), channels: filters,
      [
        "dilations": .ints([dilation, dilation]), "group": .int(groups),
        "kernel_shape": .ints([kernel.0, kernel.1]),
        "pads": .ints(pads), "strides": .ints([stride, stride]),
      ])
  }

  mutating func batchNormalization(_ path: String, _ input: Feature, epsilon: Float) -> Feature {
    expect("\(path).weight", [input.channels], .parameter)
    expect("\(path).bias", [input.channels], .parameter)
    expect("\(path).running_mean", [input.channels], .statistic)
    expect("\(path).running_var", [input.channels], .statistic)
    expect("\(path).num_batches_tracked", [], .counter)
    countLayer(isWeightLayer: false)
    let inputs = [input.name] + ["weight", "bias", "running_mean", "running_var"].map { "\(path).\($0)" }
    return emit("BatchNormalization", path, inputs, channels: input.channels, ["epsilon": .float(epsilon)])
  }

  /// The classifier; its output is the model's.
  mutating func classifier(_ path: String, _ input: Feature) {
    let classes = blueprint.classCount
    expect("\(path).weight", [classes, input.channels], .parameter)
    expect("\(path).bias", [classes], .parameter)
    countLayer(isWeightLayer: true)
    blueprint.nodes.append(
      Node(
        "Gemm", name: path, inputs: [input.name, "\(path).weight", "\(path).bias"],
        outputs: [Self.outputName],
        attributes: ["alpha": .float(1), "beta": .float(1), "transB": .int(1 as Int)]))
  }

  // MARK: Operations without parameters (count their modules with ``countModules(_:)``)

  mutating func relu(_ path: String, _ input: Feature) -> Feature {
    emit("Relu", path, [input.name], channels: input.channels)
  }

  /// min(max(x, 0), 6).
  mutating func relu6(_ path: String, _ input: Feature) -> Feature {
    blueprint.constants["relu6.minimum"] = .floats([0], [])
    blueprint.constants["relu6.maximum"] = .floats([6], [])
    return emit("Clip", path, [input.name, "relu6.minimum", "relu6.maximum"], channels: input.channels)
  }

  mutating func add(_ path: String, _ left: Feature, _ right: Feature) -> Feature {
    emit("Add", path, [left.name, right.name], channels: left.channels)
  }

  /// - Parameter ceilMode: A last window that is only partly inside the input counts, too.
  mutating func maxPool(
    _ path: String, _ input: Feature, kernel: Int, stride: Int, padding: Int, ceilMode: Bool = false
  ) -> Feature {
    emit(
      "MaxPool", path, [input.name], channels: input.channels,
      [
        "ceil_mode": .int(ceilMode ? 1 : 0), "kernel_shape": .ints([kernel, kernel]),
        "pads": .ints([Int](repeating: padding, count: 4)), "strides": .ints([stride, stride]),
      ])
  }

  /// Mean over all positions, [N, C, H, W] to [N, C].
  mutating func globalAveragePool(_ path: String, _ input: Feature) -> Feature {
    let pooled = emit("GlobalAveragePool", path, [input.name], channels: input.channels)
    return emit("Flatten", "flatten", [pooled.name], channels: input.channels, ["axis": .int(1 as Int)])
  }

  /// Every `step`-th row and column, then zero channels before and after up to `channels`.
  mutating func subsampleAndPadChannels(_ path: String, _ input: Feature, step: Int, to channels: Int)
    -> Feature
  {
    var feature = input
    if step > 1 {
      blueprint.constants["subsample.starts"] = .int64s([0, 0])
      blueprint.constants["subsample.ends"] = .int64s([Int(Int64.max), Int(Int64.max)])
      blueprint.constants["subsample.axes"] = .int64s([2, 3])
      blueprint.constants["subsample.steps\(step)"] = .int64s([step, step])
      feature = emit(
        "Slice", "\(path).slice",
        [feature.name, "subsample.starts", "subsample.ends", "subsample.axes", "subsample.steps\(step)"],
        channels: input.channels)
    }
    let missing = channels - input.channels
    guard missing > 0 else { return feature }
    let before = missing / 2
    let pads = "\(path).pads"
    blueprint.constants[pads] = .int64s([0, before, 0, 0, 0, missing - before, 0, 0])
    return emit("Pad", "\(path).pad", [feature.name, pads], channels: channels, ["mode": .text("constant")])
  }

  // MARK: Parts

  /// A tensor of the state dict that no other function here declares.
  mutating func expect(_ name: String, _ dimensions: [Int], _ role: ExpectedTensor.Role) {
    blueprint.expected.append(ExpectedTensor(name: name, dimensions: dimensions, role: role))
    let elements = dimensions.reduce(1, *)
    switch role {
    case .parameter: blueprint.counts.trainableParameters += elements
    case .statistic, .counter, .table, .formerTable:
      blueprint.counts.bufferTensors += 1
      blueprint.counts.bufferElements += elements
    }
  }

  mutating func countLayer(isWeightLayer: Bool) {
    blueprint.counts.modules += 1
    blueprint.counts.parameterisedModules += 1
    if isWeightLayer { blueprint.counts.weightLayers += 1 }
  }

  /// Appends a node; a module that is called twice gives `name` and `name_1`.
  mutating func emit(
    _ opType: String, _ path: String, _ inputs: [String], channels: Int,
    _ attributes: OrderedDictionary<String, AttributeValue> = [:]
  ) -> Feature {
    let name = uniqueName(path)
    let output = "\(name).output"
    blueprint.nodes.append(
      Node(opType, name: name, inputs: inputs, outputs: [output], attributes: attributes))
    return Feature(name: output, channels: channels)
  }
  /// `path`, or the first of `path_1`, `path_2` ... that no node has.
  mutating func uniqueName(_ path: String) -> String {
    var name = path
    var number = 1
    while !names.insert(name).inserted {
      name = "\(path)_\(number)"
      number += 1
    }
    return name
  }
}
