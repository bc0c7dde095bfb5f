/// EfficientNet-Lite 0 to 4 with the names of the `efficientnet-lite-pytorch` package.
///
/// MBConv blocks without squeeze-and-excitation, ReLU6, batch normalisation with epsilon 1e-3; stem, head, first
/// and last stage are not scaled in depth, stem and head not in width. Padding is TensorFlow's `SAME`, fixed for
/// the image size the network is built for: the odd pixel goes to the bottom and the right.
enum EfficientNetLite: ArchitectureFamily {
  static let name = "EfficientNet-Lite"
  static let anchors = ["_conv_stem.weight", "_blocks.0._depthwise_conv.weight"]
  static let foreign: [String] = []
  private static let epsilon: Float = 1e-3

  /// One stage at width and depth 1 (`r2_k3_s22_e6_i16_o24` of the reference).
  private struct Stage {
    let repeats: Int
    let kernel: Int
    let stride: Int
    let expansion: Int
    let filters: Int
  }

  private static let stages = [
    Stage(repeats: 1, kernel: 3, stride: 1, expansion: 1, filters: 16),
    Stage(repeats: 2, kernel: 3, stride: 2, expansion: 6, filters: 24),
    Stage(repeats: 2, kernel: 5, stride: 2, expansion: 6, filters: 40),
    Stage(repeats: 3, kernel: 3, stride: 2, expansion: 6, filters: 80),
    Stage(repeats: 3, kernel: 5, stride: 1, expansion: 6, filters: 112),
    Stage(repeats: 4, kernel: 5, stride: 2, expansion: 6, filters: 192),
    Stage(repeats: 1, kernel: 3, stride: 1, expansion: 6, filters: 320),
  ]

  static func depths(of tensors: NamedTensors) -> [Int] { blockCounts(in: tensors, groups: ["_blocks."]) }

  static var variants: [ArchitectureVariant] {
    // Width and depth in tenths, so that rounding is exact.
    [(10, 10, 224), (10, 11, 240), (11, 12, 260), (12, 14, 280), (14, 18, 300)].enumerated().map {
      variant(number: $0.offset, width: $0.element.0, depth: $0.element.1, size: $0.element.2)
    }
  }

  private static func variant(number: Int, width: Int, depth: Int, size: Int) -> ArchitectureVariant {
    let blocks = repeats(depth: depth).reduce(0, +)
    return ArchitectureVariant(
      family: name, name: "EfficientNet-Lite\(number)", year: 2020,
      citation: "Liu: Higher accuracy on vision models with EfficientNet-Lite, TensorFlow blog, March 2020; "
        + "Tan, Le: EfficientNet, arXiv:1905.11946 (2019)",
      summary: "EfficientNet made for phones and integer arithmetic: ReLU6 and no squeeze-and-excitation.",
      preprocessing: .tensorFlow(size: size), imageSize: size, depths: [blocks],
      structure: "names of efficientnet-lite-pytorch, \(blocks) MBConv blocks, width x\(decimal(width)), "
        + "depth x\(decimal(depth)), no squeeze-and-excitation",
      assumptions: [
        "ReLU6 activations and batch-normalisation epsilon 1e-3 as in the package",
        "static SAME padding for the image size the graph is built for",
      ],
      classifier: "_fc",
      blueprint: { classes, size in
        blueprint(width: width, depth: depth, classCount: classes, imageSize: size)
      })
  }

  private static func decimal(_ tenths: Int) -> String { "\(tenths / 10).\(tenths % 10)" }

  /// Channels scaled and rounded to a multiple of 8, never down by more than 10% (`round_filters`).
  private static func scaled(_ filters: Int, width: Int) -> Int {
    // All numbers times ten: filters * width is exact.
    let exact = filters * width
    var rounded = max(8, (exact + 40) / 80 * 8)
    if rounded * 100 < exact * 9 { rounded += 8 }
    return rounded
  }

  /// Blocks per stage (`round_repeats`); the first and the last stage are not scaled.
  private static func repeats(depth: Int) -> [Int] {
    stages.enumerated().map { index, stage in
      index == 0 || index == stages.count - 1 ? stage.repeats : (stage.repeats * depth + 9) / 10
    }
  }

  private static func blueprint(width: Int, depth: Int, classCount: Int, imageSize: Int) -> Blueprint {
    var builder = BlueprintBuilder(inputSize: [3, imageSize, imageSize], classCount: classCount)
    // The model, its list of blocks, average pooling, dropout and the activation.
    builder.countModules(5)
    var size = imageSize
    var feature = convolution(
      &builder, "_conv_stem", builder.input, filters: 32, kernel: 3, stride: 2, size: &size)
    feature = builder.batchNormalization("_bn0", feature, epsilon: epsilon)
    feature = builder.relu6("_swish", feature)
    var index = 0
    for (stage, repeats) in zip(stages, repeats(depth: depth)) {
      let filters = scaled(stage.filters, width: width)
      for position in 0..<repeats {
        feature = block(
          &builder, "_blocks.\(index)", feature, stage, filters: filters,
          stride: position == 0 ? stage.stride : 1,
          isRepeat: position > 0, size: &size)
        index += 1
      }
    }
    feature = convolution(&builder, "_conv_head", feature, filters: 1280, kernel: 1, size: &size)
    feature = builder.batchNormalization("_bn1", feature, epsilon: epsilon)
    feature = builder.relu6("_swish", feature)
    feature = builder.globalAveragePool("_avg_pooling", feature)
    builder.classifier("_fc", feature)
    return builder.blueprint
  }

  private static func block(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ stage: Stage, filters: Int,
    stride: Int,
    isRepeat: Bool, size: inout Int
  ) -> Feature {
    // The block and its activation.
    builder.countModules(2)
    var feature = input
    if stage.expansion > 1 {
      feature = convolution(
        &builder, "\(path)._expand_conv", feature, filters: input.channels * stage.expansion, kernel: 1,
        size: &size)
      feature = builder.batchNormalization("\(path)._bn0", feature, epsilon: epsilon)
      feature = builder.relu6("\(path)._swish", feature)
    }
    feature = convolution(
      &builder, "\(path)._depthwise_conv", feature, filters: feature.channels, kernel: stage.kernel,
      stride: stride,
      groups: feature.channels, size: &size)
    feature = builder.batchNormalization("\(path)._bn1", feature, epsilon: epsilon)
    feature = builder.relu6("\(path)._swish", feature)
    feature = convolution(
      &builder, "\(path)._project_conv", feature, filters: filters, kernel: 1, size: &size)
    feature = builder.batchNormalization("\(path)._bn2", feature, epsilon: epsilon)
    // The package compares the stride with 1, and the first block of a stage holds it as a list: only
    // repeated blocks are residual.
    return isRepeat && input.channels == filters ? builder.add("\(path).add", feature, input) : feature
  }

  /// A convolution with `SAME` padding for `size`, which becomes the output's size.
  private static func convolution(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, filters: Int, kernel: Int,
    stride: Int = 1,
    groups: Int = 1, size: inout Int
  ) -> Feature {
    let output = (size + stride - 1) / stride
    let total = max((output - 1) * stride + kernel - size, 0)
    size = output
    // Its padding is a module of its own (ZeroPad2d or Identity).
    builder.countModules(1)
    return builder.convolution(
      path, input, filters: filters, kernel: kernel, stride: stride,
      pads: [total / 2, total / 2, total - total / 2, total - total / 2], groups: groups)
  }
}
