import ScopeGraph

/// torchvision's ConvNeXt: tiny, small, base, large and any other depths and widths.
///
/// Structure as in torchvision `models/convnext.py`: a patch convolution, four stages of 7x7 depthwise convolution,
/// layer normalisation, perceptron and layer scale, downsampling by normalised 2x2 convolutions; epsilon 1e-6.
enum ConvNeXt: ArchitectureFamily {
  static let name = "ConvNeXt"
  static let anchors = ["features.1.0.layer_scale", "features.0.0.weight"]
  static let foreign = ["classifier.1.", "features.18."]
  static let epsilon: Float = 1e-6

  /// The sizes that are not in the names.
  struct Configuration: Sendable, Equatable {
    var depths: [Int]
    var widths: [Int]
    /// Side of the stem's patches.
    var patch = 4
    /// Side of the depthwise kernel, an odd number.
    var kernel = 7

    static func == (left: Self, right: Self) -> Bool {
      left.depths == right.depths && left.widths == right.widths && left.patch == right.patch
        && left.kernel == right.kernel
    }

    /// Published sizes with their name.
    static let published: [(name: String, configuration: Configuration)] = [
      ("Tiny", Configuration(depths: [3, 3, 9, 3], widths: [96, 192, 384, 768])),
      ("Small", Configuration(depths: [3, 3, 27, 3], widths: [96, 192, 384, 768])),
      ("Base", Configuration(depths: [3, 3, 27, 3], widths: [128, 256, 512, 1024])),
      ("Large", Configuration(depths: [3, 3, 27, 3], widths: [192, 384, 768, 1536])),
    ]

    var description: String {
      "depths \(dashed(depths)), widths \(dashed(widths))"
        + (patch == 4 ? "" : ", patch \(patch)") + (kernel == 7 ? "" : ", kernel \(kernel)")
    }
  }

  static let citation = "Liu, Mao, Wu, Feichtenhofer, Darrell, Xie: A ConvNet for the 2020s, arXiv:2201.03545"
  static let summary =
    "A convolutional network modernised step by step until it matches vision transformers of its size."

  static func depths(of tensors: NamedTensors) -> [Int] {
    let shapes = TensorShapes(tensors)
    return (0..<shapes.count { "features.\(2 * $0 + 1).0.layer_scale" }).map { stage in
      shapes.count { "features.\(2 * stage + 1).\($0).layer_scale" }
    }
  }

  static var variants: [ArchitectureVariant] { Configuration.published.map { variant($0.configuration) } }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    let depths = depths(of: tensors)
    return ScopeArchitectures.candidates(
      derived: derived(tensors, depths), published: variants, depths: depths)
  }

  private static func derived(_ tensors: NamedTensors, _ depths: [Int]) -> ArchitectureVariant? {
    let shapes = TensorShapes(tensors)
    guard (1...8).contains(depths.count), let stem = shapes.shape("features.0.0.weight", rank: 4),
      stem[2] == stem[3], stem[2] <= 64,
      let depthwise = shapes.shape("features.1.0.block.0.weight", rank: 4), depthwise[2] == depthwise[3],
      depthwise[2] % 2 == 1, depthwise[2] <= 63
    else { return nil }
    var widths: [Int] = []
    for stage in depths.indices {
      guard let scale = shapes.shape("features.\(2 * stage + 1).0.layer_scale", rank: 3) else { return nil }
      widths.append(scale[0])
    }
    return variant(Configuration(depths: depths, widths: widths, patch: stem[2], kernel: depthwise[2]))
  }

  private static func variant(_ configuration: Configuration) -> ArchitectureVariant {
    let published = Configuration.published.first { $0.configuration == configuration }?.name
    // torchvision's weights: the resize differs with the size.
    let resize = ["Tiny": 236, "Small": 230, "Base": 232, "Large": 232][published ?? ""] ?? 256
    return ArchitectureVariant(
      family: name, name: "ConvNeXt \(published ?? "(\(configuration.description))")", year: 2022,
      citation: citation, summary: summary,
      preprocessing: .classification(resize: resize, crop: 224, .bilinear), imageSize: 224,
      depths: configuration.depths, structure: "torchvision names, \(configuration.description)",
      assumptions: [
        "GELU by the error function and layer-normalisation epsilon 1e-6 as in torchvision",
        "stochastic depth is inactive at inference",
      ],
      classifier: "classifier.2",
      blueprint: { classes, size in blueprint(configuration, classCount: classes, imageSize: size) })
  }

  private static func blueprint(
    _ configuration: Configuration, classCount: Int, imageSize: Int
  ) -> Blueprint {
    var builder = BlueprintBuilder(inputSize: [3, imageSize, imageSize], classCount: classCount)
    // The model, features, the stem, avgpool, the classifier and its flattening.
    builder.countModules(6)
    var feature = builder.convolution(
      "features.0.0", builder.input, filters: configuration.widths[0], kernel: configuration.patch,
      stride: configuration.patch, pads: [0, 0, 0, 0], bias: true)
    feature = builder.channelNormalization("features.0.1", feature, epsilon: epsilon)
    for (stage, depth) in configuration.depths.enumerated() {
      if stage > 0 {
        builder.countModules(1)
        let path = "features.\(2 * stage)"
        feature = builder.channelNormalization("\(path).0", feature, epsilon: epsilon)
        feature = builder.convolution(
          "\(path).1", feature, filters: configuration.widths[stage], kernel: 2, stride: 2,
          pads: [0, 0, 0, 0],
          bias: true)
      }
      builder.countModules(1)
      for index in 0..<depth {
        feature = block(
          &builder, "features.\(2 * stage + 1).\(index)", feature, kernel: configuration.kernel)
      }
    }
    let pooled = builder.mean("avgpool", feature, axes: [2, 3])
    builder.classifier("classifier.2", builder.layerNormalization("classifier.0", pooled, epsilon: epsilon))
    return builder.blueprint
  }

  private static func block(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, kernel: Int
  ) -> Feature {
    let width = input.channels
    // The block, its sequence with two permutations and GELU, and stochastic depth.
    builder.countModules(6)
    builder.countOwner()
    let gamma = builder.ownParameter("\(path).layer_scale", [width, 1, 1])
    var feature = builder.convolution(
      "\(path).block.0", input, filters: width, kernel: kernel, groups: width, bias: true)
    feature = builder.channelsLast("\(path).block.1", feature)
    feature = builder.layerNormalization("\(path).block.2", feature, epsilon: epsilon)
    feature = builder.tokenLinear("\(path).block.3", feature, width: 4 * width)
    feature = builder.gelu("\(path).block.4", feature)
    feature = builder.tokenLinear("\(path).block.5", feature, width: width)
    feature = builder.channelsFirst("\(path).block.6", feature)
    feature = builder.scale("\(path).layer_scale", feature, by: gamma.name)
    return builder.add("\(path).add", feature, input)
  }
}
