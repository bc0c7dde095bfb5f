import ScopeGraph

/// Residual networks read from the file: timm's members of the family (`models/resnet.py`) with three 3x3
/// convolutions as the stem (C, D, S, T), average pooling in the shortcuts (D, T) or squeeze and excitation, and
/// depths and widths that torchvision does not publish.
///
/// timm names a plain ResNet as torchvision does; ``ResNet`` recognises those.
enum TimmResNet: ArchitectureFamily {
  static let name = "ResNet"
  static let anchors = ["layer4.0.conv1.weight"]
  static let foreign = ["linear.", "layer5.", "maxpool."]
  private static let epsilon: Float = 1e-5

  private struct Configuration: Sendable, Equatable {
    var inputChannels = 3
    /// Filters of the stem's convolutions: one with a 7x7 kernel or three with 3x3.
    var stem = [64]
    var depths: [Int]
    var bottleneck: Bool
    /// Filters of the 3x3 convolution and channels after the blocks, by stage.
    var widths: [Int]
    var outputs: [Int]
    var groups = 1
    /// Average pooling before the projection of a shortcut.
    var pools = false
    /// Channels inside squeeze and excitation, by stage.
    var squeezed: [Int]?

    /// torchvision cannot build it.
    var isTimm: Bool { stem.count > 1 || pools || squeezed != nil }
  }

  private static func published(
    _ depths: [Int], bottleneck: Bool = true, stem: [Int] = [64], pools: Bool = false, groups: Int = 1,
    base: Int = 64, squeezes: Bool = false
  ) -> Configuration {
    let planes = [64, 128, 256, 512]
    let outputs = planes.map { bottleneck ? $0 * 4 : $0 }
    return Configuration(
      stem: stem, depths: depths, bottleneck: bottleneck, widths: planes.map { $0 * base / 64 * groups },
      outputs: outputs, groups: groups, pools: pools,
      // A sixteenth, rounded to a multiple of 8.
      squeezed: squeezes ? outputs.map { WidthMultiplier.scaled($0 / 16, percent: 100) } : nil)
  }

  private static let deep = [32, 32, 64]
  private static let tiered = [24, 32, 64]

  static var variants: [ArchitectureVariant] {
    [
      published([2, 2, 2, 2]), published([3, 24, 36, 3]),
      published([2, 2, 2, 2], bottleneck: false, stem: deep, pools: true),
      published([3, 4, 6, 3], bottleneck: false, stem: deep, pools: true),
      published([2, 2, 2, 2], stem: deep, pools: true), published([3, 4, 6, 3], stem: deep, pools: true),
      published([3, 4, 23, 3], stem: deep, pools: true), published([3, 8, 36, 3], stem: deep, pools: true),
      published([1, 1, 1, 1], bottleneck: false, stem: tiered, pools: true),
      published([2, 2, 2, 2], stem: tiered, pools: true), published([3, 4, 6, 3], stem: deep),
      published([3, 4, 6, 3], stem: [64, 64, 128]),
      published([3, 4, 6, 3], stem: deep, pools: true, groups: 32, base: 4),
      published([2, 2, 2, 2], bottleneck: false, squeezes: true), published([3, 4, 6, 3], squeezes: true),
      published([3, 4, 6, 3], groups: 32, base: 4, squeezes: true),
    ].map(variant)
  }

  static func depths(of tensors: NamedTensors) -> [Int] { ResNet.depths(of: tensors) }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    (configuration(of: tensors).map { [variant($0)] } ?? []) + variants
  }

  private static func configuration(of tensors: NamedTensors) -> Configuration? {
    let depths = depths(of: tensors)
    let bottleneck = tensors["layer1.0.conv3.weight"] != nil
    let stem =
      (tensors.kernel("conv1").map { [$0] } ?? ["0", "3", "6"].compactMap { tensors.kernel("conv1.\($0)") })
    guard tensors.canHold(blocks: depths, tensorsPerBlock: 10), stem.count == 1 || stem.count == 3,
      stem.allSatisfy({ $0[2] == (stem.count == 1 ? 7 : 3) })
    else {
      return nil
    }
    let middle = (1...4).compactMap { tensors.kernel("layer\($0).0.\(bottleneck ? "conv2" : "conv1")") }
    let last = (1...4).compactMap { tensors.kernel("layer\($0).0.\(bottleneck ? "conv3" : "conv2")") }
    let squeezed = (1...4).compactMap { tensors.kernel("layer\($0).0.se.fc1")?[0] }
    guard middle.count == 4, last.count == 4, squeezed.isEmpty || squeezed.count == 4 else { return nil }
    let groups = bottleneck ? middle[0][0] / middle[0][1] : 1
    // Each group of a stage has a whole number of filters.
    guard groups > 0, middle.allSatisfy({ $0[0].isMultiple(of: groups) }) else { return nil }
    return Configuration(
      inputChannels: stem[0][1], stem: stem.map { $0[0] }, depths: depths, bottleneck: bottleneck,
      widths: middle.map { $0[0] }, outputs: last.map { $0[0] }, groups: groups,
      pools: tensors["layer2.0.downsample.1.weight"]?.dimensions.count == 4,
      squeezed: squeezed.isEmpty ? nil : squeezed)
  }

  /// `SE-ResNeXt-50-D 32x4d (timm)`.
  private static func title(_ configuration: Configuration) -> String {
    let blocks = configuration.depths.reduce(0, +)
    let layers = blocks * (configuration.bottleneck ? 3 : 2) + 2
    let planes = configuration.outputs[0] / (configuration.bottleneck ? 4 : 1)
    let base = max(configuration.widths[0] * 64 / max(planes * configuration.groups, 1), 1)
    var regular = published(
      configuration.depths, bottleneck: configuration.bottleneck, stem: configuration.stem,
      pools: configuration.pools, groups: configuration.groups, base: min(base, 4096),
      squeezes: configuration.squeezed != nil)
    regular.inputChannels = configuration.inputChannels
    let letter: String? =
      switch (configuration.stem, configuration.pools) {
      case ([64], false): ""
      case (deep, false): "-C"
      case (deep, true): "-D"
      case ([64, 64, 128], false): "-S"
      case ([64, 64, 128], true): "-E"
      case (tiered, true): "-T"
      default: nil
      }
    let isWide = configuration.groups == 1 && base != 64
    let kind = configuration.groups > 1 ? "ResNeXt" : isWide ? "Wide-ResNet" : "ResNet"
    let width = configuration.groups > 1 ? " \(configuration.groups)x\(base)d" : ""
    return (configuration.squeezed == nil ? "" : "SE-") + "\(kind)-\(layers)\(letter ?? "")\(width)"
      + (letter == nil || isWide || regular != configuration ? " (own widths)" : "")
      + (configuration.isTimm ? " (timm)" : "")
  }

  /// Published input size and crop in thousandths of the resized side, where not 224 and 875.
  private static let sizes = [
    "ResNet-101-D (timm)": (256, 950), "ResNet-152-D (timm)": (256, 950), "ResNet-200-D (timm)": (256, 950),
    "ResNet-26-T (timm)": (256, 940), "ResNet-10-T (timm)": (176, 875), "ResNet-14-T (timm)": (176, 875),
    "SE-ResNet-152-D (timm)": (256, 950), "SE-ResNet-50 (timm)": (224, 950),
    "SE-ResNeXt-101 32x8d (timm)": (224, 950), "SE-ResNeXt-101-D 32x8d (timm)": (224, 950),
  ]

  private static func variant(_ configuration: Configuration) -> ArchitectureVariant {
    let title = title(configuration)
    let (size, crop) = sizes[title] ?? (224, 875)
    var structure =
      "\(configuration.bottleneck ? "bottleneck" : "basic") blocks \(dashed(configuration.depths))"
    structure += ", stem of \(dashed(configuration.stem)) filters"
    if configuration.groups > 1 { structure += ", \(configuration.groups) groups" }
    if configuration.pools { structure += ", average pooling in the shortcuts" }
    if configuration.squeezed != nil { structure += ", squeeze and excitation" }
    return ArchitectureVariant(
      family: name, name: title, year: configuration.stem.count > 1 || configuration.pools ? 2018 : 2015,
      citation: "He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, arXiv:1512.03385"
        + (configuration.stem.count > 1
          ? "; He, Zhang, Zhang, Zhang, Xie, Li: Bag of Tricks for Image Classification, arXiv:1812.01187"
          : "")
        + (configuration.squeezed != nil
          ? "; Hu, Shen, Albanie, Sun, Wu: Squeeze-and-Excitation Networks, arXiv:1709.01507" : ""),
      summary: configuration.isTimm
        ? "ResNet with later refinements of stem, shortcuts or channel attention."
        : "Residual connections, with depths and widths of its own.",
      preprocessing: .timm(size: size, thousandths: crop), imageSize: size, depths: configuration.depths,
      structure: (configuration.isTimm ? "timm" : "torchvision and timm") + " names, " + structure,
      assumptions: [
        "ReLU activations and batch-normalisation epsilon 1e-5, stage stride in the 3x3 convolution",
        "no anti-aliasing, no dilation: timm's resnetaa and resnetblur have the same names and shapes",
        "preprocessing of timm's weights; those of other origin may differ",
      ],
      classifier: "fc", imageSizes: ImageSizes(range: 32...8192),
      blueprint: { classes, size in blueprint(configuration, classCount: classes, imageSize: size) })
  }

  private static func blueprint(_ configuration: Configuration, classCount: Int, imageSize: Int) -> Blueprint
  {
    var builder = BlueprintBuilder(
      inputSize: [configuration.inputChannels, imageSize, imageSize], classCount: classCount)
    // The model, relu, maxpool, four stages, the pooling, which has two parts in timm.
    builder.countModules(configuration.isTimm ? 10 : 8)
    var feature = builder.input
    if configuration.stem.count == 1 {
      feature = builder.convolution("conv1", feature, filters: configuration.stem[0], kernel: 7, stride: 2)
    } else {
      // The container and two ReLU.
      builder.countModules(3)
      for (index, filters) in configuration.stem.enumerated() {
        feature = builder.convolution(
          "conv1.\(index * 3)", feature, filters: filters, kernel: 3, stride: index == 0 ? 2 : 1)
        if index < 2 {
          feature = builder.batchNormalization("conv1.\(index * 3 + 1)", feature, epsilon: epsilon)
          feature = builder.relu("conv1.\(index * 3 + 2)", feature)
        }
      }
    }
    feature = builder.batchNormalization("bn1", feature, epsilon: epsilon)
    feature = builder.relu("act1", feature)
    feature = builder.maxPool("maxpool", feature, kernel: 3, stride: 2, padding: 1)
    for (stage, depth) in configuration.depths.enumerated() {
      for block in 0..<depth {
        feature = residual(
          &builder, "layer\(stage + 1).\(block)", feature, configuration, stage: stage,
          stride: block == 0 && stage > 0 ? 2 : 1)
      }
    }
    feature = builder.globalAveragePool("global_pool", feature)
    builder.classifier("fc", feature)
    return builder.blueprint
  }

  private static func residual(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ configuration: Configuration,
    stage: Int, stride: Int
  ) -> Feature {
    let bottleneck = configuration.bottleneck
    // torchvision: the block and its ReLU. timm: the block, an activation per convolution, two Identity.
    builder.countModules(configuration.isTimm ? (bottleneck ? 6 : 5) : 2)
    // Kernel, filters, stride and groups of each convolution.
    let width = configuration.widths[stage]
    let output = configuration.outputs[stage]
    let convolutions =
      bottleneck
      ? [(1, width, 1, 1), (3, width, stride, configuration.groups), (1, output, 1, 1)]
      : [(3, width, stride, 1), (3, output, 1, 1)]
    var feature = input
    for (index, (kernel, filters, step, groups)) in convolutions.enumerated() {
      let number = index + 1
      feature = builder.convolution(
        "\(path).conv\(number)", feature, filters: filters, kernel: kernel, stride: step, groups: groups)
      feature = builder.batchNormalization("\(path).bn\(number)", feature, epsilon: epsilon)
      if number < convolutions.count { feature = builder.relu("\(path).act\(number)", feature) }
    }
    if let squeezed = configuration.squeezed {
      // The module, its normalisation (Identity), activation and gate.
      builder.countModules(4)
      feature = builder.squeezeExcitation("\(path).se", feature, squeezed: squeezed[stage])
    }
    let shortcut = shortcut(&builder, path, input, configuration, filters: output, stride: stride)
    return builder.relu("\(path).act\(convolutions.count)", builder.add("\(path).add", feature, shortcut))
  }

  /// The input, projected where the shape changes.
  private static func shortcut(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ configuration: Configuration,
    filters: Int, stride: Int
  ) -> Feature {
    guard stride != 1 || input.channels != filters else { return input }
    builder.countModules(configuration.pools ? 2 : 1)
    var feature = input
    if configuration.pools, stride > 1 {
      feature = builder.averagePool(
        "\(path).downsample.0", feature, kernel: stride, stride: stride, ceilMode: true, countsPadding: false)
    }
    let number = configuration.pools ? 1 : 0
    feature = builder.convolution(
      "\(path).downsample.\(number)", feature, filters: filters, kernel: 1,
      stride: configuration.pools ? 1 : stride)
    return builder.batchNormalization("\(path).downsample.\(number + 1)", feature, epsilon: epsilon)
  }
}
