import ScopeGraph

/// torchvision's VGG networks: stages of 3x3 convolutions with biases, each ended by a 2x2 max pooling, optional
/// batch normalisation, adaptive pooling to 7x7 and three fully connected layers (`models/vgg.py`).
///
/// The convolutions are numbered inside `features`; a number left out between two blocks is the pooling. Widths and
/// stages are read from the file.
enum VGG: ArchitectureFamily {
  static let name = "VGG"
  static let anchors = ["features.0.weight", "classifier.6.weight"]
  static let foreign = ["classifier.1.", "features.3.squeeze.", "features.4.squeeze."]
  private static let epsilon: Float = 1e-5
  /// Side of the map that the classifier takes.
  private static let pooledSize = 7
  /// More poolings leave nothing of 224 pixels.
  private static let mostStages = 7

  private struct Configuration: Sendable, Equatable {
    /// Filters of each convolution, by stage.
    var stages: [[Int]]
    var normalizes: Bool
    /// Widths of the first two fully connected layers.
    var hidden = [4096, 4096]
    var inputChannels = 3

    var layers: Int { stages.reduce(3) { $0 + $1.count } }
  }

  private static func published(depths: [Int], normalizes: Bool) -> Configuration {
    let widths = [64, 128, 256, 512, 512]
    return Configuration(
      stages: zip(depths, widths).map { [Int](repeating: $1, count: $0) }, normalizes: normalizes)
  }

  /// Configurations A, B, D and E of table 1.
  private static let publishedDepths = [
    [1, 1, 2, 2, 2], [2, 2, 2, 2, 2], [2, 2, 3, 3, 3], [2, 2, 4, 4, 4],
  ]

  static var variants: [ArchitectureVariant] {
    publishedDepths.flatMap { depths in
      [false, true].map { variant(published(depths: depths, normalizes: $0)) }
    }
  }

  static func depths(of tensors: NamedTensors) -> [Int] {
    configuration(of: tensors)?.stages.map(\.count) ?? []
  }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    // The 11x11 stem is AlexNet's.
    if let stem = tensors.kernel("features.0"), stem[2] != 3 { return [] }
    let normalizes = isNormalized(tensors)
    return (configuration(of: tensors).map { [variant($0)] } ?? [])
      + publishedDepths.map { variant(published(depths: $0, normalizes: normalizes)) }
  }

  private static func isNormalized(_ tensors: NamedTensors) -> Bool {
    tensors["features.1.weight"]?.dimensions.count == 1
  }

  /// What the file says; nil when the numbers do not follow the pattern.
  private static func configuration(of tensors: NamedTensors) -> Configuration? {
    let normalizes = isNormalized(tensors)
    let step = normalizes ? 3 : 2
    let numbers = tensors.numbers(prefix: "features.", suffix: ".weight").filter {
      tensors["features.\($0).weight"]?.dimensions.count == 4
    }
    guard numbers.first == 0, let stem = tensors.kernel("features.0"),
      let first = tensors.matrix("classifier.0"), let second = tensors.matrix("classifier.3")
    else {
      return nil
    }
    var stages: [[Int]] = [[]]
    var expected = 0
    for number in numbers {
      guard let weight = tensors.kernel("features.\(number)") else { return nil }
      if number == expected + 1, number > 0 {
        stages.append([])
      } else if number != expected {
        return nil
      }
      stages[stages.count - 1].append(weight[0])
      expected = number + step
    }
    guard stages.count <= mostStages else { return nil }
    return Configuration(
      stages: stages, normalizes: normalizes, hidden: [first[0], second[0]], inputChannels: stem[1])
  }

  private static func variant(_ configuration: Configuration) -> ArchitectureVariant {
    let depths = configuration.stages.map(\.count)
    var usual = published(depths: depths, normalizes: configuration.normalizes)
    usual.inputChannels = configuration.inputChannels
    let isPublished = publishedDepths.contains(depths) && configuration == usual
    let suffix = (configuration.normalizes ? "-BN" : "") + (isPublished ? "" : " (own widths)")
    let blocks = depths.map(String.init).joined(separator: "-")
    return ArchitectureVariant(
      family: name, name: "VGG-\(configuration.layers)\(suffix)", year: 2014,
      citation: "Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition, "
        + "arXiv:1409.1556",
      summary:
        "Showed that depth with nothing but 3x3 convolutions pays; most of its weights are in the classifier.",
      preprocessing: .imageNet, imageSize: 224, depths: depths,
      structure: "torchvision names, 3x3 convolutions \(blocks) between poolings"
        + (configuration.normalizes ? ", batch normalisation" : ""),
      assumptions: [
        "ReLU activations" + (configuration.normalizes ? " and batch-normalisation epsilon 1e-5" : "")
          + " as in torchvision",
        "a 2x2 max pooling after every stage and adaptive average pooling to 7x7",
      ],
      classifier: "classifier.6", imageSizes: ImageSizes(range: (1 << depths.count)...8192),
      blueprint: { classes, size in blueprint(configuration, classCount: classes, imageSize: size) })
  }

  private static func blueprint(_ configuration: Configuration, classCount: Int, imageSize: Int) -> Blueprint
  {
    var builder = BlueprintBuilder(
      inputSize: [configuration.inputChannels, imageSize, imageSize], classCount: classCount)
    // The model, features, avgpool, classifier with two ReLU and two dropouts.
    builder.countModules(8)
    var feature = builder.input
    var number = 0
    var size = imageSize
    for stage in configuration.stages {
      for filters in stage {
        feature = builder.convolution("features.\(number)", feature, filters: filters, kernel: 3, bias: true)
        number += 1
        if configuration.normalizes {
          feature = builder.batchNormalization("features.\(number)", feature, epsilon: epsilon)
          number += 1
        }
        builder.countModules(1)
        feature = builder.relu("features.\(number)", feature)
        number += 1
      }
      builder.countModules(1)
      feature = builder.maxPool("features.\(number)", feature, kernel: 2, stride: 2, padding: 0)
      number += 1
      size /= 2
    }
    feature = builder.adaptiveAveragePool("avgpool", feature, size: size, target: pooledSize)
    feature = builder.flatten("flatten", feature, positions: pooledSize * pooledSize)
    feature = builder.linear("classifier.0", feature, width: configuration.hidden[0])
    feature = builder.relu("classifier.1", feature)
    feature = builder.linear("classifier.3", feature, width: configuration.hidden[1])
    feature = builder.relu("classifier.4", feature)
    builder.classifier("classifier.6", feature)
    return builder.blueprint
  }
}
