import ScopeGraph

/// torchvision's Swin transformers: Swin-T, S, B, their second version, and any other depths, width and window.
///
/// Structure as in torchvision `models/swin_transformer.py`; width, depths, heads, window and patch are read from
/// the shapes. The graph holds for one image size: padding, shifts and masks follow from it.
enum SwinTransformer: ArchitectureFamily {
  static let name = "Swin"
  static let anchors = ["features.1.0.attn.qkv.weight"]
  static let foreign: [String] = []

  /// Published sizes: letter, width, depths and heads of the stages.
  static let published: [(letter: String, width: Int, depths: [Int], heads: [Int])] = [
    ("T", 96, [2, 2, 6, 2], [3, 6, 12, 24]),
    ("S", 96, [2, 2, 18, 2], [3, 6, 12, 24]),
    ("B", 128, [2, 2, 18, 2], [4, 8, 16, 32]),
    ("L", 192, [2, 2, 18, 2], [6, 12, 24, 48]),
  ]

  static func depths(of tensors: NamedTensors) -> [Int] {
    let shapes = TensorShapes(tensors)
    return (0..<shapes.count { "features.\(2 * $0 + 1).0.attn.qkv.weight" }).map { stage in
      shapes.count { "features.\(2 * stage + 1).\($0).attn.qkv.weight" }
    }
  }

  static var variants: [ArchitectureVariant] {
    [false, true].flatMap { second in
      published.dropLast().map {
        variant(
          SwinConfiguration(
            width: $0.width, depths: $0.depths, heads: $0.heads, window: second ? 8 : 7,
            isSecondVersion: second,
            names: .torchvision))
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
    let second = shapes.has("features.1.0.attn.logit_scale")
    guard (1...6).contains(depths.count), let stem = shapes.shape("features.0.0.weight", rank: 4),
      stem[2] == stem[3], stem[2] <= 32, stem[0] <= 4096,
      let hidden = shapes.shape("features.1.0.mlp.0.weight", rank: 2), hidden[0] % stem[0] == 0
    else { return nil }
    var heads: [Int] = []
    var window: Int?
    for stage in depths.indices {
      let attention = "features.\(2 * stage + 1).0.attn"
      if second {
        guard let scale = shapes.shape("\(attention).logit_scale", rank: 3),
          let coordinates = shapes.shape("\(attention).relative_coords_table", rank: 4)
        else { return nil }
        heads.append(scale[0])
        window = window ?? (coordinates[1] + 1) / 2
      } else {
        guard let table = shapes.shape("\(attention).relative_position_bias_table", rank: 2) else {
          return nil
        }
        heads.append(table[1])
        window = window ?? SwinConfiguration.window(ofTable: table[0])
      }
    }
    guard let window, (2...SwinConfiguration.largestWindow).contains(window) else { return nil }
    let configuration = SwinConfiguration(
      width: stem[0], depths: depths, heads: heads, window: window, patch: stem[2],
      expansion: hidden[0] / stem[0], isSecondVersion: second, names: .torchvision)
    return configuration.isPossible ? variant(configuration) : nil
  }

  private static func variant(_ configuration: SwinConfiguration) -> ArchitectureVariant {
    let letter = configuration.letter(window: configuration.isSecondVersion ? 8 : 7)
    let family = configuration.isSecondVersion ? "Swin V2" : "Swin"
    let size = configuration.usualImageSize
    // torchvision's weights: the resize differs with the size.
    let resizes =
      configuration.isSecondVersion ? ["T": 260, "S": 260, "B": 272] : ["T": 232, "S": 246, "B": 238]
    return ArchitectureVariant(
      family: family, name: letter.map { "\(family)-\($0)" } ?? "\(family) (\(configuration.description))",
      year: 2021, citation: configuration.citation, summary: configuration.summary,
      preprocessing: .classification(resize: resizes[letter ?? ""] ?? size * 8 / 7, crop: size, .bicubic),
      imageSize: size, depths: configuration.depths,
      structure: "torchvision names, \(configuration.description)",
      assumptions: configuration.assumptions("torchvision"), classifier: "head",
      imageSizes: ImageSizes(range: 32...1024),
      blueprint: { classes, size in
        SwinBlueprint.make(configuration, classCount: classes, imageSize: size)
      })
  }
}
