import ScopeGraph

/// torchvision's MobileNetV3 (`models/mobilenetv3.py`): inverted residuals with hard-swish and squeeze and
/// excitation. Channels are read from the file, so that every width multiplier is recognised; strides and
/// activations, which no tensor shows, are those of the published tables.
enum MobileNetV3: ArchitectureFamily {
  static let name = "MobileNetV3"
  static let anchors = ["features.1.block.0.0.weight", "features.2.block.1.0.weight"]
  static let foreign = ["features.1.0."]
  private static let epsilon: Float = 1e-3

  static var variants: [ArchitectureVariant] {
    MobileNetV3Table.all.map { variant($0.scaled(percent: 100)) }
  }

  static func depths(of tensors: NamedTensors) -> [Int] {
    [tensors.numbers(prefix: "features.", suffix: ".block.0.0.weight").count]
  }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    (configuration(of: tensors).map { [variant($0)] } ?? []) + variants
  }

  private static func configuration(of tensors: NamedTensors) -> MobileNetV3Configuration? {
    let count = depths(of: tensors)[0]
    guard let table = MobileNetV3Table.all.first(where: { $0.rows.count == count }),
      let stem = tensors.kernel("features.0.0"), let last = tensors.kernel("features.\(count + 1).0"),
      let hidden = tensors.matrix("classifier.0")
    else {
      return nil
    }
    var blocks: [MobileNetV3Configuration.Block] = []
    for (index, row) in table.rows.enumerated() {
      let path = "features.\(index + 1).block"
      guard let first = tensors.kernel("\(path).0.0") else { return nil }
      // The first convolution is the depthwise one where nothing is expanded.
      let expands = first[2] == 1
      let squeeze = "\(path).\(expands ? 2 : 1)"
      let squeezed = tensors.kernel("\(squeeze).fc1")?[0]
      let projection = "\(path).\((expands ? 2 : 1) + (squeezed == nil ? 0 : 1)).0"
      guard let output = tensors.kernel(projection)?[0], (squeezed != nil) == row.squeezes else { return nil }
      blocks.append(
        MobileNetV3Configuration.Block(
          expanded: first[0], expands: expands, squeezed: squeezed, output: output))
    }
    return MobileNetV3Configuration(
      table: table, inputChannels: stem[1], stem: stem[0], blocks: blocks, last: last[0], hidden: hidden[0])
  }

  private static func variant(_ configuration: MobileNetV3Configuration) -> ArchitectureVariant {
    ArchitectureVariant(
      family: name, name: configuration.name, year: 2019, citation: MobileNetV3Table.citation,
      summary: MobileNetV3Table.summary, preprocessing: .imageNet, imageSize: 224,
      depths: [configuration.blocks.count],
      structure: "torchvision names, \(configuration.blocks.count) inverted residuals, stem of "
        + "\(configuration.stem) filters",
      assumptions: [
        "ReLU and hard-swish activations, batch-normalisation epsilon 1e-3 and strides as in torchvision, no dilation",
        "torchvision's IMAGENET1K_V2 weights resize to 232 instead of 256",
      ],
      classifier: "classifier.3", imageSizes: ImageSizes(range: 32...8192),
      blueprint: { classes, size in blueprint(configuration, classCount: classes, imageSize: size) })
  }

  private static func blueprint(
    _ configuration: MobileNetV3Configuration, classCount: Int, imageSize: Int
  ) -> Blueprint {
    var builder = BlueprintBuilder(
      inputSize: [configuration.inputChannels, imageSize, imageSize], classCount: classCount)
    // The model, features, avgpool, classifier with activation and dropout.
    builder.countModules(6)
    var feature = convolution(
      &builder, "features.0", builder.input, filters: configuration.stem, kernel: 3, stride: 2)
    feature = activation(&builder, "features.0.2", feature, hard: true)
    for (index, (row, block)) in zip(configuration.table.rows, configuration.blocks).enumerated() {
      feature = residual(&builder, "features.\(index + 1)", feature, row, block)
    }
    let last = "features.\(configuration.blocks.count + 1)"
    feature = convolution(&builder, last, feature, filters: configuration.last, kernel: 1)
    feature = activation(&builder, "\(last).2", feature, hard: true)
    feature = builder.globalAveragePool("avgpool", feature)
    feature = builder.linear("classifier.0", feature, width: configuration.hidden)
    feature = builder.hardswish("classifier.1", feature)
    builder.classifier("classifier.3", feature)
    return builder.blueprint
  }

  /// `Conv2dNormActivation`: a container of convolution and batch normalisation.
  private static func convolution(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, filters: Int, kernel: Int,
    stride: Int = 1, groups: Int = 1
  ) -> Feature {
    builder.countModules(1)
    let feature = builder.convolution(
      "\(path).0", input, filters: filters, kernel: kernel, stride: stride, groups: groups)
    return builder.batchNormalization("\(path).1", feature, epsilon: epsilon)
  }

  private static func activation(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, hard: Bool
  ) -> Feature {
    builder.countModules(1)
    return hard ? builder.hardswish(path, input) : builder.relu(path, input)
  }

  private static func residual(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ row: MobileNetV3Table.Row,
    _ block: MobileNetV3Configuration.Block
  ) -> Feature {
    // The block and its container.
    builder.countModules(2)
    var feature = input
    var number = 0
    if block.expands {
      feature = convolution(&builder, "\(path).block.0", feature, filters: block.expanded, kernel: 1)
      feature = activation(&builder, "\(path).block.0.2", feature, hard: row.hard)
      number = 1
    }
    let depthwise = "\(path).block.\(number)"
    feature = convolution(
      &builder, depthwise, feature, filters: feature.channels, kernel: row.kernel, stride: row.stride,
      groups: feature.channels)
    feature = activation(&builder, "\(depthwise).2", feature, hard: row.hard)
    if let squeezed = block.squeezed {
      number += 1
      // The module, its pooling and two activations.
      builder.countModules(4)
      feature = builder.squeezeExcitation(
        "\(path).block.\(number)", feature, squeezed: squeezed, gate: { $0.hardsigmoid($1, $2) })
    }
    feature = convolution(
      &builder, "\(path).block.\(number + 1)", feature, filters: block.output, kernel: 1)
    return row.stride == 1 && input.channels == block.output
      ? builder.add("\(path).add", feature, input) : feature
  }
}
