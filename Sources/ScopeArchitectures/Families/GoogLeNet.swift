import ScopeGraph

/// torchvision's GoogLeNet, Inception v1 with batch normalisation (`models/googlenet.py`): nine modules of four
/// parallel branches. The branch that the paper gives a 5x5 kernel has a 3x3 one, a deviation torchvision keeps for
/// its weights.
///
/// Auxiliary classifiers are part of the state dict when the model was made for training; inference does not use
/// them.
enum GoogLeNet: ArchitectureFamily {
  static let name = "GoogLeNet"
  static let anchors = ["inception3a.branch1.conv.weight", "inception5b.branch1.conv.weight"]
  static let foreign: [String] = []
  private static let epsilon: Float = 1e-3

  /// Filters of a module's convolutions: 1x1; 1x1 and 3x3; 1x1 and 3x3; 1x1 after the pooling. Table 1.
  private static let stages: [[(name: String, filters: [Int])]] = [
    [("3a", [64, 96, 128, 16, 32, 32]), ("3b", [128, 128, 192, 32, 96, 64])],
    [
      ("4a", [192, 96, 208, 16, 48, 64]), ("4b", [160, 112, 224, 24, 64, 64]),
      ("4c", [128, 128, 256, 24, 64, 64]), ("4d", [112, 144, 288, 32, 64, 64]),
      ("4e", [256, 160, 320, 32, 128, 128]),
    ],
    [("5a", [256, 160, 320, 32, 128, 128]), ("5b", [384, 192, 384, 48, 128, 128])],
  ]

  static var variants: [ArchitectureVariant] { [false, true].map { variant(trains: $0, inputChannels: 3) } }

  static func depths(of tensors: NamedTensors) -> [Int] { stages.map(\.count) }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    let trains = tensors.keys.contains { $0.hasPrefix("aux1.") || $0.hasPrefix("aux2.") }
    return [variant(trains: trains, inputChannels: tensors.kernel("conv1.conv")?[1] ?? 3)]
  }

  private static func variant(trains: Bool, inputChannels: Int) -> ArchitectureVariant {
    ArchitectureVariant(
      family: name, name: trains ? "GoogLeNet with auxiliary classifiers" : "GoogLeNet", year: 2014,
      citation:
        "Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich: Going Deeper with "
        + "Convolutions, arXiv:1409.4842",
      summary: "Won ILSVRC 2014 with parallel branches of several kernel sizes and few parameters.",
      // torchvision normalises with the ImageNet constants and undoes it inside the model (`transform_input`).
      preprocessing: .classification(resize: 256, crop: 224, .bilinear, symmetric: true), imageSize: 224,
      depths: stages.map(\.count),
      structure: "torchvision names, nine Inception modules"
        + (trains ? ", two auxiliary classifiers for training" : ""),
      assumptions: [
        "ReLU activations and batch-normalisation epsilon 1e-3 as in torchvision",
        transformInputAssumption,
      ] + (trains ? ["the auxiliary classifiers are counted as parameters and left out of the graph"] : []),
      classifier: "fc",
      blueprint: { classes, size in
        blueprint(trains: trains, inputChannels: inputChannels, classCount: classes, imageSize: size)
      })
  }

  /// Also for Inception v3.
  static let transformInputAssumption =
    "the graph takes pixels normalised to mean 0.5 and deviation 0.5, what torchvision's transform_input=True of its "
    + "pretrained weights makes of ImageNet-normalised ones; a model trained with transform_input=False needs the "
    + "preprocessing it was trained with (--preset imagenet)"

  private static func blueprint(
    trains: Bool, inputChannels: Int, classCount: Int, imageSize: Int
  ) -> Blueprint {
    var builder = BlueprintBuilder(inputSize: [inputChannels, imageSize, imageSize], classCount: classCount)
    // The model, four poolings, avgpool and dropout.
    builder.countModules(7)
    var feature = convolution(&builder, "conv1", builder.input, filters: 64, kernel: 7, stride: 2)
    feature = pool(&builder, "maxpool1", feature, kernel: 3)
    feature = convolution(&builder, "conv2", feature, filters: 64, kernel: 1)
    feature = convolution(&builder, "conv3", feature, filters: 192, kernel: 3)
    feature = pool(&builder, "maxpool2", feature, kernel: 3)
    for (index, stage) in stages.enumerated() {
      for (name, filters) in stage { feature = module(&builder, "inception\(name)", feature, filters) }
      if index == 0 { feature = pool(&builder, "maxpool3", feature, kernel: 3) }
      if index == 1 { feature = pool(&builder, "maxpool4", feature, kernel: 2) }
    }
    if trains {
      builder.trainingOnly { builder in
        // They read the outputs of 4a (512 channels) and 4d (528 channels).
        for (path, channels) in [("aux1", 512), ("aux2", 528)] {
          auxiliaryClassifier(&builder, path, channels: channels, classCount: classCount)
        }
      }
    }
    feature = builder.globalAveragePool("avgpool", feature)
    builder.classifier("fc", feature)
    return builder.blueprint
  }

  /// `BasicConv2d`: convolution, batch normalisation, ReLU.
  private static func convolution(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, filters: Int, kernel: Int,
    stride: Int = 1
  ) -> Feature {
    builder.countModules(1)
    var feature = builder.convolution("\(path).conv", input, filters: filters, kernel: kernel, stride: stride)
    feature = builder.batchNormalization("\(path).bn", feature, epsilon: epsilon)
    return builder.relu("\(path).relu", feature)
  }

  private static func pool(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, kernel: Int
  ) -> Feature {
    builder.maxPool(path, input, kernel: kernel, stride: 2, padding: 0, ceilMode: true)
  }

  private static func module(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ filters: [Int]
  ) -> Feature {
    // The module, the containers of three branches and a pooling.
    builder.countModules(5)
    let first = convolution(&builder, "\(path).branch1", input, filters: filters[0], kernel: 1)
    var second = convolution(&builder, "\(path).branch2.0", input, filters: filters[1], kernel: 1)
    second = convolution(&builder, "\(path).branch2.1", second, filters: filters[2], kernel: 3)
    var third = convolution(&builder, "\(path).branch3.0", input, filters: filters[3], kernel: 1)
    third = convolution(&builder, "\(path).branch3.1", third, filters: filters[4], kernel: 3)
    var fourth = builder.maxPool("\(path).branch4.0", input, kernel: 3, stride: 1, padding: 1)
    fourth = convolution(&builder, "\(path).branch4.1", fourth, filters: filters[5], kernel: 1)
    return builder.concatenate("\(path).cat", [first, second, third, fourth])
  }

  private static func auxiliaryClassifier(
    _ builder: inout BlueprintBuilder, _ path: String, channels: Int, classCount: Int
  ) {
    // The classifier and its dropout.
    builder.countModules(2)
    var feature = Feature(name: "\(path).pooled", channels: channels)
    feature = convolution(&builder, "\(path).conv", feature, filters: 128, kernel: 1)
    // 4 x 4 positions.
    feature = builder.flatten("\(path).flatten", feature, positions: 16)
    feature = builder.linear("\(path).fc1", feature, width: 1024)
    _ = builder.linear("\(path).fc2", feature, width: classCount)
  }
}
