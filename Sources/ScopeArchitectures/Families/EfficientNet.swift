import ScopeGraph

/// torchvision's EfficientNet B0 to B7 and EfficientNetV2 S, M, L, and any other widths and depths of their stages.
///
/// Structure as in torchvision `models/efficientnet.py`: SiLU, squeeze-and-excitation with a quarter of a block's
/// input channels, symmetric padding. Kinds of blocks, repeats, kernels, expansions and widths are read from the
/// names and shapes.
enum EfficientNet: ArchitectureFamily {
  static let name = "EfficientNet"
  static let anchors = ["features.1.0.block.0.0.weight"]
  static let foreign: [String] = []

  static func depths(of tensors: NamedTensors) -> [Int] {
    let shapes = TensorShapes(tensors)
    return (0..<shapes.count { "features.\($0 + 1).0.block.0.0.weight" }).map { stage in
      shapes.count { "features.\(stage + 1).\($0).block.0.0.weight" }
    }
  }

  static var variants: [ArchitectureVariant] {
    let names = (0...7).map { "-B\($0)" } + ["V2-S", "V2-M", "V2-L"]
    return names.compactMap { EfficientNetConfiguration.published($0) }.map(variant)
  }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    let depths = depths(of: tensors)
    return ScopeArchitectures.candidates(
      derived: configuration(of: tensors, depths).map(variant), published: variants, depths: depths)
  }

  private static func configuration(of tensors: NamedTensors, _ depths: [Int]) -> EfficientNetConfiguration? {
    let shapes = TensorShapes(tensors)
    guard (1...EfficientNetConfiguration.strides.count).contains(depths.count),
      let stem = shapes.shape("features.0.0.weight", rank: 4),
      let head = shapes.shape("features.\(depths.count + 1).0.weight", rank: 4)
    else { return nil }
    var result = EfficientNetConfiguration(stem: stem[0], stages: [], head: head[0])
    var width = stem[0]
    for (stage, repeats) in depths.enumerated() {
      func weight(_ index: Int) -> [Int]? {
        shapes.shape("features.\(stage + 1).0.block.\(index).0.weight", rank: 4)
      }
      guard let first = weight(0) else { return nil }
      let kind: EfficientNetConfiguration.Stage.Kind
      let parts: (spatial: [Int], last: [Int])
      if let depthwise = weight(1), let last = weight(3) {
        (kind, parts) = (.inverted, (depthwise, last))
      } else if let last = weight(2) {
        (kind, parts) = (.separable, (first, last))
      } else if let last = weight(1) {
        (kind, parts) = (.fused, (first, last))
      } else {
        (kind, parts) = (.plain, (first, first))
      }
      let expands = kind == .inverted || kind == .fused
      guard parts.spatial[2] == parts.spatial[3], parts.spatial[2] <= 31, parts.spatial[2] % 2 == 1,
        !expands || (first[0] % width == 0 && (1...16).contains(first[0] / width))
      else { return nil }
      result.stages.append(
        EfficientNetConfiguration.Stage(
          kind: kind, repeats: repeats, kernel: parts.spatial[2], expansion: expands ? first[0] / width : 1,
          filters: parts.last[0]))
      width = parts.last[0]
    }
    return result
  }

  private static func variant(_ configuration: EfficientNetConfiguration) -> ArchitectureVariant {
    let published = configuration.publishedName
    let preprocessing = preprocessing(published)
    // B5 to B7 and the second version were ported from TensorFlow with its epsilon.
    let large = ["-B5", "-B6", "-B7"].contains(published) || configuration.isSecondVersion
    return ArchitectureVariant(
      family: configuration.isSecondVersion ? "EfficientNetV2" : name,
      name: published.map { name + $0 }
        ?? "EfficientNet\(configuration.isSecondVersion ? "V2" : "") (\(configuration.description))",
      year: configuration.isSecondVersion ? 2021 : 2019, citation: configuration.citation,
      summary: configuration.summary, preprocessing: preprocessing, imageSize: preprocessing.crop ?? 224,
      depths: configuration.depths, structure: "torchvision names, \(configuration.description)",
      assumptions: [
        "SiLU activations and batch-normalisation epsilon \(large ? "1e-3" : "1e-5") as in torchvision",
        "strides 1-2-2-2-1-2-1 of the stages; stochastic depth is inactive at inference",
      ],
      classifier: "classifier.1",
      blueprint: { classes, size in
        blueprint(configuration, epsilon: large ? 1e-3 : 1e-5, classCount: classes, imageSize: size)
      })
  }

  /// torchvision's default weights.
  private static func preprocessing(_ name: String?) -> PreprocessingDefaults {
    switch name {
    case "-B1": .classification(resize: 255, crop: 240, .bilinear)
    case "-B2": .classification(resize: 288, crop: 288, .bicubic)
    case "-B3": .classification(resize: 320, crop: 300, .bicubic)
    case "-B4": .classification(resize: 384, crop: 380, .bicubic)
    case "-B5": .classification(resize: 456, crop: 456, .bicubic)
    case "-B6": .classification(resize: 528, crop: 528, .bicubic)
    case "-B7": .classification(resize: 600, crop: 600, .bicubic)
    case "V2-S": .classification(resize: 384, crop: 384, .bilinear)
    case "V2-M": .classification(resize: 480, crop: 480, .bilinear)
    case "V2-L": .classification(resize: 480, crop: 480, .bicubic, symmetric: true)
    default: .classification(resize: 256, crop: 224, .bicubic)
    }
  }

  private static func blueprint(
    _ configuration: EfficientNetConfiguration, epsilon: Float, classCount: Int, imageSize: Int
  ) -> Blueprint {
    var builder = BlueprintBuilder(inputSize: [3, imageSize, imageSize], classCount: classCount)
    // The model, features, avgpool, classifier and its dropout.
    builder.countModules(5)
    var feature = convolution(
      &builder, "features.0", builder.input, filters: configuration.stem, kernel: 3, stride: 2,
      epsilon: epsilon)
    for (index, stage) in configuration.stages.enumerated() {
      builder.countModules(1)
      for position in 0..<stage.repeats {
        feature = block(
          &builder, "features.\(index + 1).\(position)", feature, stage,
          stride: position == 0 ? EfficientNetConfiguration.strides[index] : 1, epsilon: epsilon)
      }
    }
    feature = convolution(
      &builder, "features.\(configuration.stages.count + 1)", feature, filters: configuration.head, kernel: 1,
      epsilon: epsilon)
    feature = builder.globalAveragePool("avgpool", feature)
    builder.classifier("classifier.1", feature)
    return builder.blueprint
  }

  private static func block(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature,
    _ stage: EfficientNetConfiguration.Stage,
    stride: Int, epsilon: Float
  ) -> Feature {
    // The block, its sequence and stochastic depth.
    builder.countModules(3)
    let hidden = input.channels * stage.expansion
    let isFused = stage.kind == .fused || stage.kind == .plain
    var feature = input
    var index = 0
    func next(
      _ builder: inout BlueprintBuilder, filters: Int, kernel: Int, stride: Int = 1, groups: Int = 1,
      activates: Bool = true
    ) {
      feature = convolution(
        &builder, "\(path).block.\(index)", feature, filters: filters, kernel: kernel, stride: stride,
        groups: groups, activates: activates, epsilon: epsilon)
      index += 1
    }
    switch stage.kind {
    case .plain: next(&builder, filters: stage.filters, kernel: stage.kernel, stride: stride)
    case .fused: next(&builder, filters: hidden, kernel: stage.kernel, stride: stride)
    case .inverted: next(&builder, filters: hidden, kernel: 1)
    case .separable: break
    }
    if !isFused {
      next(&builder, filters: hidden, kernel: stage.kernel, stride: stride, groups: hidden)
      // The module, avgpool, activation and scale_activation.
      builder.countModules(4)
      feature = builder.squeezeExcitation(
        "\(path).block.\(index)", feature, squeezed: max(1, input.channels / 4),
        activation: { $0.silu($1, $2) })
      index += 1
    }
    if stage.kind != .plain { next(&builder, filters: stage.filters, kernel: 1, activates: false) }
    guard stride == 1, input.channels == stage.filters else { return feature }
    return builder.add("\(path).add", feature, input)
  }

  /// `Conv2dNormActivation`.
  private static func convolution(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, filters: Int, kernel: Int,
    stride: Int = 1, groups: Int = 1, activates: Bool = true, epsilon: Float
  ) -> Feature {
    builder.countModules(activates ? 2 : 1)
    var feature = builder.convolution(
      "\(path).0", input, filters: filters, kernel: kernel, stride: stride, groups: groups)
    feature = builder.batchNormalization("\(path).1", feature, epsilon: epsilon)
    return activates ? builder.silu("\(path).2", feature) : feature
  }
}
