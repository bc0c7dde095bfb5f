import ScopeGraph

/// torchvision's Inception v3 for 299 x 299 pixels (`models/inception.py`), whose names timm shares: modules that
/// factorise large kernels into 1x7 and 7x1, 1x3 and 3x1.
///
/// The auxiliary classifier is part of the state dict when the model was made for training; inference does not use
/// it.
enum InceptionV3: ArchitectureFamily {
  static let name = "Inception v3"
  static let anchors = ["Mixed_5b.branch1x1.conv.weight", "Mixed_7c.branch1x1.conv.weight"]
  static let foreign: [String] = []
  private static let epsilon: Float = 1e-3
  private static let depths = [3, 5, 3]

  static var variants: [ArchitectureVariant] { [false, true].map { variant(trains: $0, inputChannels: 3) } }

  static func depths(of tensors: NamedTensors) -> [Int] { depths }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    let trains = tensors.keys.contains { $0.hasPrefix("AuxLogits.") }
    return [variant(trains: trains, inputChannels: tensors.kernel("Conv2d_1a_3x3.conv")?[1] ?? 3)]
  }

  private static func variant(trains: Bool, inputChannels: Int) -> ArchitectureVariant {
    ArchitectureVariant(
      family: name, name: trains ? "Inception v3 with auxiliary classifier" : "Inception v3", year: 2015,
      citation:
        "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception Architecture for Computer Vision, "
        + "arXiv:1512.00567",
      summary: "Factorised convolutions and label smoothing; for years the standard for transfer learning.",
      // torchvision normalises with the ImageNet constants and undoes it inside the model (`transform_input`).
      preprocessing: .classification(resize: 342, crop: 299, .bilinear, symmetric: true), imageSize: 299,
      depths: depths,
      structure: "torchvision names, eleven Inception modules"
        + (trains ? ", an auxiliary classifier for training" : ""),
      assumptions: [
        "ReLU activations and batch-normalisation epsilon 1e-3 as in torchvision",
        GoogLeNet.transformInputAssumption,
      ] + (trains ? ["the auxiliary classifier is counted as parameters and left out of the graph"] : []),
      classifier: "fc", imageSizes: ImageSizes(range: 75...8192),
      blueprint: { classes, size in
        var writer = Writer(inputSize: [inputChannels, size, size], classCount: classes)
        writer.write(trains: trains)
        return writer.builder.blueprint
      })
  }

  /// Writes the network module by module.
  private struct Writer {
    var builder: BlueprintBuilder

    init(inputSize: [Int], classCount: Int) {
      builder = BlueprintBuilder(inputSize: inputSize, classCount: classCount)
    }

    mutating func write(trains: Bool) {
      // The model, two poolings, avgpool and dropout.
      builder.countModules(5)
      var feature = convolution("Conv2d_1a_3x3", builder.input, 32, (3, 3), stride: 2, padded: false)
      feature = convolution("Conv2d_2a_3x3", feature, 32, (3, 3), padded: false)
      feature = convolution("Conv2d_2b_3x3", feature, 64, (3, 3))
      feature = pool("maxpool1", feature)
      feature = convolution("Conv2d_3b_1x1", feature, 80, (1, 1))
      feature = convolution("Conv2d_4a_3x3", feature, 192, (3, 3), padded: false)
      feature = pool("maxpool2", feature)
      feature = moduleA("Mixed_5b", feature, pooled: 32)
      feature = moduleA("Mixed_5c", feature, pooled: 64)
      feature = moduleA("Mixed_5d", feature, pooled: 64)
      feature = moduleB("Mixed_6a", feature)
      for (path, width) in [("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)] {
        feature = moduleC(path, feature, width: width)
      }
      if trains { auxiliaryClassifier("AuxLogits", feature) }
      feature = moduleD("Mixed_7a", feature)
      feature = moduleE("Mixed_7b", feature)
      feature = moduleE("Mixed_7c", feature)
      feature = builder.globalAveragePool("avgpool", feature)
      builder.classifier("fc", feature)
    }

    /// `BasicConv2d`: convolution, batch normalisation, ReLU.
    private mutating func convolution(
      _ path: String, _ input: Feature, _ filters: Int, _ kernel: (Int, Int), stride: Int = 1,
      padded: Bool = true
    ) -> Feature {
      builder.countModules(1)
      let pads = padded ? [kernel.0 / 2, kernel.1 / 2, kernel.0 / 2, kernel.1 / 2] : [0, 0, 0, 0]
      var feature = builder.convolution(
        "\(path).conv", input, filters: filters, kernel: kernel, stride: stride, pads: pads)
      feature = builder.batchNormalization("\(path).bn", feature, epsilon: epsilon)
      return builder.relu("\(path).relu", feature)
    }

    private mutating func pool(_ path: String, _ input: Feature) -> Feature {
      builder.maxPool(path, input, kernel: 3, stride: 2, padding: 0)
    }

    /// The branch that averages 3x3 pixels, zeros beyond the edge included, before a 1x1 convolution.
    private mutating func averagedBranch(_ path: String, _ input: Feature, _ filters: Int) -> Feature {
      let pooled = builder.averagePool("\(path).pool", input, kernel: 3, stride: 1, padding: 1)
      return convolution("\(path).branch_pool", pooled, filters, (1, 1))
    }

    private mutating func moduleA(_ path: String, _ input: Feature, pooled: Int) -> Feature {
      builder.countModules(1)
      let narrow = convolution("\(path).branch1x1", input, 64, (1, 1))
      var wide = convolution("\(path).branch5x5_1", input, 48, (1, 1))
      wide = convolution("\(path).branch5x5_2", wide, 64, (5, 5))
      var double = convolution("\(path).branch3x3dbl_1", input, 64, (1, 1))
      double = convolution("\(path).branch3x3dbl_2", double, 96, (3, 3))
      double = convolution("\(path).branch3x3dbl_3", double, 96, (3, 3))
      return builder.concatenate(
        "\(path).cat", [narrow, wide, double, averagedBranch(path, input, pooled)])
    }

    private mutating func moduleB(_ path: String, _ input: Feature) -> Feature {
      builder.countModules(1)
      let single = convolution("\(path).branch3x3", input, 384, (3, 3), stride: 2, padded: false)
      var double = convolution("\(path).branch3x3dbl_1", input, 64, (1, 1))
      double = convolution("\(path).branch3x3dbl_2", double, 96, (3, 3))
      double = convolution("\(path).branch3x3dbl_3", double, 96, (3, 3), stride: 2, padded: false)
      return builder.concatenate("\(path).cat", [single, double, pool("\(path).pool", input)])
    }

    private mutating func moduleC(_ path: String, _ input: Feature, width: Int) -> Feature {
      builder.countModules(1)
      let narrow = convolution("\(path).branch1x1", input, 192, (1, 1))
      var single = convolution("\(path).branch7x7_1", input, width, (1, 1))
      single = convolution("\(path).branch7x7_2", single, width, (1, 7))
      single = convolution("\(path).branch7x7_3", single, 192, (7, 1))
      var double = convolution("\(path).branch7x7dbl_1", input, width, (1, 1))
      double = convolution("\(path).branch7x7dbl_2", double, width, (7, 1))
      double = convolution("\(path).branch7x7dbl_3", double, width, (1, 7))
      double = convolution("\(path).branch7x7dbl_4", double, width, (7, 1))
      double = convolution("\(path).branch7x7dbl_5", double, 192, (1, 7))
      return builder.concatenate("\(path).cat", [narrow, single, double, averagedBranch(path, input, 192)])
    }

    private mutating func moduleD(_ path: String, _ input: Feature) -> Feature {
      builder.countModules(1)
      var small = convolution("\(path).branch3x3_1", input, 192, (1, 1))
      small = convolution("\(path).branch3x3_2", small, 320, (3, 3), stride: 2, padded: false)
      var large = convolution("\(path).branch7x7x3_1", input, 192, (1, 1))
      large = convolution("\(path).branch7x7x3_2", large, 192, (1, 7))
      large = convolution("\(path).branch7x7x3_3", large, 192, (7, 1))
      large = convolution("\(path).branch7x7x3_4", large, 192, (3, 3), stride: 2, padded: false)
      return builder.concatenate("\(path).cat", [small, large, pool("\(path).pool", input)])
    }

    private mutating func moduleE(_ path: String, _ input: Feature) -> Feature {
      builder.countModules(1)
      let narrow = convolution("\(path).branch1x1", input, 320, (1, 1))
      let first = convolution("\(path).branch3x3_1", input, 384, (1, 1))
      let single = builder.concatenate(
        "\(path).branch3x3.cat",
        [
          convolution("\(path).branch3x3_2a", first, 384, (1, 3)),
          convolution("\(path).branch3x3_2b", first, 384, (3, 1)),
        ])
      var second = convolution("\(path).branch3x3dbl_1", input, 448, (1, 1))
      second = convolution("\(path).branch3x3dbl_2", second, 384, (3, 3))
      let double = builder.concatenate(
        "\(path).branch3x3dbl.cat",
        [
          convolution("\(path).branch3x3dbl_3a", second, 384, (1, 3)),
          convolution("\(path).branch3x3dbl_3b", second, 384, (3, 1)),
        ])
      return builder.concatenate("\(path).cat", [narrow, single, double, averagedBranch(path, input, 192)])
    }

    private mutating func auxiliaryClassifier(_ path: String, _ input: Feature) {
      let count = builder.blueprint.nodes.count
      builder.countModules(1)
      var feature = convolution("\(path).conv0", input, 128, (1, 1))
      feature = convolution("\(path).conv1", feature, 768, (5, 5), padded: false)
      _ = builder.linear("\(path).fc", feature, width: builder.blueprint.classCount)
      builder.blueprint.nodes.removeLast(builder.blueprint.nodes.count - count)
    }
  }
}
