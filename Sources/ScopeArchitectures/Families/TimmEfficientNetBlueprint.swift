import ScopeGraph

/// Writes an EfficientNet with timm's names.
struct TimmEfficientNetBlueprint {
  private var builder: BlueprintBuilder
  /// TensorFlow's padding for this image size: the odd pixel goes to the bottom and the right.
  private let same: Bool
  private let epsilon: Float
  /// Side of the square feature map.
  private var size: Int

  var blueprint: Blueprint { builder.blueprint }

  init(_ configuration: EfficientNetConfiguration, same: Bool, classCount: Int, imageSize: Int) {
    builder = BlueprintBuilder(inputSize: [3, imageSize, imageSize], classCount: classCount)
    self.same = same
    epsilon = same ? 1e-3 : 1e-5
    size = imageSize
    // The model, blocks, and global_pool with 2 inside.
    builder.countModules(5)
    var feature = convolution("conv_stem", builder.input, filters: configuration.stem, kernel: 3, stride: 2)
    feature = normalization("bn1", feature)
    for (index, stage) in configuration.stages.enumerated() {
      builder.countModules(1)
      for position in 0..<stage.repeats {
        feature = block(
          "blocks.\(index).\(position)", feature, stage,
          stride: position == 0 ? EfficientNetConfiguration.strides[index] : 1)
      }
    }
    feature = convolution("conv_head", feature, filters: configuration.head, kernel: 1)
    feature = normalization("bn2", feature)
    feature = builder.globalAveragePool("global_pool", feature)
    builder.classifier("classifier", feature)
  }

  private mutating func block(
    _ path: String, _ input: Feature, _ stage: EfficientNetConfiguration.Stage, stride: Int
  ) -> Feature {
    let hidden = input.channels * stage.expansion
    var feature = input
    switch stage.kind {
    case .plain:
      // The block, aa and drop_path.
      builder.countModules(3)
      feature = convolution(
        "\(path).conv", feature, filters: stage.filters, kernel: stage.kernel, stride: stride)
      feature = normalization("\(path).bn1", feature)
    case .fused:
      // The block, aa, se (an identity) and drop_path.
      builder.countModules(4)
      feature = convolution(
        "\(path).conv_exp", feature, filters: hidden, kernel: stage.kernel, stride: stride)
      feature = normalization("\(path).bn1", feature)
      feature = convolution("\(path).conv_pwl", feature, filters: stage.filters, kernel: 1)
      feature = normalization("\(path).bn2", feature, activates: false)
    case .separable, .inverted:
      // The block, aa, se with activation and gate, and drop_path.
      builder.countModules(6)
      let expands = stage.kind == .inverted
      if expands {
        feature = convolution("\(path).conv_pw", feature, filters: hidden, kernel: 1)
        feature = normalization("\(path).bn1", feature)
      }
      feature = convolution(
        "\(path).conv_dw", feature, filters: hidden, kernel: stage.kernel, stride: stride, groups: hidden)
      feature = normalization("\(path).\(expands ? "bn2" : "bn1")", feature)
      feature = builder.squeezeExcitation(
        "\(path).se", feature, squeezed: max(1, input.channels / 4), reduce: "conv_reduce",
        expand: "conv_expand", activation: { $0.silu($1, $2) })
      feature = convolution(
        "\(path).\(expands ? "conv_pwl" : "conv_pw")", feature, filters: stage.filters, kernel: 1)
      feature = normalization("\(path).\(expands ? "bn3" : "bn2")", feature, activates: false)
    }
    guard stride == 1, input.channels == stage.filters else { return feature }
    return builder.add("\(path).add", feature, input)
  }

  /// Batch normalisation with an activation (`BatchNormAct2d`: drop and act inside).
  private mutating func normalization(_ path: String, _ input: Feature, activates: Bool = true) -> Feature {
    builder.countModules(2)
    let feature = builder.batchNormalization(path, input, epsilon: epsilon)
    return activates ? builder.silu("\(path).act", feature) : feature
  }

  private mutating func convolution(
    _ path: String, _ input: Feature, filters: Int, kernel: Int, stride: Int = 1, groups: Int = 1
  ) -> Feature {
    let output = (size + stride - 1) / stride
    let total = max((output - 1) * stride + kernel - size, 0)
    size = output
    return builder.convolution(
      path, input, filters: filters, kernel: kernel, stride: stride,
      pads: same ? [total / 2, total / 2, total - total / 2, total - total / 2] : nil, groups: groups)
  }
}
