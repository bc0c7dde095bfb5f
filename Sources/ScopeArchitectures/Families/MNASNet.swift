import ScopeGraph

/// torchvision's MNASNet-B1 (`models/mnasnet.py`): stacks of inverted residuals with 3x3 and 5x5 kernels, without
/// squeeze and excitation. Channels are read from the file, so that every width multiplier and the unscaled stem of
/// torchvision 0.4 are recognised; the strides are those of the published stacks.
enum MNASNet: ArchitectureFamily {
  static let name = "MNASNet"
  static let anchors = ["layers.8.0.layers.0.weight", "layers.13.0.layers.0.weight"]
  static let foreign: [String] = []
  private static let epsilon: Float = 1e-5

  private struct Stack: Sendable {
    let filters: Int
    let kernel: Int
    let stride: Int
    let expansion: Int
    let repeats: Int
  }

  /// `layers.8` to `layers.13`.
  private static let stacks = [
    Stack(filters: 24, kernel: 3, stride: 2, expansion: 3, repeats: 3),
    Stack(filters: 40, kernel: 5, stride: 2, expansion: 3, repeats: 3),
    Stack(filters: 80, kernel: 5, stride: 2, expansion: 6, repeats: 3),
    Stack(filters: 96, kernel: 3, stride: 1, expansion: 6, repeats: 2),
    Stack(filters: 192, kernel: 5, stride: 2, expansion: 6, repeats: 4),
    Stack(filters: 320, kernel: 3, stride: 1, expansion: 6, repeats: 1),
  ]
  private static let depths = stacks.map(\.repeats)
  private static let publishedWidths = [100, 75, 50, 130]

  private struct Configuration: Sendable, Equatable {
    var inputChannels = 3
    /// Channels of the stem, of the separable convolution and after each stack.
    var widths: [Int]
    var head = 1280
  }

  private static let publishedChannels = [32, 16] + stacks.map(\.filters)

  private static func scaled(percent: Int) -> Configuration {
    Configuration(widths: publishedChannels.map { WidthMultiplier.scaled($0, percent: percent) })
  }

  static var variants: [ArchitectureVariant] { publishedWidths.map { variant(scaled(percent: $0)) } }

  static func depths(of tensors: NamedTensors) -> [Int] {
    blockCounts(in: tensors, groups: stacks.indices.map { "layers.\($0 + 8)." })
  }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    (configuration(of: tensors).map { [variant($0)] } ?? []) + [variant(scaled(percent: 100))]
  }

  private static func configuration(of tensors: NamedTensors) -> Configuration? {
    guard let stem = tensors.kernel("layers.0"), let head = tensors.kernel("layers.14") else { return nil }
    let modules = ["layers.0", "layers.6"] + stacks.indices.map { "layers.\($0 + 8).0.layers.6" }
    let widths = modules.compactMap { tensors.kernel($0)?[0] }
    guard widths.count == modules.count else { return nil }
    return Configuration(inputChannels: stem[1], widths: widths, head: head[0])
  }

  private static func variant(_ configuration: Configuration) -> ArchitectureVariant {
    var label = "(own widths)"
    if configuration.head == 1280 {
      if let percent = WidthMultiplier.percent(
        publishedChannels, found: configuration.widths, usual: publishedWidths)
      {
        label = WidthMultiplier.text(percent)
      } else if configuration.widths[..<2] == [32, 16],
        let percent = WidthMultiplier.percent(
          Array(publishedChannels[2...]), found: Array(configuration.widths[2...]), usual: publishedWidths)
      {
        label = "\(WidthMultiplier.text(percent)) (first version)"
      }
    }
    return ArchitectureVariant(
      family: name, name: "MNASNet \(label)", year: 2018,
      citation:
        "Tan, Chen, Pang, Vasudevan, Sandler, Howard, Le: MnasNet: Platform-Aware Neural Architecture Search "
        + "for Mobile, arXiv:1807.11626",
      summary: "Found by a search that measured latency on a phone; the ancestor of EfficientNet.",
      preprocessing: .imageNet, imageSize: 224, depths: depths,
      structure: "torchvision names, \(depths.reduce(0, +)) inverted residuals, channels "
        + configuration.widths.map(String.init).joined(separator: "-"),
      assumptions: [
        "ReLU activations, batch-normalisation epsilon 1e-5 and strides as in torchvision",
        "torchvision's weights of 0.75 and 1.3 resize to 232 instead of 256",
      ],
      classifier: "classifier.1", imageSizes: ImageSizes(range: 32...8192),
      blueprint: { classes, size in blueprint(configuration, classCount: classes, imageSize: size) })
  }

  private static func blueprint(_ configuration: Configuration, classCount: Int, imageSize: Int) -> Blueprint
  {
    var builder = BlueprintBuilder(
      inputSize: [configuration.inputChannels, imageSize, imageSize], classCount: classCount)
    let widths = configuration.widths
    // The model, layers with three ReLU and six stacks, classifier and dropout.
    builder.countModules(13)
    var feature = convolution(&builder, "layers", 0, builder.input, filters: widths[0], kernel: 3, stride: 2)
    feature = builder.relu("layers.2", feature)
    feature = convolution(&builder, "layers", 3, feature, filters: widths[0], kernel: 3, groups: widths[0])
    feature = builder.relu("layers.5", feature)
    feature = convolution(&builder, "layers", 6, feature, filters: widths[1], kernel: 1)
    for (index, stack) in stacks.enumerated() {
      for block in 0..<stack.repeats {
        feature = residual(
          &builder, "layers.\(index + 8).\(block)", feature, stack, filters: widths[index + 2],
          stride: block == 0 ? stack.stride : 1)
      }
    }
    feature = convolution(&builder, "layers", 14, feature, filters: configuration.head, kernel: 1)
    feature = builder.relu("layers.16", feature)
    feature = builder.globalAveragePool("mean", feature)
    builder.classifier("classifier.1", feature)
    return builder.blueprint
  }

  /// A convolution and the batch normalisation of the next number.
  private static func convolution(
    _ builder: inout BlueprintBuilder, _ path: String, _ number: Int, _ input: Feature, filters: Int,
    kernel: Int,
    stride: Int = 1, groups: Int = 1
  ) -> Feature {
    let feature = builder.convolution(
      "\(path).\(number)", input, filters: filters, kernel: kernel, stride: stride, groups: groups)
    return builder.batchNormalization("\(path).\(number + 1)", feature, epsilon: epsilon)
  }

  private static func residual(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ stack: Stack, filters: Int,
    stride: Int
  ) -> Feature {
    // The block, its container and two ReLU.
    builder.countModules(4)
    let inner = input.channels * stack.expansion
    let layers = "\(path).layers"
    var feature = convolution(&builder, layers, 0, input, filters: inner, kernel: 1)
    feature = builder.relu("\(layers).2", feature)
    feature = convolution(
      &builder, layers, 3, feature, filters: inner, kernel: stack.kernel, stride: stride, groups: inner)
    feature = builder.relu("\(layers).5", feature)
    feature = convolution(&builder, layers, 6, feature, filters: filters, kernel: 1)
    return stride == 1 && input.channels == filters ? builder.add("\(path).add", feature, input) : feature
  }
}
