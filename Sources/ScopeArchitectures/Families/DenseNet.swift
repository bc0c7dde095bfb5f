import ScopeGraph

/// torchvision's DenseNets with bottleneck layers and compression (`models/densenet.py`): every layer takes the
/// outputs of all layers before it in its block. Blocks, growth rate, bottleneck and transition widths are read from
/// the file; checkpoints of before 2018 (torchvision 0.2) spell `norm1` and `conv1` as `norm.1` and `conv.1`.
enum DenseNet: ArchitectureFamily {
  static let name = "DenseNet"
  static let anchors = [
    "features.denseblock1.denselayer1.norm1.weight", "features.denseblock1.denselayer1.norm.1.weight",
    "features.norm5.weight",
  ]
  static let foreign: [String] = []
  private static let epsilon: Float = 1e-5
  /// The stem and its pooling halve twice, each transition once; nothing of 224 pixels is left after more.
  private static let mostBlocks = 6

  private struct Configuration: Sendable, Equatable {
    /// Layers of each block.
    var blocks: [Int]
    var stem: Int
    var growth: Int
    /// Channels between the two convolutions of a layer.
    var bottleneck: Int
    /// Channels after each transition; nil: half of those before.
    var transitions: [Int]?
    var inputChannels = 3
    var usesOldNames = false
  }

  private static let published = [
    Configuration(blocks: [6, 12, 24, 16], stem: 64, growth: 32, bottleneck: 128),
    Configuration(blocks: [6, 12, 36, 24], stem: 96, growth: 48, bottleneck: 192),
    Configuration(blocks: [6, 12, 32, 32], stem: 64, growth: 32, bottleneck: 128),
    Configuration(blocks: [6, 12, 48, 32], stem: 64, growth: 32, bottleneck: 128),
  ]

  static var variants: [ArchitectureVariant] { published.map(variant) }

  static func depths(of tensors: NamedTensors) -> [Int] {
    var count = 0
    while count < 10, tensors.keys.contains(where: { $0.hasPrefix("features.denseblock\(count + 1).") }) {
      count += 1
    }
    // Layers count from 1, so that the highest index plus one is one too many.
    return blockCounts(in: tensors, groups: (0..<count).map { "features.denseblock\($0 + 1).denselayer" })
      .map { max($0 - 1, 0) }
  }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    let usesOldNames = tensors["features.denseblock1.denselayer1.norm.1.weight"] != nil
    return (configuration(of: tensors, usesOldNames: usesOldNames).map { [variant($0)] } ?? [])
      + published.map {
        var configuration = $0
        configuration.usesOldNames = usesOldNames
        return variant(configuration)
      }
  }

  private static func configuration(of tensors: NamedTensors, usesOldNames: Bool) -> Configuration? {
    let blocks = depths(of: tensors)
    let dot = usesOldNames ? "." : ""
    let layer = "features.denseblock1.denselayer1"
    guard (1...mostBlocks).contains(blocks.count), tensors.canHold(blocks: blocks, tensorsPerBlock: 10),
      let stem = tensors.kernel("features.conv0"), let first = tensors.kernel("\(layer).conv\(dot)1"),
      let second = tensors.kernel("\(layer).conv\(dot)2")
    else {
      return nil
    }
    let transitions = (1..<blocks.count).compactMap { tensors.kernel("features.transition\($0).conv")?[0] }
    guard transitions.count == blocks.count - 1 else { return nil }
    return Configuration(
      blocks: blocks, stem: stem[0], growth: second[0], bottleneck: first[0], transitions: transitions,
      inputChannels: stem[1], usesOldNames: usesOldNames)
  }

  /// Channels after each transition when each halves them.
  private static func halved(_ configuration: Configuration) -> [Int] {
    var channels = configuration.stem
    return configuration.blocks.dropLast().map {
      channels = (channels + $0 * configuration.growth) / 2
      return channels
    }
  }

  private static func variant(_ configuration: Configuration) -> ArchitectureVariant {
    let blocks = configuration.blocks.map(String.init).joined(separator: "-")
    // Two convolutions per layer, one per transition, stem and classifier.
    let layers = configuration.blocks.reduce(0, +) * 2 + configuration.blocks.count + 1
    let isPublished =
      published.contains {
        $0.blocks == configuration.blocks && $0.stem == configuration.stem
          && $0.growth == configuration.growth
          && $0.bottleneck == configuration.bottleneck
      } && (configuration.transitions ?? halved(configuration)) == halved(configuration)
    return ArchitectureVariant(
      family: name,
      name: isPublished ? "DenseNet-\(layers)" : "DenseNet-\(layers) (growth \(configuration.growth))",
      year: 2016,
      citation:
        "Huang, Liu, van der Maaten, Weinberger: Densely Connected Convolutional Networks, arXiv:1608.06993",
      summary:
        "Every layer sees the outputs of all layers before it: few parameters, much reuse, much memory traffic.",
      preprocessing: .imageNet, imageSize: 224, depths: configuration.blocks,
      structure:
        "torchvision names\(configuration.usesOldNames ? " of before 2018" : ""), dense blocks \(blocks), "
        + "growth rate \(configuration.growth)",
      assumptions: [
        "ReLU activations, batch-normalisation epsilon 1e-5 and 2x2 average poolings as in torchvision",
        "timm's weights of the same names were trained with bicubic instead of bilinear resizing",
      ],
      classifier: "classifier", imageSizes: ImageSizes(range: (2 << configuration.blocks.count)...8192),
      blueprint: { classes, size in blueprint(configuration, classCount: classes, imageSize: size) })
  }

  private static func blueprint(_ configuration: Configuration, classCount: Int, imageSize: Int) -> Blueprint
  {
    var builder = BlueprintBuilder(
      inputSize: [configuration.inputChannels, imageSize, imageSize], classCount: classCount)
    // The model, features with relu0 and pool0.
    builder.countModules(4)
    var feature = builder.convolution(
      "features.conv0", builder.input, filters: configuration.stem, kernel: 7, stride: 2)
    feature = builder.batchNormalization("features.norm0", feature, epsilon: epsilon)
    feature = builder.relu("features.relu0", feature)
    feature = builder.maxPool("features.pool0", feature, kernel: 3, stride: 2, padding: 1)
    let transitions = configuration.transitions ?? halved(configuration)
    for (index, layers) in configuration.blocks.enumerated() {
      let block = "features.denseblock\(index + 1)"
      builder.countModules(1)
      var features = [feature]
      for layer in 1...layers {
        features.append(denseLayer(&builder, "\(block).denselayer\(layer)", features, configuration))
      }
      feature = builder.concatenate("\(block).cat", features)
      if index < transitions.count {
        feature = transition(
          &builder, "features.transition\(index + 1)", feature, filters: transitions[index])
      }
    }
    feature = builder.batchNormalization("features.norm5", feature, epsilon: epsilon)
    feature = builder.relu("relu", feature)
    feature = builder.globalAveragePool("avgpool", feature)
    builder.classifier("classifier", feature)
    return builder.blueprint
  }

  private static func denseLayer(
    _ builder: inout BlueprintBuilder, _ path: String, _ inputs: [Feature], _ configuration: Configuration
  ) -> Feature {
    let dot = configuration.usesOldNames ? "." : ""
    // The layer and its two ReLU.
    builder.countModules(3)
    var feature = inputs.count == 1 ? inputs[0] : builder.concatenate("\(path).cat", inputs)
    feature = builder.batchNormalization("\(path).norm\(dot)1", feature, epsilon: epsilon)
    feature = builder.relu("\(path).relu\(dot)1", feature)
    feature = builder.convolution(
      "\(path).conv\(dot)1", feature, filters: configuration.bottleneck, kernel: 1)
    feature = builder.batchNormalization("\(path).norm\(dot)2", feature, epsilon: epsilon)
    feature = builder.relu("\(path).relu\(dot)2", feature)
    return builder.convolution("\(path).conv\(dot)2", feature, filters: configuration.growth, kernel: 3)
  }

  private static func transition(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, filters: Int
  ) -> Feature {
    // The transition, its ReLU and pooling.
    builder.countModules(3)
    var feature = builder.batchNormalization("\(path).norm", input, epsilon: epsilon)
    feature = builder.relu("\(path).relu", feature)
    feature = builder.convolution("\(path).conv", feature, filters: filters, kernel: 1)
    return builder.averagePool("\(path).pool", feature, kernel: 2, stride: 2)
  }
}
