import ScopeGraph

/// timm's Swin transformers (first version): `swin_tiny_patch4_window7_224` and its relatives.
///
/// Structure as in timm `models/swin_transformer.py`: patch merging opens a stage, masks are buffers outside of the
/// state dict. Its second version is not recognised: the state dict does not hold the window's size.
enum TimmSwinTransformer: ArchitectureFamily {
  static let name = "Swin"
  static let anchors = ["layers.0.blocks.0.attn.relative_position_bias_table"]
  static let foreign: [String] = []

  static func depths(of tensors: NamedTensors) -> [Int] {
    let shapes = TensorShapes(tensors)
    return (0..<shapes.count { "layers.\($0).blocks.0.attn.qkv.weight" }).map { stage in
      shapes.count { "layers.\(stage).blocks.\($0).attn.qkv.weight" }
    }
  }

  static var variants: [ArchitectureVariant] {
    SwinTransformer.published.flatMap { size in
      (size.letter == "B" || size.letter == "L" ? [7, 12] : [7]).map {
        variant(
          SwinConfiguration(
            width: size.width, depths: size.depths, heads: size.heads, window: $0, isSecondVersion: false,
            names: .timm))
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
    guard (1...6).contains(depths.count), let stem = shapes.shape("patch_embed.proj.weight", rank: 4),
      stem[2] == stem[3], stem[2] <= 32, stem[0] <= 4096,
      let hidden = shapes.shape("layers.0.blocks.0.mlp.fc1.weight", rank: 2), hidden[0] % stem[0] == 0
    else { return nil }
    var heads: [Int] = []
    var window: Int?
    for stage in depths.indices {
      let name = "layers.\(stage).blocks.0.attn.relative_position_bias_table"
      guard let table = shapes.shape(name, rank: 2) else { return nil }
      heads.append(table[1])
      window = window ?? SwinConfiguration.window(ofTable: table[0])
    }
    guard let window, (2...SwinConfiguration.largestWindow).contains(window) else { return nil }
    let configuration = SwinConfiguration(
      width: stem[0], depths: depths, heads: heads, window: window, patch: stem[2],
      expansion: hidden[0] / stem[0], isSecondVersion: false, names: .timm)
    return configuration.isPossible ? variant(configuration) : nil
  }

  private static func variant(_ configuration: SwinConfiguration) -> ArchitectureVariant {
    let size = configuration.usualImageSize
    let letter = configuration.letter(window: configuration.window == 12 ? 12 : 7)
    let window = configuration.window == 7 ? "" : " window \(configuration.window)"
    let unit = configuration.window * (configuration.patch << (configuration.depths.count - 1))
    return ArchitectureVariant(
      family: "Swin",
      name: letter.map { "Swin-\($0)\(window) (timm)" } ?? "Swin (\(configuration.description)) (timm)",
      year: 2021, citation: configuration.citation, summary: configuration.summary,
      // timm's configurations: crop 0.9 at 224 pixels, else the whole image.
      preprocessing: .timm(size: size, thousandths: size == 224 ? 900 : 1000), imageSize: size,
      depths: configuration.depths, structure: "timm names, \(configuration.description)",
      assumptions: configuration.assumptions("timm"), classifier: "head.fc",
      // In timm the windows shrink where an image is smaller; the state dict's window is that of whole windows.
      imageSizes: ImageSizes(range: 32...1024, multiple: unit),
      blueprint: { classes, size in
        SwinBlueprint.make(configuration, classCount: classes, imageSize: size)
      })
  }
}
