import ScopeGraph

/// timm's MobileNetV3 (`models/mobilenetv3.py`), the same network as torchvision's under other names: `conv_stem`,
/// `blocks.STAGE.BLOCK`, `conv_head` after the pooling. Channels are read from the file.
enum TimmMobileNetV3: ArchitectureFamily {
  static let name = "MobileNetV3"
  static let anchors = ["blocks.0.0.conv_dw.weight", "conv_head.bias"]
  /// `bn2`: the head of timm's EfficientNets and MobileNetV2; `norm_head`: of its MobileNetV4.
  static let foreign = ["bn2.", "norm_head."]
  private static let epsilon: Float = 1e-5

  static var variants: [ArchitectureVariant] {
    MobileNetV3Table.all.map { variant($0.scaled(percent: 100)) }
  }

  static func depths(of tensors: NamedTensors) -> [Int] {
    Array(blockCounts(in: tensors, groups: (0..<7).map { "blocks.\($0)." }).prefix { $0 > 0 }.dropLast())
  }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    (configuration(of: tensors).map { [variant($0)] } ?? []) + variants
  }

  private static func configuration(of tensors: NamedTensors) -> MobileNetV3Configuration? {
    let depths = depths(of: tensors)
    guard let table = MobileNetV3Table.all.first(where: { $0.stages == depths }),
      let stem = tensors.kernel("conv_stem"), let last = tensors.kernel("blocks.\(depths.count).0.conv"),
      let hidden = tensors.kernel("conv_head")
    else {
      return nil
    }
    var blocks: [MobileNetV3Configuration.Block] = []
    for (path, row) in zip(paths(table), table.rows) {
      // The first block of the network does not expand.
      let projection = blocks.isEmpty ? "conv_pw" : "conv_pwl"
      let squeezed = tensors.kernel("\(path).se.conv_reduce")?[0]
      guard let depthwise = tensors.kernel("\(path).conv_dw"),
        let output = tensors.kernel("\(path).\(projection)"), (squeezed != nil) == row.squeezes
      else {
        return nil
      }
      blocks.append(
        MobileNetV3Configuration.Block(
          expanded: depthwise[0], expands: !blocks.isEmpty, squeezed: squeezed, output: output[0]))
    }
    return MobileNetV3Configuration(
      table: table, inputChannels: stem[1], stem: stem[0], blocks: blocks, last: last[0], hidden: hidden[0])
  }

  /// `blocks.0.0` and so on.
  private static func paths(_ table: MobileNetV3Table) -> [String] {
    table.stages.enumerated().flatMap { stage, count in (0..<count).map { "blocks.\(stage).\($0)" } }
  }

  private static func variant(_ configuration: MobileNetV3Configuration) -> ArchitectureVariant {
    ArchitectureVariant(
      family: name, name: "\(configuration.name) (timm)", year: 2019, citation: MobileNetV3Table.citation,
      summary: MobileNetV3Table.summary, preprocessing: .timm(size: 224, thousandths: 875), imageSize: 224,
      depths: configuration.table.stages,
      structure: "timm names, \(configuration.blocks.count) inverted residuals, stem of "
        + "\(configuration.stem) filters",
      assumptions: [
        "ReLU and hard-swish activations, batch-normalisation epsilon 1e-5 and strides as in timm",
        "weights of timm's tf_mobilenetv3 have the same names, but SAME padding, epsilon 1e-3 and pixels in [-1, 1]",
      ],
      classifier: "classifier", imageSizes: ImageSizes(range: 32...8192),
      blueprint: { classes, size in blueprint(configuration, classCount: classes, imageSize: size) })
  }

  private static func blueprint(
    _ configuration: MobileNetV3Configuration, classCount: Int, imageSize: Int
  ) -> Blueprint {
    var builder = BlueprintBuilder(
      inputSize: [configuration.inputChannels, imageSize, imageSize], classCount: classCount)
    // The model, the list of stages and the stages, the pooling with two parts, the head's normalisation (Identity)
    // and activation, flatten.
    builder.countModules(9 + configuration.table.stages.count)
    var feature = builder.convolution(
      "conv_stem", builder.input, filters: configuration.stem, kernel: 3, stride: 2)
    feature = normalization(&builder, "bn1", feature, activation: "hard")
    for (path, (row, block)) in zip(
      paths(configuration.table), zip(configuration.table.rows, configuration.blocks))
    {
      feature = residual(&builder, path, feature, row, block)
    }
    let last = "blocks.\(configuration.table.stages.count).0"
    // The block, its attention (Identity) and its residual path (Identity).
    builder.countModules(lastBlockModules)
    feature = builder.convolution("\(last).conv", feature, filters: configuration.last, kernel: 1)
    feature = normalization(&builder, "\(last).bn1", feature, activation: "hard")
    feature = builder.emit(
      "GlobalAveragePool", "global_pool", [feature.name], channels: feature.channels)
    feature = builder.convolution(
      "conv_head", feature, filters: configuration.hidden, kernel: 1, bias: true)
    feature = builder.hardswish("act2", feature)
    feature = builder.flatten("flatten", feature, positions: 1)
    builder.classifier("classifier", feature)
    return builder.blueprint
  }

  private static let lastBlockModules = 3

  /// `BatchNormAct2d`: a normalisation with a dropout and an activation inside.
  private static func normalization(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, activation: String?
  ) -> Feature {
    builder.countModules(2)
    let feature = builder.batchNormalization(path, input, epsilon: epsilon)
    switch activation {
    case "hard": return builder.hardswish("\(path).act", feature)
    case "relu": return builder.relu("\(path).act", feature)
    default: return feature
    }
  }

  private static func residual(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ row: MobileNetV3Table.Row,
    _ block: MobileNetV3Configuration.Block
  ) -> Feature {
    // The block, its anti-aliasing and residual path (Identity), and the attention's container.
    builder.countModules(4)
    let activation = row.hard ? "hard" : "relu"
    var feature = input
    if block.expands {
      feature = builder.convolution("\(path).conv_pw", feature, filters: block.expanded, kernel: 1)
      feature = normalization(&builder, "\(path).bn1", feature, activation: activation)
    }
    feature = builder.convolution(
      "\(path).conv_dw", feature, filters: feature.channels, kernel: row.kernel, stride: row.stride,
      groups: feature.channels)
    feature = normalization(
      &builder, "\(path).\(block.expands ? "bn2" : "bn1")", feature, activation: activation)
    if let squeezed = block.squeezed {
      // Its two activations.
      builder.countModules(2)
      feature = builder.squeezeExcitation(
        "\(path).se", feature, squeezed: squeezed, reduce: "conv_reduce", expand: "conv_expand",
        gate: { $0.hardsigmoid($1, $2) })
    }
    feature = builder.convolution(
      "\(path).\(block.expands ? "conv_pwl" : "conv_pw")", feature, filters: block.output, kernel: 1)
    feature = normalization(
      &builder, "\(path).\(block.expands ? "bn3" : "bn2")", feature, activation: nil)
    return row.stride == 1 && input.channels == block.output
      ? builder.add("\(path).add", feature, input) : feature
  }
}
