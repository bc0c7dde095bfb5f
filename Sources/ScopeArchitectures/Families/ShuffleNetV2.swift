import ScopeGraph

/// torchvision's ShuffleNetV2 (`models/shufflenetv2.py`): half of the channels pass a block unchanged, then the
/// channels of both halves are interleaved. Widths and depths are read from the file.
enum ShuffleNetV2: ArchitectureFamily {
  static let name = "ShuffleNetV2"
  static let anchors = ["stage2.0.branch1.0.weight", "stage4.0.branch2.0.weight"]
  static let foreign: [String] = []
  private static let epsilon: Float = 1e-5

  private struct Configuration: Sendable, Equatable {
    var inputChannels = 3
    var stem = 24
    var depths = [4, 8, 4]
    /// Channels after each stage.
    var widths: [Int]
    var head: Int
  }

  /// Table 5.
  private static let published = [
    ("x0.5", Configuration(widths: [48, 96, 192], head: 1024)),
    ("x1.0", Configuration(widths: [116, 232, 464], head: 1024)),
    ("x1.5", Configuration(widths: [176, 352, 704], head: 1024)),
    ("x2.0", Configuration(widths: [244, 488, 976], head: 2048)),
  ]

  static var variants: [ArchitectureVariant] { published.map { variant($0.1) } }

  static func depths(of tensors: NamedTensors) -> [Int] {
    blockCounts(in: tensors, groups: ["stage2.", "stage3.", "stage4."])
  }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    (configuration(of: tensors).map { [variant($0)] } ?? []) + variants
  }

  private static func configuration(of tensors: NamedTensors) -> Configuration? {
    let depths = depths(of: tensors)
    guard tensors.canHold(blocks: depths, tensorsPerBlock: 15), let stem = tensors.kernel("conv1.0"),
      let head = tensors.kernel("conv5.0")
    else {
      return nil
    }
    let branches = (2...4).compactMap { tensors.kernel("stage\($0).0.branch2.0")?[0] }
    guard branches.count == 3 else { return nil }
    return Configuration(
      inputChannels: stem[1], stem: stem[0], depths: depths, widths: branches.map { $0 * 2 }, head: head[0])
  }

  private static func variant(_ configuration: Configuration) -> ArchitectureVariant {
    var known = configuration
    known.inputChannels = 3
    let widths = configuration.widths.map(String.init).joined(separator: "-")
    let depths = configuration.depths.map(String.init).joined(separator: "-")
    return ArchitectureVariant(
      family: name, name: "ShuffleNetV2 \(published.first { $0.1 == known }?.0 ?? "(widths \(widths))")",
      year: 2018,
      citation:
        "Ma, Zhang, Zheng, Sun: ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design, "
        + "arXiv:1807.11164",
      summary:
        "Designed by measured speed instead of operation counts: equal widths, no groups, channel shuffles.",
      preprocessing: .imageNet, imageSize: 224, depths: configuration.depths,
      structure: "torchvision names, stages of \(depths) blocks and \(widths) channels",
      assumptions: [
        "ReLU activations and batch-normalisation epsilon 1e-5 as in torchvision",
        "torchvision's weights of x1.5 and x2.0 resize to 232 instead of 256",
      ],
      classifier: "fc", imageSizes: ImageSizes(range: 32...8192),
      blueprint: { classes, size in blueprint(configuration, classCount: classes, imageSize: size) })
  }

  private static func blueprint(_ configuration: Configuration, classCount: Int, imageSize: Int) -> Blueprint
  {
    var builder = BlueprintBuilder(
      inputSize: [configuration.inputChannels, imageSize, imageSize], classCount: classCount)
    // The model, conv1 and conv5 with a ReLU each, maxpool and three stages.
    builder.countModules(9)
    // A 3x3 kernel with stride 2 and one pixel of padding makes (n + 1) / 2 of n.
    var size = (imageSize + 1) / 2
    var feature = builder.convolution(
      "conv1.0", builder.input, filters: configuration.stem, kernel: 3, stride: 2)
    feature = builder.batchNormalization("conv1.1", feature, epsilon: epsilon)
    feature = builder.relu("conv1.2", feature)
    feature = builder.maxPool("maxpool", feature, kernel: 3, stride: 2, padding: 1)
    size = (size + 1) / 2
    for (stage, (depth, width)) in zip(configuration.depths, configuration.widths).enumerated() {
      size = (size + 1) / 2
      for block in 0..<depth {
        let path = "stage\(stage + 2).\(block)"
        // The block and the containers of its branches.
        builder.countModules(3)
        var halves: (Feature, Feature)
        if block == 0 {
          halves = (shortcut(&builder, "\(path).branch1", feature, width: width / 2), feature)
        } else {
          halves = builder.halves("\(path).chunk", feature)
        }
        halves.1 = branch(
          &builder, "\(path).branch2", halves.1, width: width / 2, stride: block == 0 ? 2 : 1)
        feature = builder.concatenate("\(path).cat", [halves.0, halves.1])
        feature = builder.channelShuffle("\(path).shuffle", feature, groups: 2, size: size)
      }
    }
    feature = builder.convolution("conv5.0", feature, filters: configuration.head, kernel: 1)
    feature = builder.batchNormalization("conv5.1", feature, epsilon: epsilon)
    feature = builder.relu("conv5.2", feature)
    feature = builder.globalAveragePool("mean", feature)
    builder.classifier("fc", feature)
    return builder.blueprint
  }

  /// The first half of a block that halves the size.
  private static func shortcut(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, width: Int
  ) -> Feature {
    builder.countModules(1)
    var feature = builder.convolution(
      "\(path).0", input, filters: input.channels, kernel: 3, stride: 2, groups: input.channels)
    feature = builder.batchNormalization("\(path).1", feature, epsilon: epsilon)
    feature = builder.convolution("\(path).2", feature, filters: width, kernel: 1)
    feature = builder.batchNormalization("\(path).3", feature, epsilon: epsilon)
    return builder.relu("\(path).4", feature)
  }

  private static func branch(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, width: Int, stride: Int
  ) -> Feature {
    builder.countModules(2)
    var feature = builder.convolution("\(path).0", input, filters: width, kernel: 1)
    feature = builder.batchNormalization("\(path).1", feature, epsilon: epsilon)
    feature = builder.relu("\(path).2", feature)
    feature = builder.convolution(
      "\(path).3", feature, filters: width, kernel: 3, stride: stride, groups: width)
    feature = builder.batchNormalization("\(path).4", feature, epsilon: epsilon)
    feature = builder.convolution("\(path).5", feature, filters: width, kernel: 1)
    feature = builder.batchNormalization("\(path).6", feature, epsilon: epsilon)
    return builder.relu("\(path).7", feature)
  }
}
