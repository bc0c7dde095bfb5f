import ScopeGraph

/// torchvision's RegNetX and RegNetY from 400 MF to 128 GF, and any other depths, widths and group widths.
///
/// Structure as in torchvision `models/regnet.py`: bottlenecks without a narrow middle whose 3x3 convolution is
/// grouped, stride 2 in the first block of every stage, batch normalisation with epsilon 1e-5.
enum RegNet: ArchitectureFamily {
  static let name = "RegNet"
  static let anchors = ["trunk_output.block1.block1-0.f.a.0.weight"]
  static let foreign: [String] = []
  private static let epsilon: Float = 1e-5

  private static let published: [(name: String, configuration: RegNetConfiguration)] = [
    ("Y 400MF", .size("Y", [1, 3, 6, 6], [48, 104, 208, 440], group: 8)),
    ("Y 800MF", .size("Y", [1, 3, 8, 2], [64, 144, 320, 784], group: 16)),
    ("Y 1.6GF", .size("Y", [2, 6, 17, 2], [48, 120, 336, 888], group: 24)),
    ("Y 3.2GF", .size("Y", [2, 5, 13, 1], [72, 216, 576, 1512], group: 24)),
    ("Y 8GF", .size("Y", [2, 4, 10, 1], [224, 448, 896, 2016], group: 56)),
    ("Y 16GF", .size("Y", [2, 4, 11, 1], [224, 448, 1232, 3024], group: 112)),
    ("Y 32GF", .size("Y", [2, 5, 12, 1], [232, 696, 1392, 3712], group: 232)),
    ("Y 128GF", .size("Y", [2, 7, 17, 1], [528, 1056, 2904, 7392], group: 264)),
    ("X 400MF", .size("X", [1, 2, 7, 12], [32, 64, 160, 400], group: 16)),
    ("X 800MF", .size("X", [1, 3, 7, 5], [64, 128, 288, 672], group: 16)),
    ("X 1.6GF", .size("X", [2, 4, 10, 2], [72, 168, 408, 912], group: 24)),
    ("X 3.2GF", .size("X", [2, 6, 15, 2], [96, 192, 432, 1008], group: 48)),
    ("X 8GF", .size("X", [2, 5, 15, 1], [80, 240, 720, 1920], group: 120)),
    ("X 16GF", .size("X", [2, 6, 13, 1], [256, 512, 896, 2048], group: 128)),
    ("X 32GF", .size("X", [2, 7, 13, 1], [336, 672, 1344, 2520], group: 168)),
  ]

  private static func path(_ stage: Int, _ block: Int) -> String {
    "trunk_output.block\(stage + 1).block\(stage + 1)-\(block)"
  }

  static func depths(of tensors: NamedTensors) -> [Int] {
    let shapes = TensorShapes(tensors)
    return (0..<shapes.count { "\(path($0, 0)).f.a.0.weight" }).map { stage in
      shapes.count { "\(path(stage, $0)).f.a.0.weight" }
    }
  }

  static var variants: [ArchitectureVariant] { published.map { variant($0.configuration) } }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    let depths = depths(of: tensors)
    return ScopeArchitectures.candidates(
      derived: derived(tensors, depths), published: variants, depths: depths)
  }

  private static func derived(_ tensors: NamedTensors, _ depths: [Int]) -> ArchitectureVariant? {
    let shapes = TensorShapes(tensors)
    guard let stem = shapes.shape("stem.0.weight", rank: 4) else { return nil }
    var configuration = RegNetConfiguration(
      depths: depths, widths: [], groupWidths: [], squeezes: shapes.has("\(path(0, 0)).f.se.fc1.weight"),
      stem: stem[0])
    for stage in depths.indices {
      guard let grouped = shapes.shape("\(path(stage, 0)).f.b.0.weight", rank: 4) else { return nil }
      configuration.widths.append(grouped[0])
      configuration.groupWidths.append(grouped[1])
    }
    return configuration.isPossible ? variant(configuration) : nil
  }

  private static func variant(_ configuration: RegNetConfiguration) -> ArchitectureVariant {
    let size = published.first { $0.configuration == configuration }?.name
    // torchvision's default weights; the largest has only those of SWAG (arXiv:2201.08371).
    let preprocessing: PreprocessingDefaults =
      size == "Y 128GF"
      ? .classification(resize: 384, crop: 384, .bicubic) : .classification(resize: 232, crop: 224, .bilinear)
    return ArchitectureVariant(
      family: name, name: "RegNet\(size ?? "\(configuration.letter) (\(configuration.description))")",
      year: 2020,
      citation: RegNetConfiguration.citation, summary: RegNetConfiguration.summary,
      preprocessing: preprocessing, imageSize: preprocessing.crop ?? 224, depths: configuration.depths,
      structure: "torchvision names, \(configuration.description)"
        + (configuration.squeezes ? ", squeeze-and-excitation" : ""),
      assumptions: [
        "ReLU activations and batch-normalisation epsilon 1e-5 as in torchvision",
        "stride 2 in the 3x3 convolution that opens each stage",
      ],
      classifier: "fc",
      blueprint: { classes, size in blueprint(configuration, classCount: classes, imageSize: size) })
  }

  private static func blueprint(
    _ configuration: RegNetConfiguration, classCount: Int, imageSize: Int
  ) -> Blueprint {
    var builder = BlueprintBuilder(inputSize: [3, imageSize, imageSize], classCount: classCount)
    // The model, its trunk and avgpool.
    builder.countModules(3)
    var feature = convolution(
      &builder, "stem", builder.input, filters: configuration.stem, kernel: 3, stride: 2)
    for (stage, depth) in configuration.depths.enumerated() {
      builder.countModules(1)
      for index in 0..<depth {
        feature = block(&builder, path(stage, index), feature, configuration, stage: stage, opens: index == 0)
      }
    }
    feature = builder.globalAveragePool("avgpool", feature)
    builder.classifier("fc", feature)
    return builder.blueprint
  }

  private static func block(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ configuration: RegNetConfiguration,
    stage: Int, opens: Bool
  ) -> Feature {
    let width = configuration.widths[stage]
    let stride = opens ? 2 : 1
    // The block, its transformation and the last activation.
    builder.countModules(3)
    var shortcut = input
    if opens {
      shortcut = convolution(
        &builder, "\(path).proj", input, filters: width, kernel: 1, stride: stride, activates: false)
    }
    var feature = convolution(&builder, "\(path).f.a", input, filters: width, kernel: 1)
    feature = convolution(
      &builder, "\(path).f.b", feature, filters: width, kernel: 3, stride: stride,
      groups: width / configuration.groupWidths[stage])
    if configuration.squeezes {
      // The module, avgpool, activation and scale_activation.
      builder.countModules(4)
      feature = builder.squeezeExcitation("\(path).f.se", feature, squeezed: max(1, input.channels / 4))
    }
    feature = convolution(&builder, "\(path).f.c", feature, filters: width, kernel: 1, activates: false)
    return builder.relu("\(path).activation", builder.add("\(path).add", shortcut, feature))
  }

  /// `Conv2dNormActivation`.
  private static func convolution(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, filters: Int, kernel: Int,
    stride: Int = 1, groups: Int = 1, activates: Bool = true
  ) -> Feature {
    builder.countModules(activates ? 2 : 1)
    var feature = builder.convolution(
      "\(path).0", input, filters: filters, kernel: kernel, stride: stride, groups: groups)
    feature = builder.batchNormalization("\(path).1", feature, epsilon: epsilon)
    return activates ? builder.relu("\(path).2", feature) : feature
  }
}
