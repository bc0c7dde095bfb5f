import ScopeGraph

/// torchvision's MobileNetV2 (`models/mobilenetv2.py`): inverted residuals with linear bottlenecks and ReLU6.
///
/// Channels are read from the file, so that every width multiplier is recognised; the strides, which no tensor
/// shows, are those of the published stages.
enum MobileNetV2: ArchitectureFamily {
  static let name = "MobileNetV2"
  static let anchors = ["features.1.conv.0.0.weight", "features.2.conv.1.0.weight"]
  static let foreign: [String] = []
  private static let epsilon: Float = 1e-5

  /// Table 2: expansion, output channels, repetitions, stride of the first.
  private static let stages = [
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
  ]
  /// Multipliers in percent with published weights.
  private static let usualWidths = [100, 75, 50, 35, 130, 140, 25]

  private struct Configuration: Sendable, Equatable {
    var inputChannels = 3
    var stem: Int
    /// Channels inside and after each block.
    var blocks: [[Int]]
    var head: Int
  }

  private static func scaled(percent: Int) -> Configuration {
    let stem = WidthMultiplier.scaled(32, percent: percent)
    var channels = stem
    var blocks: [[Int]] = []
    for (expansion, filters, repeats, _) in stages {
      for _ in 0..<repeats {
        let output = WidthMultiplier.scaled(filters, percent: percent)
        blocks.append([channels * expansion, output])
        channels = output
      }
    }
    return Configuration(
      stem: stem, blocks: blocks, head: WidthMultiplier.scaled(1280, percent: max(100, percent)))
  }

  static var variants: [ArchitectureVariant] {
    [100, 75, 50, 35, 130, 140].map { variant(scaled(percent: $0)) }
  }

  static func depths(of tensors: NamedTensors) -> [Int] {
    [tensors.numbers(prefix: "features.", suffix: ".conv.0.0.weight").count]
  }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    (configuration(of: tensors).map { [variant($0)] } ?? []) + [variant(scaled(percent: 100))]
  }

  private static var blockCount: Int { stages.reduce(0) { $0 + $1.2 } }

  private static func configuration(of tensors: NamedTensors) -> Configuration? {
    guard let stem = tensors.kernel("features.0.0"), let head = tensors.kernel("features.\(blockCount + 1).0")
    else {
      return nil
    }
    var blocks: [[Int]] = []
    for number in 1...blockCount {
      let path = "features.\(number).conv"
      let projection = number == 1 ? "\(path).1" : "\(path).2"
      guard let first = tensors.kernel("\(path).0.0"), let last = tensors.kernel(projection) else {
        return nil
      }
      blocks.append([first[0], last[0]])
    }
    return Configuration(inputChannels: stem[1], stem: stem[0], blocks: blocks, head: head[0])
  }

  private static func variant(_ configuration: Configuration) -> ArchitectureVariant {
    let percent = WidthMultiplier.percent(
      [32] + stages.flatMap { [Int](repeating: $0.1, count: $0.2) },
      found: [configuration.stem] + configuration.blocks.map { $0[1] }, usual: usualWidths
    ) { percent in
      var regular = scaled(percent: percent)
      regular.inputChannels = configuration.inputChannels
      return regular == configuration
    }
    let width =
      percent == 100 ? "" : percent.map { " (width \(WidthMultiplier.text($0)))" } ?? " (own widths)"
    return ArchitectureVariant(
      family: name, name: "MobileNetV2\(width)", year: 2018,
      citation:
        "Sandler, Howard, Zhu, Zhmoginov, Chen: MobileNetV2: Inverted Residuals and Linear Bottlenecks, "
        + "arXiv:1801.04381",
      summary:
        "Inverted residuals with depthwise convolutions; the template of most networks for phones since.",
      preprocessing: .imageNet, imageSize: 224, depths: [blockCount],
      structure: "torchvision names, \(blockCount) inverted residuals, stem of \(configuration.stem) filters",
      assumptions: [
        "ReLU6 activations, batch-normalisation epsilon 1e-5 and strides as in torchvision",
        "torchvision's IMAGENET1K_V2 weights resize to 232 instead of 256",
      ],
      classifier: "classifier.1", imageSizes: ImageSizes(range: 32...8192),
      blueprint: { classes, size in blueprint(configuration, classCount: classes, imageSize: size) })
  }

  private static func blueprint(_ configuration: Configuration, classCount: Int, imageSize: Int) -> Blueprint
  {
    var builder = BlueprintBuilder(
      inputSize: [configuration.inputChannels, imageSize, imageSize], classCount: classCount)
    // The model, features, classifier and dropout.
    builder.countModules(4)
    var feature = convolution(
      &builder, "features.0", builder.input, filters: configuration.stem, kernel: 3, stride: 2)
    let strides = stages.flatMap { stage in (0..<stage.2).map { $0 == 0 ? stage.3 : 1 } }
    for (index, (widths, stride)) in zip(configuration.blocks, strides).enumerated() {
      feature = block(
        &builder, "features.\(index + 1)", feature, widths, stride: stride, expands: index > 0)
    }
    feature = convolution(
      &builder, "features.\(strides.count + 1)", feature, filters: configuration.head, kernel: 1)
    feature = builder.globalAveragePool("avgpool", feature)
    builder.classifier("classifier.1", feature)
    return builder.blueprint
  }

  /// `Conv2dNormActivation`: a container of convolution, batch normalisation and ReLU6.
  private static func convolution(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, filters: Int, kernel: Int,
    stride: Int = 1, groups: Int = 1
  ) -> Feature {
    builder.countModules(2)
    var feature = builder.convolution(
      "\(path).0", input, filters: filters, kernel: kernel, stride: stride, groups: groups)
    feature = builder.batchNormalization("\(path).1", feature, epsilon: epsilon)
    return builder.relu6("\(path).2", feature)
  }

  private static func block(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ widths: [Int], stride: Int,
    expands: Bool
  ) -> Feature {
    // The block and its container.
    builder.countModules(2)
    var feature = input
    var number = 0
    if expands {
      feature = convolution(&builder, "\(path).conv.0", feature, filters: widths[0], kernel: 1)
      number = 1
    }
    feature = convolution(
      &builder, "\(path).conv.\(number)", feature, filters: feature.channels, kernel: 3, stride: stride,
      groups: feature.channels)
    feature = builder.convolution("\(path).conv.\(number + 1)", feature, filters: widths[1], kernel: 1)
    feature = builder.batchNormalization("\(path).conv.\(number + 2)", feature, epsilon: epsilon)
    return stride == 1 && input.channels == widths[1] ? builder.add("\(path).add", input, feature) : feature
  }
}
