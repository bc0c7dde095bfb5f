import OrderedCollections
import ScopeGraph

/// Modules of convolutional networks beyond convolution and batch normalisation.
extension BlueprintBuilder {
  // MARK: Modules with parameters

  /// A fully connected layer, [N, C] to [N, width].
  mutating func linear(_ path: String, _ input: Feature, width: Int, bias: Bool = true) -> Feature {
    expect("\(path).weight", [width, input.channels], .parameter)
    if bias { expect("\(path).bias", [width], .parameter) }
    countLayer(isWeightLayer: true)
    return emit(
      "Gemm", path, [input.name, "\(path).weight"] + (bias ? ["\(path).bias"] : []), channels: width,
      ["alpha": .float(1), "beta": .float(1), "transB": .int(1 as Int)])
  }

  /// Squeeze and excitation (arXiv:1709.01507): the channels are scaled by gates computed from their means.
  ///
  /// Counts its two convolutions, not its other modules.
  ///
  /// - Parameters:
  ///   - reduce, expand: Names of the two 1x1 convolutions inside `path`.
  ///   - squeezed: Channels between them.
  ///   - activation: Applied after `reduce`; path and value.
  ///   - gate: Applied after `expand`; path and value.
  mutating func squeezeExcitation(
    _ path: String, _ input: Feature, squeezed: Int, reduce: String = "fc1", expand: String = "fc2",
    activation: (inout BlueprintBuilder, String, Feature) -> Feature = { $0.relu($1, $2) },
    gate: (inout BlueprintBuilder, String, Feature) -> Feature = { $0.sigmoid($1, $2) }
  ) -> Feature {
    var feature = emit("GlobalAveragePool", "\(path).avgpool", [input.name], channels: input.channels)
    feature = convolution("\(path).\(reduce)", feature, filters: squeezed, kernel: 1, bias: true)
    feature = activation(&self, "\(path).activation", feature)
    feature = convolution("\(path).\(expand)", feature, filters: input.channels, kernel: 1, bias: true)
    feature = gate(&self, "\(path).gate", feature)
    return multiply("\(path).scale", input, feature)
  }

  /// Modules that a state dict holds but inference does not use (auxiliary classifiers): their tensors and
  /// modules are counted, their nodes left out.
  mutating func trainingOnly(_ modules: (inout BlueprintBuilder) -> Void) {
    let count = blueprint.nodes.count
    modules(&self)
    blueprint.nodes.removeLast(blueprint.nodes.count - count)
  }

  /// Makes `feature`, the output of the last node, the model's output.
  mutating func finish(_ feature: Feature) {
    guard let last = blueprint.nodes.indices.last, blueprint.nodes[last].outputs == [feature.name] else {
      blueprint.nodes.append(
        Node("Identity", name: uniqueName("output"), inputs: [feature.name], outputs: [Self.outputName]))
      return
    }
    blueprint.nodes[last].outputs = [Self.outputName]
  }

  // MARK: Activations (count their modules with ``countModules(_:)``)

  mutating func sigmoid(_ path: String, _ input: Feature) -> Feature {
    emit("Sigmoid", path, [input.name], channels: input.channels)
  }

  /// min(max(x / 6 + 1/2, 0), 1), PyTorch's `Hardsigmoid`.
  mutating func hardsigmoid(_ path: String, _ input: Feature) -> Feature {
    emit(
      "HardSigmoid", path, [input.name], channels: input.channels,
      ["alpha": .float(1 / 6), "beta": .float(0.5)])
  }

  /// x hardsigmoid(x) (arXiv:1905.02244, section 5.2).
  mutating func hardswish(_ path: String, _ input: Feature) -> Feature {
    emit("HardSwish", path, [input.name], channels: input.channels)
  }

  /// x sigmoid(x), also called swish.
  mutating func silu(_ path: String, _ input: Feature) -> Feature {
    let gate = sigmoid("\(path).sigmoid", input)
    return multiply(path, input, gate)
  }

  /// Elementwise product; `right` may be one number per channel, [N, C, 1, 1].
  mutating func multiply(_ path: String, _ left: Feature, _ right: Feature) -> Feature {
    emit("Mul", path, [left.name, right.name], channels: left.channels)
  }

  // MARK: Pooling

  /// - Parameters:
  ///   - ceilMode: A last window that is only partly inside the input counts, too.
  ///   - countsPadding: Padding counts as zeros in the mean, as PyTorch's `count_include_pad` does by default.
  mutating func averagePool(
    _ path: String, _ input: Feature, kernel: Int, stride: Int, padding: Int = 0, ceilMode: Bool = false,
    countsPadding: Bool = true
  ) -> Feature {
    emit(
      "AveragePool", path, [input.name], channels: input.channels,
      [
        "ceil_mode": .int(ceilMode ? 1 : 0), "count_include_pad": .int(countsPadding ? 1 : 0),
        "kernel_shape": .ints([kernel, kernel]), "pads": .ints([Int](repeating: padding, count: 4)),
        "strides": .ints([stride, stride]),
      ])
  }

  /// PyTorch's `AdaptiveAvgPool2d` of a square of `size` pixels to a square of `target`: bin i is the mean of
  /// the rows floor(i size / target) to ceil((i + 1) size / target).
  ///
  /// Nothing where the sizes agree, an average pooling where `target` divides `size`, else two products with
  /// the matrix of the bins.
  mutating func adaptiveAveragePool(_ path: String, _ input: Feature, size: Int, target: Int) -> Feature {
    if size == target { return input }
    if size % target == 0 {
      return averagePool(path, input, kernel: size / target, stride: size / target)
    }
    // [target, size], row i averages the inputs of bin i.
    var bins = [Float](repeating: 0, count: target * size)
    var transposed = bins
    for bin in 0..<target {
      let first = bin * size / target
      let end = ((bin + 1) * size + target - 1) / target
      for position in first..<end {
        bins[bin * size + position] = 1 / Float(end - first)
        transposed[position * target + bin] = 1 / Float(end - first)
      }
    }
    blueprint.constants["\(path).rows"] = .floats(bins, [target, size])
    blueprint.constants["\(path).columns"] = .floats(transposed, [size, target])
    let rows = emit("MatMul", "\(path).rows", ["\(path).rows", input.name], channels: input.channels)
    return emit("MatMul", path, [rows.name, "\(path).columns"], channels: input.channels)
  }

  /// [N, C, H, W] to [N, C H W]; `positions` is H W.
  mutating func flatten(_ path: String, _ input: Feature, positions: Int) -> Feature {
    emit("Flatten", path, [input.name], channels: input.channels * positions, ["axis": .int(1 as Int)])
  }

  // MARK: Channels

  /// The channels of all inputs, one after the other.
  mutating func concatenate(_ path: String, _ inputs: [Feature]) -> Feature {
    emit(
      "Concat", path, inputs.map(\.name), channels: inputs.reduce(0) { $0 + $1.channels },
      ["axis": .int(1 as Int)])
  }

  /// The first and the second half of the channels, whose number is even.
  mutating func halves(_ path: String, _ input: Feature) -> (Feature, Feature) {
    let name = uniqueName(path)
    let outputs = ["\(name).output_0", "\(name).output_1"]
    blueprint.nodes.append(
      Node("Split", name: name, inputs: [input.name], outputs: outputs, attributes: ["axis": .int(1 as Int)]))
    return (
      Feature(name: outputs[0], channels: input.channels / 2),
      Feature(name: outputs[1], channels: input.channels / 2)
    )
  }

  /// Channel i of group g moves to position i `groups` + g (arXiv:1707.01083, section 3.1); `size` is the side
  /// of the square feature map.
  mutating func channelShuffle(_ path: String, _ input: Feature, groups: Int, size: Int) -> Feature {
    let channels = input.channels
    // 0 keeps the batch.
    let split = "\(path).split_\(channels)"
    let joined = "\(path).join_\(channels)"
    blueprint.constants[split] = .int64s([0, groups, channels / groups, size * size])
    blueprint.constants[joined] = .int64s([0, channels, size, size])
    var feature = emit("Reshape", "\(path).split", [input.name, split], channels: channels)
    feature = emit(
      "Transpose", "\(path).transpose", [feature.name], channels: channels, ["perm": .ints([0, 2, 1, 3])])
    return emit("Reshape", "\(path).join", [feature.name, joined], channels: channels)
  }
}
