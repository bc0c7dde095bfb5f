/// torchvision's residual networks for ImageNet: ResNet, ResNeXt and Wide-ResNet.
///
/// Structure as in torchvision `models/resnet.py`: a 7x7 stem, four stages, stride in the 3x3 convolution of
/// bottleneck blocks ("ResNet v1.5"), batch normalisation with epsilon 1e-5.
enum ResNet: ArchitectureFamily {
  static let name = "ResNet"
  static let anchors = ["layer4.0.conv1.weight", "layer1.0.conv1.weight"]
  static let foreign = ["linear.", "layer5."]
  private static let epsilon: Float = 1e-5

  struct Configuration: Sendable {
    var depths: [Int]
    var bottleneck: Bool
    var groups = 1
    var widthPerGroup = 64
  }

  private struct Origin: Sendable {
    let family: String
    let year: Int
    let citation: String
    let summary: String
  }

  private static let residual = Origin(
    family: "ResNet", year: 2015,
    citation: "He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, arXiv:1512.03385",
    summary: "Residual connections made networks of more than a hundred layers trainable; won ILSVRC 2015.")
  private static let aggregated = Origin(
    family: "ResNeXt", year: 2016,
    citation:
      "Xie, Girshick, Dollár, Tu, He: Aggregated Residual Transformations for Deep Neural Networks, arXiv:1611.05431",
    summary: "ResNet with grouped 3x3 convolutions: many parallel paths instead of more depth or width.")
  private static let wide = Origin(
    family: "Wide-ResNet", year: 2016,
    citation: "Zagoruyko, Komodakis: Wide Residual Networks, arXiv:1605.07146",
    summary: "ResNet with wider bottlenecks: fewer, wider layers reach the accuracy of very deep thin ones.")

  static func depths(of tensors: NamedTensors) -> [Int] {
    blockCounts(in: tensors, groups: ["layer1.", "layer2.", "layer3.", "layer4."])
  }

  static var variants: [ArchitectureVariant] {
    [
      variant("ResNet-18", residual, Configuration(depths: [2, 2, 2, 2], bottleneck: false)),
      variant("ResNet-34", residual, Configuration(depths: [3, 4, 6, 3], bottleneck: false)),
      variant("ResNet-50", residual, Configuration(depths: [3, 4, 6, 3], bottleneck: true)),
      variant("ResNet-101", residual, Configuration(depths: [3, 4, 23, 3], bottleneck: true)),
      variant("ResNet-152", residual, Configuration(depths: [3, 8, 36, 3], bottleneck: true)),
      variant(
        "ResNeXt-50 32x4d", aggregated,
        Configuration(depths: [3, 4, 6, 3], bottleneck: true, groups: 32, widthPerGroup: 4)),
      variant(
        "ResNeXt-101 32x8d", aggregated,
        Configuration(depths: [3, 4, 23, 3], bottleneck: true, groups: 32, widthPerGroup: 8)),
      variant(
        "ResNeXt-101 64x4d", aggregated,
        Configuration(depths: [3, 4, 23, 3], bottleneck: true, groups: 64, widthPerGroup: 4)),
      variant(
        "Wide-ResNet-50-2", wide, Configuration(depths: [3, 4, 6, 3], bottleneck: true, widthPerGroup: 128)),
      variant(
        "Wide-ResNet-101-2", wide, Configuration(depths: [3, 4, 23, 3], bottleneck: true, widthPerGroup: 128)),
    ]
  }

  private static func variant(
    _ name: String, _ origin: Origin, _ configuration: Configuration
  ) -> ArchitectureVariant {
    let blocks = configuration.depths.map(String.init).joined(separator: "-")
    var structure = "torchvision names, \(configuration.bottleneck ? "bottleneck" : "basic") blocks \(blocks)"
    if configuration.groups > 1 { structure += ", \(configuration.groups) groups" }
    if configuration.bottleneck {
      structure += ", 3x3 width \(stageWidth(64, configuration)) in the first stage"
    }
    return ArchitectureVariant(
      family: origin.family, name: name, year: origin.year, citation: origin.citation,
      summary: origin.summary,
      preprocessing: .imageNet, imageSize: 224, depths: configuration.depths, structure: structure,
      assumptions: [
        "ReLU activations and batch-normalisation epsilon 1e-5 as in torchvision",
        configuration.bottleneck
          ? "stage stride in the 3x3 convolution as in torchvision (v1.5), not in the 1x1 one"
          : "stage stride in the first 3x3 convolution",
        "preprocessing of torchvision's first weights: its IMAGENET1K_V2 weights resize to 232, timm's weights of the "
          + "same names mostly to 235 with bicubic interpolation",
      ],
      classifier: "fc",
      blueprint: { classes, size in blueprint(configuration, classCount: classes, imageSize: size) })
  }

  /// Width of the 3x3 convolution of a block with `planes` channels.
  private static func stageWidth(_ planes: Int, _ configuration: Configuration) -> Int {
    planes * configuration.widthPerGroup / 64 * configuration.groups
  }

  static func blueprint(_ configuration: Configuration, classCount: Int, imageSize: Int) -> Blueprint {
    var builder = BlueprintBuilder(inputSize: [3, imageSize, imageSize], classCount: classCount)
    // The model, relu, maxpool, avgpool and the four stages.
    builder.countModules(8)
    var feature = builder.convolution("conv1", builder.input, filters: 64, kernel: 7, stride: 2)
    feature = builder.batchNormalization("bn1", feature, epsilon: epsilon)
    feature = builder.relu("relu", feature)
    feature = builder.maxPool("maxpool", feature, kernel: 3, stride: 2, padding: 1)
    for (stage, depth) in configuration.depths.enumerated() {
      for block in 0..<depth {
        let path = "layer\(stage + 1).\(block)"
        let stride = block == 0 && stage > 0 ? 2 : 1
        let planes = 64 << stage
        feature =
          configuration.bottleneck
          ? bottleneck(&builder, path, feature, planes: planes, stride: stride, configuration)
          : basicBlock(&builder, path, feature, planes: planes, stride: stride)
      }
    }
    feature = builder.globalAveragePool("avgpool", feature)
    builder.classifier("fc", feature)
    return builder.blueprint
  }

  private static func basicBlock(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, planes: Int, stride: Int
  ) -> Feature {
    // The block and its relu.
    builder.countModules(2)
    var feature = builder.convolution("\(path).conv1", input, filters: planes, kernel: 3, stride: stride)
    feature = builder.batchNormalization("\(path).bn1", feature, epsilon: epsilon)
    feature = builder.relu("\(path).relu", feature)
    feature = builder.convolution("\(path).conv2", feature, filters: planes, kernel: 3)
    feature = builder.batchNormalization("\(path).bn2", feature, epsilon: epsilon)
    return join(&builder, path, feature, input, stride: stride)
  }

  private static func bottleneck(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, planes: Int, stride: Int,
    _ configuration: Configuration
  ) -> Feature {
    let width = stageWidth(planes, configuration)
    // The block and its relu.
    builder.countModules(2)
    var feature = builder.convolution("\(path).conv1", input, filters: width, kernel: 1)
    feature = builder.batchNormalization("\(path).bn1", feature, epsilon: epsilon)
    feature = builder.relu("\(path).relu", feature)
    feature = builder.convolution(
      "\(path).conv2", feature, filters: width, kernel: 3, stride: stride, groups: configuration.groups)
    feature = builder.batchNormalization("\(path).bn2", feature, epsilon: epsilon)
    feature = builder.relu("\(path).relu", feature)
    feature = builder.convolution("\(path).conv3", feature, filters: planes * 4, kernel: 1)
    feature = builder.batchNormalization("\(path).bn3", feature, epsilon: epsilon)
    return join(&builder, path, feature, input, stride: stride)
  }

  /// Adds the shortcut, projected when the shape changes, and applies the last activation.
  private static func join(
    _ builder: inout BlueprintBuilder, _ path: String, _ feature: Feature, _ input: Feature, stride: Int
  ) -> Feature {
    var shortcut = input
    if stride != 1 || input.channels != feature.channels {
      builder.countModules(1)
      shortcut = builder.convolution(
        "\(path).downsample.0", input, filters: feature.channels, kernel: 1, stride: stride)
      shortcut = builder.batchNormalization("\(path).downsample.1", shortcut, epsilon: epsilon)
    }
    return builder.relu("\(path).relu", builder.add("\(path).add", feature, shortcut))
  }
}
