import ScopeGraph

/// timm's vision transformers with a class token: ViT, DeiT with and without distillation token, DeiT III.
///
/// Structure as in timm `models/vision_transformer.py` and `models/deit.py`: packed `qkv`, layer normalisation with
/// epsilon 1e-6. LayerScale (`ls1.gamma`), a distillation token, a missing bias of `qkv` and positions for the
/// patches alone are read from the names and shapes.
enum TimmVisionTransformer: ArchitectureFamily {
  static let name = "ViT"
  static let anchors = ["blocks.0.attn.qkv.weight", "cls_token"]
  static let foreign: [String] = []

  private struct Options: Sendable {
    var distilled = false
    var layerScale = false
    var queryBias = true
    /// Positions are added before the class token is.
    var positionsOfPatchesOnly = false
    /// The file calls itself `deit_...`.
    var isDeiT = false
  }

  static func depths(of tensors: NamedTensors) -> [Int] {
    [TensorShapes(tensors).count { "blocks.\($0).norm1.weight" }]
  }

  static var variants: [ArchitectureVariant] {
    let plain = [
      (16, 192), (16, 384), (32, 384), (8, 768), (16, 768), (32, 768), (16, 1024), (32, 1024), (14, 1280),
      (14, 1408),
      (14, 1664),
    ].compactMap { variant(configuration(patch: $0.0, width: $0.1), Options()) }
    let distilled = [192, 384, 768].compactMap {
      variant(configuration(patch: 16, width: $0), Options(distilled: true, isDeiT: true))
    }
    let third = [(16, 384), (16, 512), (16, 768), (16, 1024), (14, 1280)].compactMap {
      variant(
        configuration(patch: $0.0, width: $0.1),
        Options(layerScale: true, positionsOfPatchesOnly: true, isDeiT: true))
    }
    let efficient = [192, 384, 768].compactMap {
      variant(configuration(patch: 16, width: $0), Options(isDeiT: true))
    }
    return plain + efficient + distilled + third
  }

  /// A published size at 224 pixels.
  private static func configuration(patch: Int, width: Int) -> VisionTransformer.Configuration {
    let (depth, hidden) =
      switch width {
      case 1024: (24, 4096)
      case 1280: (32, 5120)
      case 1408: (40, 6144)
      case 1664: (48, 8192)
      default: (12, 4 * width)
      }
    return VisionTransformer.Configuration(
      patch: patch, width: width, depth: depth, hidden: hidden, imageSize: 224)
  }

  static func candidates(for tensors: NamedTensors, declaredName: String?) -> [ArchitectureVariant] {
    let depths = depths(of: tensors)
    let found = derived(tensors, depths, isDeiT: declaredName?.hasPrefix("deit") ?? false)
    return found.map { [$0] }
      ?? ScopeArchitectures.candidates(derived: nil, published: variants, depths: depths)
  }

  private static func derived(
    _ tensors: NamedTensors, _ depths: [Int], isDeiT: Bool
  ) -> ArchitectureVariant? {
    let shapes = TensorShapes(tensors)
    guard let patch = shapes.shape("patch_embed.proj.weight", rank: 4), patch[2] == patch[3],
      let positions = shapes.shape("pos_embed", rank: 3), depths[0] > 0,
      let hidden = shapes.shape("blocks.0.mlp.fc1.weight", rank: 2)
    else { return nil }
    var options = Options(
      distilled: shapes.has("dist_token"), layerScale: shapes.has("blocks.0.ls1.gamma"),
      queryBias: shapes.has("blocks.0.attn.qkv.bias"), isDeiT: isDeiT || shapes.has("dist_token"))
    var side = VisionTransformer.gridSide(positions[1] - (options.distilled ? 2 : 1))
    if side == nil {
      options.positionsOfPatchesOnly = true
      options.isDeiT = isDeiT || options.layerScale
      side = VisionTransformer.gridSide(positions[1])
    }
    guard let side, side * patch[2] <= 8192 else { return nil }
    return variant(
      VisionTransformer.Configuration(
        patch: patch[2], width: patch[0], depth: depths[0], hidden: hidden[0], imageSize: side * patch[2]),
      options)
  }

  private static func variant(
    _ configuration: VisionTransformer.Configuration, _ options: Options
  ) -> ArchitectureVariant? {
    guard let heads = configuration.heads else { return nil }
    let size = configuration.imageSize
    let third = options.isDeiT && options.layerScale
    let stem = third ? "DeiT-III" : options.isDeiT ? "DeiT" : "ViT"
    let suffix = options.distilled ? " distilled (timm)" : " (timm)"
    let name =
      configuration.letter.map { "\(stem)-\($0)/\(configuration.patch)\(suffix)" }
      ?? "\(stem) (\(configuration.description))\(suffix)"
    var assumptions = [
      "\(heads) attention heads of \(configuration.width / heads) numbers",
      "GELU by the error function and layer-normalisation epsilon 1e-6 as in timm",
    ]
    if !options.isDeiT {
      assumptions.append(
        "weights of a ViT, images normalised with 0.5; DeiT has the same names and shapes but ImageNet's mean and "
          + "standard deviation")
    }
    return ArchitectureVariant(
      family: options.isDeiT ? "DeiT" : "ViT", name: name, year: third ? 2022 : 2020,
      citation: third
        ? "Touvron, Cord, Jégou: DeiT III: Revenge of the ViT, arXiv:2204.07118"
        : options.isDeiT
          ? "Touvron et al.: Training data-efficient image transformers & distillation through attention, "
            + "arXiv:2012.12877" : VisionTransformer.citation,
      summary: third
        ? "A plain vision transformer with LayerScale and a simpler training recipe than its predecessors."
        : options.isDeiT
          ? "A vision transformer trained on ImageNet-1k alone, thanks to augmentation and distillation."
          : VisionTransformer.summary,
      // timm's configurations of vit_*, deit_* and deit3_*: crop 0.9 at 224 pixels, else the whole image.
      preprocessing: .timm(size: size, thousandths: size == 224 ? 900 : 1000, symmetric: !options.isDeiT),
      imageSize: size, depths: [configuration.depth],
      structure: "timm names, \(configuration.description); \(configuration.side)x\(configuration.side) "
        + "positions: images of \(size) pixels",
      assumptions: assumptions, classifier: "head",
      declaredName: options.isDeiT && !options.distilled && !third
        ? "deit_patch\(configuration.patch)_\(size)" : nil, imageSizes: ImageSizes(range: size...size),
      blueprint: { classes, size in
        blueprint(configuration, options, heads: heads, classCount: classes, imageSize: size)
      })
  }

  private static func blueprint(
    _ configuration: VisionTransformer.Configuration, _ options: Options, heads: Int, classCount: Int,
    imageSize: Int
  ) -> Blueprint {
    var builder = BlueprintBuilder(inputSize: [3, imageSize, imageSize], classCount: classCount)
    let width = configuration.width
    let patches = configuration.side * configuration.side
    let extra = options.distilled ? 2 : 1
    // The model, the patch embedding and its norm, three dropouts or identities before the blocks, the list of
    // blocks, fc_norm and head_drop.
    builder.countModules(9)
    builder.countOwner()
    var tokens = [builder.ownParameter("cls_token", [1, 1, width])]
    let positionCount = patches + (options.positionsOfPatchesOnly ? 0 : extra)
    let positions = builder.ownParameter("pos_embed", [1, positionCount, width])
    if options.distilled { tokens.append(builder.ownParameter("dist_token", [1, 1, width])) }
    var feature = VisionTransformer.patches("patch_embed.proj", &builder, configuration)
    if options.positionsOfPatchesOnly { feature = builder.add("pos_embed.add", feature, positions) }
    feature = builder.prependTokens("cls_token", tokens, to: feature)
    if !options.positionsOfPatchesOnly { feature = builder.add("pos_embed.add", feature, positions) }
    for index in 0..<configuration.depth {
      feature = block(
        &builder, "blocks.\(index)", feature, configuration, options, heads: heads, tokens: patches + extra)
    }
    feature = builder.layerNormalization("norm", feature, epsilon: VisionTransformer.epsilon)
    let classToken = builder.take("cls_token.take", feature, index: 0, axis: 1)
    guard options.distilled else {
      builder.classifier("head", classToken)
      return builder.blueprint
    }
    // At inference the mean of both heads.
    let left = builder.tokenLinear("head", classToken, width: classCount)
    let token = builder.take("dist_token.take", feature, index: 1, axis: 1)
    let right = builder.tokenLinear("head_dist", token, width: classCount)
    let sum = builder.add("head.sum", left, right)
    builder.finish(builder.scale("head.mean", sum, by: builder.number(0.5)))
    return builder.blueprint
  }

  private static func block(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature,
    _ configuration: VisionTransformer.Configuration, _ options: Options, heads: Int, tokens: Int
  ) -> Feature {
    let width = configuration.width
    let epsilon = VisionTransformer.epsilon
    // The block; attn with q_norm, k_norm, attn_drop, norm, proj_drop; ls1, drop_path1; mlp with act, drop1, norm,
    // drop2; ls2, drop_path2.
    builder.countModules(16)
    var feature = builder.layerNormalization("\(path).norm1", input, epsilon: epsilon)
    feature = builder.tokenLinear(
      "\(path).attn.qkv", feature, width: 3 * width, bias: options.queryBias)
    feature = builder.attention("\(path).attn", packed: feature, heads: heads, tokens: tokens)
    feature = builder.tokenLinear("\(path).attn.proj", feature, width: width)
    feature = layerScale(&builder, "\(path).ls1", feature, options)
    let middle = builder.add("\(path).add", feature, input)
    feature = builder.layerNormalization("\(path).norm2", middle, epsilon: epsilon)
    feature = builder.tokenLinear("\(path).mlp.fc1", feature, width: configuration.hidden)
    feature = builder.gelu("\(path).mlp.act", feature)
    feature = builder.tokenLinear("\(path).mlp.fc2", feature, width: width)
    feature = layerScale(&builder, "\(path).ls2", feature, options)
    return builder.add("\(path).add", middle, feature)
  }

  private static func layerScale(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ options: Options
  ) -> Feature {
    guard options.layerScale else { return input }
    builder.countOwner()
    let gamma = builder.ownParameter("\(path).gamma", [input.channels])
    return builder.scale(path, input, by: gamma.name)
  }
}
