import ScopeGraph

/// timm's ConvNeXt and ConvNeXt V2.
///
/// Structure as in timm `models/convnext.py` with a patch stem: 7x7 depthwise convolution, layer normalisation,
/// perceptron of linear layers or 1x1 convolutions (`conv_mlp`), layer scale (`gamma`) or global response
/// normalisation (`mlp.grn`, V2); epsilon 1e-6.
enum TimmConvNeXt: ArchitectureFamily {
  static let name = "ConvNeXt"
  static let anchors = ["stages.0.blocks.0.conv_dw.weight", "stem.0.weight"]
  static let foreign = ["stem.2.", "stem.3.", "head.pre_logits."]

  private struct Options: Sendable {
    /// The perceptron is made of 1x1 convolutions.
    var convolutions: Bool
    /// ConvNeXt V2.
    var responseNormalization: Bool
  }

  private typealias Configuration = ConvNeXt.Configuration

  /// Sizes beyond torchvision's, whose perceptrons are convolutions up to `Nano`.
  private static let published: [(name: String, configuration: Configuration)] =
    [
      ("Atto", Configuration(depths: [2, 2, 6, 2], widths: [40, 80, 160, 320])),
      ("Femto", Configuration(depths: [2, 2, 6, 2], widths: [48, 96, 192, 384])),
      ("Pico", Configuration(depths: [2, 2, 6, 2], widths: [64, 128, 256, 512])),
      ("Nano", Configuration(depths: [2, 2, 8, 2], widths: [80, 160, 320, 640])),
    ] + Configuration.published + [
      ("XLarge", Configuration(depths: [3, 3, 27, 3], widths: [256, 512, 1024, 2048])),
      ("Huge", Configuration(depths: [3, 3, 27, 3], widths: [352, 704, 1408, 2816])),
    ]

  static func depths(of tensors: NamedTensors) -> [Int] {
    let shapes = TensorShapes(tensors)
    return (0..<shapes.count { "stages.\($0).blocks.0.conv_dw.weight" }).map { stage in
      shapes.count { "stages.\(stage).blocks.\($0).conv_dw.weight" }
    }
  }

  static var variants: [ArchitectureVariant] {
    let small = Set(["Atto", "Femto", "Pico", "Nano"])
    return [false, true].flatMap { second in
      published.filter { $0.name != (second ? "XLarge" : "Huge") }.map {
        variant(
          $0.configuration,
          Options(
            convolutions: small.contains($0.name), responseNormalization: second))
      }
    }
  }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    let depths = depths(of: tensors)
    return ScopeArchitectures.candidates(
      derived: derived(tensors, depths), published: variants, depths: depths)
  }

  private static func derived(_ tensors: NamedTensors, _ depths: [Int]) -> ArchitectureVariant? {
    let shapes = TensorShapes(tensors)
    guard (1...8).contains(depths.count), let stem = shapes.shape("stem.0.weight", rank: 4),
      stem[2] == stem[3], stem[2] <= 64,
      let first = shapes.shape("stages.0.blocks.0.conv_dw.weight", rank: 4), first[2] == first[3],
      first[2] % 2 == 1, first[2] <= 63
    else { return nil }
    var widths: [Int] = []
    for stage in depths.indices {
      guard let depthwise = shapes.shape("stages.\(stage).blocks.0.conv_dw.weight", rank: 4) else {
        return nil
      }
      widths.append(depthwise[0])
    }
    return variant(
      Configuration(depths: depths, widths: widths, patch: stem[2], kernel: first[2]),
      Options(
        convolutions: tensors["stages.0.blocks.0.mlp.fc1.weight"]?.dimensions.count == 4,
        responseNormalization: shapes.has("stages.0.blocks.0.mlp.grn.weight")))
  }

  private static func variant(_ configuration: Configuration, _ options: Options) -> ArchitectureVariant {
    let size = published.first { $0.configuration == configuration }?.name
    let family = options.responseNormalization ? "ConvNeXt V2" : "ConvNeXt"
    // timm's configurations: fine-tuned from ImageNet-12k (crop 0.95) for these, else 0.875.
    let tuned = !options.responseNormalization && ["Nano", "Tiny", "Small"].contains(size)
    // Huge was only tuned at 384 pixels, of the whole image.
    let crop = size == "Huge" ? 384 : 224
    return ArchitectureVariant(
      family: family, name: "\(family) \(size ?? "(\(configuration.description))") (timm)",
      year: options.responseNormalization ? 2023 : 2022,
      citation: options.responseNormalization
        ? "Woo et al.: ConvNeXt V2: Co-designing and Scaling ConvNets with Masked Autoencoders, arXiv:2301.00808"
        : ConvNeXt.citation,
      summary: options.responseNormalization
        ? "ConvNeXt with global response normalisation, pre-trained as a masked autoencoder."
        : ConvNeXt.summary,
      preprocessing: .timm(size: crop, thousandths: crop == 384 ? 1000 : tuned ? 950 : 875), imageSize: crop,
      depths: configuration.depths,
      structure: "timm names, \(configuration.description)"
        + (options.convolutions ? ", 1x1 convolutions as perceptron" : "")
        + (options.responseNormalization ? ", global response normalisation" : ""),
      assumptions: [
        "GELU by the error function and layer-normalisation epsilon 1e-6 as in timm",
        "stochastic depth is inactive at inference",
      ],
      classifier: "head.fc",
      blueprint: { classes, size in
        blueprint(configuration, options, classCount: classes, imageSize: size)
      })
  }

  private static func blueprint(
    _ configuration: Configuration, _ options: Options, classCount: Int, imageSize: Int
  ) -> Blueprint {
    var builder = BlueprintBuilder(inputSize: [3, imageSize, imageSize], classCount: classCount)
    // The model, stem, stages, norm_pre, head with global_pool (2 inside), flatten, pre_logits and drop.
    builder.countModules(11)
    var feature = builder.convolution(
      "stem.0", builder.input, filters: configuration.widths[0], kernel: configuration.patch,
      stride: configuration.patch, pads: [0, 0, 0, 0], bias: true)
    feature = builder.channelNormalization("stem.1", feature, epsilon: ConvNeXt.epsilon)
    for (stage, depth) in configuration.depths.enumerated() {
      // The stage, its downsampling (or an identity) and its list of blocks.
      builder.countModules(3)
      let path = "stages.\(stage)"
      if stage > 0 {
        feature = builder.channelNormalization("\(path).downsample.0", feature, epsilon: ConvNeXt.epsilon)
        feature = builder.convolution(
          "\(path).downsample.1", feature, filters: configuration.widths[stage], kernel: 2, stride: 2,
          pads: [0, 0, 0, 0], bias: true)
      }
      for index in 0..<depth {
        feature = block(
          &builder, "\(path).blocks.\(index)", feature, options, kernel: configuration.kernel)
      }
    }
    let pooled = builder.mean("head.global_pool", feature, axes: [2, 3])
    builder.classifier(
      "head.fc", builder.layerNormalization("head.norm", pooled, epsilon: ConvNeXt.epsilon))
    return builder.blueprint
  }

  private static func block(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ options: Options, kernel: Int
  ) -> Feature {
    let width = input.channels
    // The block, shortcut, drop_path; the perceptron with activation, two dropouts and (without response
    // normalisation) an identity.
    builder.countModules(options.responseNormalization ? 7 : 8)
    if !options.responseNormalization {
      builder.countOwner()
      _ = builder.ownParameter("\(path).gamma", [width])
    }
    var feature = builder.convolution(
      "\(path).conv_dw", input, filters: width, kernel: kernel, groups: width, bias: true)
    feature = builder.channelsLast("\(path).conv_dw.last", feature)
    feature = builder.layerNormalization("\(path).norm", feature, epsilon: ConvNeXt.epsilon)
    feature = linear(&builder, "\(path).mlp.fc1", feature, width: 4 * width, options)
    feature = builder.gelu("\(path).mlp.act", feature)
    if options.responseNormalization { feature = responseNormalization(&builder, "\(path).mlp.grn", feature) }
    feature = linear(&builder, "\(path).mlp.fc2", feature, width: width, options)
    if !options.responseNormalization {
      feature = builder.scale("\(path).gamma", feature, by: "\(path).gamma")
    }
    feature = builder.channelsFirst("\(path).first", feature)
    return builder.add("\(path).add", feature, input)
  }

  /// A linear layer over [N, H, W, C], whose weight may be that of a 1x1 convolution.
  private static func linear(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, width: Int, _ options: Options
  ) -> Feature {
    guard options.convolutions else { return builder.tokenLinear(path, input, width: width) }
    let first = builder.channelsFirst("\(path).first", input)
    let feature = builder.convolution(path, first, filters: width, kernel: 1, bias: true)
    return builder.channelsLast("\(path).last", feature)
  }

  /// x + bias + weight x g / (mean of g + 1e-6), where g is the norm of each channel over all positions
  /// (section 3.2 of the paper, timm's `GlobalResponseNorm`); [N, H, W, C].
  private static func responseNormalization(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature
  ) -> Feature {
    let width = input.channels
    builder.expect("\(path).weight", [width], .parameter)
    builder.expect("\(path).bias", [width], .parameter)
    builder.countLayer(isWeightLayer: false)
    let norm = builder.emit(
      "ReduceL2", "\(path).norm", [input.name], channels: width,
      ["axes": .ints([1, 2]), "keepdims": .int(1 as Int)])
    let mean = builder.emit(
      "ReduceMean", "\(path).mean", [norm.name], channels: 1,
      ["axes": .ints([-1]), "keepdims": .int(1 as Int)])
    let bounded = builder.emit("Add", "\(path).bounded", [mean.name, builder.number(1e-6)], channels: 1)
    let ratio = builder.emit("Div", "\(path).ratio", [norm.name, bounded.name], channels: width)
    let response = builder.emit("Mul", "\(path).response", [input.name, ratio.name], channels: width)
    let scaled = builder.emit("Mul", "\(path).scaled", [response.name, "\(path).weight"], channels: width)
    let shifted = builder.emit("Add", "\(path).shifted", [scaled.name, "\(path).bias"], channels: width)
    return builder.add(path, input, shifted)
  }
}
