import ScopeGraph

/// timm's EfficientNet and EfficientNetV2: `efficientnet_b0`, `tf_efficientnet_b0`, `efficientnetv2_rw_s` ...
///
/// Structure as in timm `models/efficientnet.py`. A `tf_` model has the same names and shapes as its sibling, but
/// TensorFlow's `SAME` padding and batch-normalisation epsilon 1e-3: the one is taken that the file names
/// (`arch` of a training checkpoint), else the one that weights were published for.
enum TimmEfficientNet: ArchitectureFamily {
  static let name = "EfficientNet"
  static let anchors = ["blocks.0.0.conv_dw.weight", "blocks.0.0.conv_exp.weight", "blocks.0.0.conv.weight"]
  static let foreign = ["features.", "_blocks."]

  /// timm's name without `tf_`, crop in pixels and share of the resized side in thousandths, for the model and its
  /// `tf_` sibling; nil where there is none.
  private struct Entry: Sendable {
    let name: String
    let timm: String
    var plain: (crop: Int, thousandths: Int, symmetric: Bool)?
    var tensorFlow: (crop: Int, thousandths: Int, symmetric: Bool)?
    /// Only the `tf_` sibling has published weights.
    var prefersTensorFlow = false
  }

  private static let entries: [Entry] = [
    Entry(name: "-B0", timm: "efficientnet_b0", plain: (224, 875, false), tensorFlow: (224, 875, false)),
    Entry(name: "-B1", timm: "efficientnet_b1", plain: (240, 900, true), tensorFlow: (240, 882, false)),
    Entry(name: "-B2", timm: "efficientnet_b2", plain: (256, 875, false), tensorFlow: (260, 890, false)),
    Entry(name: "-B3", timm: "efficientnet_b3", plain: (288, 875, false), tensorFlow: (300, 904, false)),
    Entry(name: "-B4", timm: "efficientnet_b4", plain: (320, 875, false), tensorFlow: (380, 922, false)),
    Entry(name: "-B5", timm: "efficientnet_b5", plain: (448, 1000, false), tensorFlow: (456, 934, false)),
    Entry(
      name: "-B6", timm: "efficientnet_b6", plain: (528, 942, false), tensorFlow: (528, 942, false),
      prefersTensorFlow: true),
    Entry(
      name: "-B7", timm: "efficientnet_b7", plain: (600, 949, false), tensorFlow: (600, 949, false),
      prefersTensorFlow: true),
    Entry(
      name: "-B8", timm: "efficientnet_b8", plain: (672, 954, false), tensorFlow: (672, 954, true),
      prefersTensorFlow: true),
    Entry(
      name: "V2-S", timm: "efficientnetv2_s", plain: (288, 1000, false), tensorFlow: (300, 1000, true),
      prefersTensorFlow: true),
    Entry(
      name: "V2-M", timm: "efficientnetv2_m", plain: (320, 1000, false), tensorFlow: (384, 1000, true),
      prefersTensorFlow: true),
    Entry(
      name: "V2-L", timm: "efficientnetv2_l", plain: (384, 1000, false), tensorFlow: (384, 1000, true),
      prefersTensorFlow: true),
    Entry(
      name: "V2-XL", timm: "efficientnetv2_xl", plain: (384, 1000, false), tensorFlow: (384, 1000, true),
      prefersTensorFlow: true),
    Entry(name: "V2-B0", timm: "efficientnetv2_b0", tensorFlow: (192, 875, false), prefersTensorFlow: true),
    Entry(name: "V2-B1", timm: "efficientnetv2_b1", tensorFlow: (192, 882, false), prefersTensorFlow: true),
    Entry(name: "V2-B2", timm: "efficientnetv2_b2", tensorFlow: (208, 890, false), prefersTensorFlow: true),
    Entry(name: "V2-B3", timm: "efficientnetv2_b3", tensorFlow: (240, 900, true), prefersTensorFlow: true),
    Entry(name: "V2-RW-T", timm: "efficientnetv2_rw_t", plain: (224, 1000, false)),
    Entry(name: "V2-RW-S", timm: "efficientnetv2_rw_s", plain: (288, 1000, false)),
    Entry(name: "V2-RW-M", timm: "efficientnetv2_rw_m", plain: (320, 1000, false)),
  ]

  static func depths(of tensors: NamedTensors) -> [Int] {
    let shapes = TensorShapes(tensors)
    return (0..<shapes.count { "blocks.\($0).0.bn1.weight" }).map { stage in
      shapes.count { "blocks.\(stage).\($0).bn1.weight" }
    }
  }

  static var variants: [ArchitectureVariant] {
    entries.flatMap { entry in
      [false, true].filter { ($0 ? entry.tensorFlow : entry.plain) != nil }.compactMap { tensorFlow in
        EfficientNetConfiguration.published(entry.name).map { variant($0, tensorFlow: tensorFlow) }
      }
    }
  }

  static func candidates(for tensors: NamedTensors, declaredName: String?) -> [ArchitectureVariant] {
    let depths = depths(of: tensors)
    let configuration = configuration(of: tensors, depths)
    let declared = declaredName.flatMap { name in
      name.hasPrefix("tf_") ? true : name.hasPrefix("efficientnet") ? false : nil
    }
    let found = configuration.map { configuration in
      let entry = entries.first { $0.name == configuration.publishedName }
      return variant(configuration, tensorFlow: declared ?? entry?.prefersTensorFlow ?? false)
    }
    return ScopeArchitectures.candidates(
      derived: found, published: variants, depths: depths)
  }

  private static func configuration(of tensors: NamedTensors, _ depths: [Int]) -> EfficientNetConfiguration? {
    let shapes = TensorShapes(tensors)
    guard (1...EfficientNetConfiguration.strides.count).contains(depths.count),
      let stem = shapes.shape("conv_stem.weight", rank: 4),
      let head = shapes.shape("conv_head.weight", rank: 4)
    else { return nil }
    var result = EfficientNetConfiguration(stem: stem[0], stages: [], head: head[0])
    var width = stem[0]
    for (stage, repeats) in depths.enumerated() {
      func weight(_ name: String) -> [Int]? { shapes.shape("blocks.\(stage).0.\(name).weight", rank: 4) }
      let kind: EfficientNetConfiguration.Stage.Kind
      let parts: (spatial: [Int], last: [Int], hidden: Int)
      if let expand = weight("conv_exp"), let last = weight("conv_pwl") {
        (kind, parts) = (.fused, (expand, last, expand[0]))
      } else if let depthwise = weight("conv_dw"), let expand = weight("conv_pw"),
        let last = weight("conv_pwl")
      {
        (kind, parts) = (.inverted, (depthwise, last, expand[0]))
      } else if let depthwise = weight("conv_dw"), let last = weight("conv_pw") {
        (kind, parts) = (.separable, (depthwise, last, width))
      } else if let plain = weight("conv") {
        (kind, parts) = (.plain, (plain, plain, width))
      } else {
        return nil
      }
      guard parts.spatial[2] == parts.spatial[3], parts.spatial[2] <= 31, parts.spatial[2] % 2 == 1,
        parts.hidden % width == 0, (1...16).contains(parts.hidden / width)
      else { return nil }
      result.stages.append(
        EfficientNetConfiguration.Stage(
          kind: kind, repeats: repeats, kernel: parts.spatial[2], expansion: parts.hidden / width,
          filters: parts.last[0]))
      width = parts.last[0]
    }
    return result
  }

  private static func variant(
    _ configuration: EfficientNetConfiguration, tensorFlow: Bool
  ) -> ArchitectureVariant {
    let published = configuration.publishedName
    let entry = entries.first { $0.name == published }
    let input = (tensorFlow ? entry?.tensorFlow : entry?.plain) ?? (224, 875, false)
    let family = configuration.isSecondVersion ? "EfficientNetV2" : name
    let hasSibling = entry.map { $0.plain != nil && $0.tensorFlow != nil } ?? true
    let sibling =
      tensorFlow
      ? "TensorFlow's SAME padding and batch-normalisation epsilon 1e-3 of timm's tf_ models"
        + (hasSibling
          ? "; the same names and shapes may be of the sibling with symmetric padding and 1e-5" : "")
      : "symmetric padding and batch-normalisation epsilon 1e-5"
        + (hasSibling
          ? "; the same names and shapes may be of timm's tf_ model with SAME padding and 1e-3" : "")
    return ArchitectureVariant(
      family: family,
      name: (published.map { name + $0 } ?? "\(family) (\(configuration.description))")
        + (tensorFlow ? " (timm tf)" : " (timm)"),
      year: configuration.isSecondVersion ? 2021 : 2019, citation: configuration.citation,
      summary: configuration.summary,
      preprocessing: .timm(size: input.crop, thousandths: input.thousandths, symmetric: input.symmetric),
      imageSize: input.crop, depths: configuration.depths,
      structure: "timm names, \(configuration.description)",
      assumptions: ["SiLU activations", sibling, "strides 1-2-2-2-1-2-1 of the stages"],
      classifier: "classifier", declaredName: entry.map { (tensorFlow ? "tf_" : "") + $0.timm },
      blueprint: { classes, size in
        TimmEfficientNetBlueprint(configuration, same: tensorFlow, classCount: classes, imageSize: size)
          .blueprint
      })
  }
}
