import ScopeGraph

/// torchvision's vision transformers: ViT-B/16, B/32, L/16, L/32, H/14 and any other width, depth and patch.
///
/// Structure as in torchvision `models/vision_transformer.py`: patches as a strided convolution, a class token,
/// learned positions, pre-normalised blocks, layer normalisation with epsilon 1e-6. Everything but the number of
/// heads is read from the shapes; the image's size follows from the length of the position embedding.
enum VisionTransformer: ArchitectureFamily {
  static let name = "ViT"
  static let anchors = ["encoder.layers.encoder_layer_0.ln_1.weight", "class_token"]
  static let foreign: [String] = []
  static let epsilon: Float = 1e-6

  /// The sizes that are not in the names.
  struct Configuration: Sendable, Equatable {
    var patch: Int
    var width: Int
    var depth: Int
    /// Width of the hidden layer of the perceptron.
    var hidden: Int
    var imageSize: Int

    /// Patches along one side.
    var side: Int { imageSize / patch }

    /// 64 numbers per head but for the three largest published widths; nil for other widths.
    var heads: Int? {
      switch width {
      case 1280, 1408, 1664: 16
      default: width % 64 == 0 ? width / 64 : nil
      }
    }

    /// `Ti`, `S`, `B` ... of the ViT, DeiT and scaling papers.
    var letter: String? {
      switch (width, depth, hidden) {
      case (192, 12, 768): "Ti"
      case (384, 12, 1536): "S"
      case (512, 12, 2048): "M"
      case (768, 12, 3072): "B"
      case (1024, 24, 4096): "L"
      case (1280, 32, 5120): "H"
      case (1408, 40, 6144): "g"
      case (1664, 48, 8192): "G"
      default: nil
      }
    }

    /// `patch 16, width 192, depth 12`.
    var description: String {
      let usual = hidden == 4 * width ? "" : ", hidden width \(hidden)"
      return "patch \(patch), width \(width), depth \(depth)\(usual)"
    }
  }

  static let citation =
    "Dosovitskiy et al.: An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale, "
    + "arXiv:2010.11929"
  static let summary =
    "A transformer over image patches: with enough training data attention alone matches convolutions."

  static func depths(of tensors: NamedTensors) -> [Int] {
    [TensorShapes(tensors).count { "encoder.layers.encoder_layer_\($0).ln_1.weight" }]
  }

  static var variants: [ArchitectureVariant] {
    [(16, 768, 12), (32, 768, 12), (16, 1024, 24), (32, 1024, 24), (14, 1280, 32)].map {
      variant(
        Configuration(patch: $0.0, width: $0.1, depth: $0.2, hidden: 4 * $0.1, imageSize: 224),
        heads: $0.1 == 1280 ? 16 : $0.1 / 64)
    }
  }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    let depths = depths(of: tensors)
    return ScopeArchitectures.candidates(
      derived: derived(tensors, depths), published: variants, depths: depths)
  }

  private static func derived(_ tensors: NamedTensors, _ depths: [Int]) -> ArchitectureVariant? {
    let shapes = TensorShapes(tensors)
    guard let patch = shapes.shape("conv_proj.weight", rank: 4), patch[2] == patch[3],
      let positions = shapes.shape("encoder.pos_embedding", rank: 3),
      let side = gridSide(positions[1] - 1), side * patch[2] <= 8192, depths[0] > 0,
      let hidden = shapes.shape("encoder.layers.encoder_layer_0.mlp.0.weight", rank: 2)
    else { return nil }
    let configuration = Configuration(
      patch: patch[2], width: patch[0], depth: depths[0], hidden: hidden[0], imageSize: side * patch[2])
    guard let heads = configuration.heads else { return nil }
    return variant(configuration, heads: heads)
  }

  /// Side of a square grid of `positions`; nil when it is not a square or empty.
  static func gridSide(_ positions: Int) -> Int? {
    guard positions > 0 else { return nil }
    let side = Int(Double(positions).squareRoot().rounded())
    return side * side == positions ? side : nil
  }

  private static func variant(_ configuration: Configuration, heads: Int) -> ArchitectureVariant {
    let published = configuration.letter.map { "ViT-\($0)/\(configuration.patch)" }
    let size = configuration.imageSize
    return ArchitectureVariant(
      family: name, name: published ?? "ViT (\(configuration.description))", year: 2020, citation: citation,
      summary: summary, preprocessing: preprocessing(published, size), imageSize: size,
      depths: [configuration.depth],
      structure: "torchvision names, \(configuration.description); \(configuration.side)x"
        + "\(configuration.side) positions and a class token: images of \(size) pixels",
      assumptions: [
        "\(heads) attention heads of \(configuration.width / heads) numbers",
        "GELU by the error function and layer-normalisation epsilon 1e-6 as in torchvision",
      ],
      classifier: "heads.head", imageSizes: ImageSizes(range: size...size),
      blueprint: { classes, size in
        blueprint(configuration, heads: heads, classCount: classes, imageSize: size)
      })
  }

  /// torchvision's own weights at 224 pixels; at other sizes and for H/14 those of SWAG (arXiv:2201.08371).
  private static func preprocessing(_ name: String?, _ size: Int) -> PreprocessingDefaults {
    guard size == 224, name != "ViT-H/14" else { return .classification(resize: size, crop: size, .bicubic) }
    return .classification(resize: name == "ViT-L/16" ? 242 : 256, crop: 224, .bilinear)
  }

  private static func blueprint(
    _ configuration: Configuration, heads: Int, classCount: Int, imageSize: Int
  ) -> Blueprint {
    var builder = BlueprintBuilder(inputSize: [3, imageSize, imageSize], classCount: classCount)
    let width = configuration.width
    let tokens = configuration.side * configuration.side + 1
    // The model, its encoder with dropout and list of blocks, and the list of heads.
    builder.countModules(5)
    builder.countOwner()
    let classToken = builder.ownParameter("class_token", [1, 1, width])
    var feature = patches("conv_proj", &builder, configuration)
    feature = builder.prependTokens("class_token", [classToken], to: feature)
    builder.countOwner()
    let positions = builder.ownParameter("encoder.pos_embedding", [1, tokens, width])
    feature = builder.add("encoder.pos_embedding.add", feature, positions)
    for index in 0..<configuration.depth {
      let path = "encoder.layers.encoder_layer_\(index)"
      feature = block(&builder, path, feature, configuration, heads: heads, tokens: tokens)
    }
    feature = builder.layerNormalization("encoder.ln", feature, epsilon: epsilon)
    feature = builder.take("class_token.take", feature, index: 0, axis: 1)
    builder.classifier("heads.head", feature)
    return builder.blueprint
  }

  /// The image as tokens [N, T, C]: one convolution whose stride is its kernel.
  static func patches(
    _ path: String, _ builder: inout BlueprintBuilder, _ configuration: Configuration
  ) -> Feature {
    let width = configuration.width
    let grid = builder.convolution(
      path, builder.input, filters: width, kernel: configuration.patch, stride: configuration.patch,
      pads: [0, 0, 0, 0], bias: true)
    let rows = builder.reshape(
      "\(path).flatten", grid, [0, width, configuration.side * configuration.side])
    return builder.transpose("\(path).tokens", rows, [0, 2, 1])
  }

  private static func block(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ configuration: Configuration,
    heads: Int, tokens: Int
  ) -> Feature {
    let width = configuration.width
    // The block, its attention, perceptron and GELU, and three dropouts.
    builder.countModules(7)
    var feature = builder.layerNormalization("\(path).ln_1", input, epsilon: epsilon)
    let attention = "\(path).self_attention"
    builder.countOwner()
    builder.expect("\(attention).in_proj_weight", [3 * width, width], .parameter)
    builder.expect("\(attention).in_proj_bias", [3 * width], .parameter)
    feature = builder.project(
      "\(attention).in_proj", feature, width: 3 * width, weight: "\(attention).in_proj_weight",
      bias: "\(attention).in_proj_bias")
    feature = builder.attention(attention, packed: feature, heads: heads, tokens: tokens)
    feature = builder.tokenLinear("\(attention).out_proj", feature, width: width)
    let middle = builder.add("\(path).add", feature, input)
    feature = builder.layerNormalization("\(path).ln_2", middle, epsilon: epsilon)
    feature = builder.tokenLinear("\(path).mlp.0", feature, width: configuration.hidden)
    feature = builder.gelu("\(path).mlp.1", feature)
    feature = builder.tokenLinear("\(path).mlp.3", feature, width: width)
    return builder.add("\(path).add", middle, feature)
  }
}
