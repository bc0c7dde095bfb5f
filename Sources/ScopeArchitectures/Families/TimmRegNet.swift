import ScopeGraph

/// timm's RegNetX and RegNetY: `regnetx_002` to `regnety_1280`, and any other depths, widths and group widths.
///
/// Structure as in timm `models/regnet.py`; the same networks as torchvision's under other names, with more sizes.
enum TimmRegNet: ArchitectureFamily {
  static let name = "RegNet"
  static let anchors = ["s1.b1.conv1.conv.weight"]
  static let foreign: [String] = []
  private static let epsilon: Float = 1e-5

  /// Sizes with timm's crop in thousandths of the resized side.
  private static let published: [(name: String, thousandths: Int, configuration: RegNetConfiguration)] = [
    ("X 200MF", 875, .size("X", [1, 1, 4, 7], [24, 56, 152, 368], group: 8)),
    ("X 400MF", 875, .size("X", [1, 2, 7, 12], [32, 64, 160, 384], group: 16)),
    ("X 400MF wide", 965, .size("X", [1, 2, 7, 12], [32, 64, 160, 400], group: 16)),
    ("X 600MF", 875, .size("X", [1, 3, 5, 7], [48, 96, 240, 528], group: 24)),
    ("X 800MF", 965, .size("X", [1, 3, 7, 5], [64, 128, 288, 672], group: 16)),
    ("X 1.6GF", 965, .size("X", [2, 4, 10, 2], [72, 168, 408, 912], group: 24)),
    ("X 3.2GF", 965, .size("X", [2, 6, 15, 2], [96, 192, 432, 1008], group: 48)),
    ("X 4GF", 875, .size("X", [2, 5, 14, 2], [80, 240, 560, 1360], group: 40)),
    ("X 6.4GF", 875, .size("X", [2, 4, 10, 1], [168, 392, 784, 1624], group: 56)),
    ("X 8GF", 965, .size("X", [2, 5, 15, 1], [80, 240, 720, 1920], group: 120)),
    ("X 12GF", 875, .size("X", [2, 5, 11, 1], [224, 448, 896, 2240], group: 112)),
    ("X 16GF", 965, .size("X", [2, 6, 13, 1], [256, 512, 896, 2048], group: 128)),
    ("X 32GF", 965, .size("X", [2, 7, 13, 1], [336, 672, 1344, 2520], group: 168)),
    ("Y 200MF", 875, .size("Y", [1, 1, 4, 7], [24, 56, 152, 368], group: 8)),
    ("Y 400MF", 965, .size("Y", [1, 3, 6, 6], [48, 104, 208, 440], group: 8)),
    ("Y 600MF", 875, .size("Y", [1, 3, 7, 4], [48, 112, 256, 608], group: 16)),
    ("Y 800MF", 875, .size("Y", [1, 3, 8, 2], [64, 128, 320, 768], group: 16)),
    ("Y 800MF wide", 965, .size("Y", [1, 3, 8, 2], [64, 144, 320, 784], group: 16)),
    ("Y 1.6GF", 965, .size("Y", [2, 6, 17, 2], [48, 120, 336, 888], group: 24)),
    ("Y 3.2GF", 950, .size("Y", [2, 5, 13, 1], [72, 216, 576, 1512], group: 24)),
    ("Y 4GF", 950, .size("Y", [2, 6, 12, 2], [128, 192, 512, 1088], group: 64)),
    ("Y 6.4GF", 950, .size("Y", [2, 7, 14, 2], [144, 288, 576, 1296], group: 72)),
    ("Y 8GF", 950, .size("Y", [2, 4, 10, 1], [168, 448, 896, 2016], group: 56)),
    ("Y 8GF wide", 965, .size("Y", [2, 4, 10, 1], [224, 448, 896, 2016], group: 56)),
    ("Y 12GF", 950, .size("Y", [2, 5, 11, 1], [224, 448, 896, 2240], group: 112)),
    ("Y 16GF", 950, .size("Y", [2, 4, 11, 1], [224, 448, 1232, 3024], group: 112)),
    ("Y 32GF", 965, .size("Y", [2, 5, 12, 1], [232, 696, 1392, 3712], group: 232)),
    ("Y 64GF", 1000, .size("Y", [2, 5, 12, 1], [328, 984, 1968, 4920], group: 328)),
    ("Y 128GF", 1000, .size("Y", [2, 7, 17, 1], [528, 1056, 2904, 7392], group: 264)),
  ]

  private static func path(_ stage: Int, _ block: Int) -> String { "s\(stage + 1).b\(block + 1)" }

  static func depths(of tensors: NamedTensors) -> [Int] {
    let shapes = TensorShapes(tensors)
    return (0..<shapes.count { "\(path($0, 0)).conv1.conv.weight" }).map { stage in
      shapes.count { "\(path(stage, $0)).conv1.conv.weight" }
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
    guard let stem = shapes.shape("stem.conv.weight", rank: 4) else { return nil }
    var configuration = RegNetConfiguration(
      depths: depths, widths: [], groupWidths: [], squeezes: shapes.has("s1.b1.se.fc1.weight"), stem: stem[0])
    for stage in depths.indices {
      guard let grouped = shapes.shape("\(path(stage, 0)).conv2.conv.weight", rank: 4) else { return nil }
      configuration.widths.append(grouped[0])
      configuration.groupWidths.append(grouped[1])
    }
    return configuration.isPossible ? variant(configuration) : nil
  }

  private static func variant(_ configuration: RegNetConfiguration) -> ArchitectureVariant {
    let size = published.first { $0.configuration == configuration }
    let crop = size?.thousandths == 1000 ? 384 : 224
    return ArchitectureVariant(
      family: name,
      name: "RegNet\(size?.name ?? "\(configuration.letter) (\(configuration.description))") (timm)",
      year: 2020,
      citation: RegNetConfiguration.citation, summary: RegNetConfiguration.summary,
      preprocessing: .timm(size: crop, thousandths: size?.thousandths ?? 875), imageSize: crop,
      depths: configuration.depths,
      structure: "timm names, \(configuration.description)"
        + (configuration.squeezes ? ", squeeze-and-excitation" : ""),
      assumptions: [
        "ReLU activations and batch-normalisation epsilon 1e-5 as in timm",
        "stride 2 in the 3x3 convolution that opens each stage",
      ],
      classifier: "head.fc",
      blueprint: { classes, size in blueprint(configuration, classCount: classes, imageSize: size) })
  }

  private static func blueprint(
    _ configuration: RegNetConfiguration, classCount: Int, imageSize: Int
  ) -> Blueprint {
    var builder = BlueprintBuilder(inputSize: [3, imageSize, imageSize], classCount: classCount)
    // The model, final_conv, and the head with global_pool (2 inside), drop and flatten.
    builder.countModules(8)
    var feature = convolution(
      &builder, "stem", builder.input, filters: configuration.stem, kernel: 3, stride: 2)
    for (stage, depth) in configuration.depths.enumerated() {
      builder.countModules(1)
      for index in 0..<depth {
        feature = block(&builder, path(stage, index), feature, configuration, stage: stage, opens: index == 0)
      }
    }
    feature = builder.globalAveragePool("head.global_pool", feature)
    builder.classifier("head.fc", feature)
    return builder.blueprint
  }

  private static func block(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ configuration: RegNetConfiguration,
    stage: Int, opens: Bool
  ) -> Feature {
    let width = configuration.widths[stage]
    let stride = opens ? 2 : 1
    // The block, act3, drop_path and an identity where nothing is projected, another where nothing is squeezed.
    builder.countModules((opens ? 3 : 4) + (configuration.squeezes ? 0 : 1))
    var feature = convolution(&builder, "\(path).conv1", input, filters: width, kernel: 1)
    feature = convolution(
      &builder, "\(path).conv2", feature, filters: width, kernel: 3, stride: stride,
      groups: width / configuration.groupWidths[stage])
    if configuration.squeezes {
      // The module, bn, act and gate.
      builder.countModules(4)
      feature = builder.squeezeExcitation("\(path).se", feature, squeezed: max(1, input.channels / 4))
    }
    feature = convolution(&builder, "\(path).conv3", feature, filters: width, kernel: 1, activates: false)
    var shortcut = input
    if opens {
      shortcut = convolution(
        &builder, "\(path).downsample", input, filters: width, kernel: 1, stride: stride, activates: false)
    }
    return builder.relu("\(path).act3", builder.add("\(path).add", feature, shortcut))
  }

  /// `ConvNormAct`: convolution and normalisation with drop and act inside.
  private static func convolution(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, filters: Int, kernel: Int,
    stride: Int = 1, groups: Int = 1, activates: Bool = true
  ) -> Feature {
    builder.countModules(3)
    var feature = builder.convolution(
      "\(path).conv", input, filters: filters, kernel: kernel, stride: stride, groups: groups)
    feature = builder.batchNormalization("\(path).bn", feature, epsilon: epsilon)
    return activates ? builder.relu("\(path).bn.act", feature) : feature
  }
}
