import ScopeGraph

/// torchvision's SqueezeNet 1.0 and 1.1 (`models/squeezenet.py`): Fire modules (a 1x1 squeeze convolution, then 1x1
/// and 3x3 expand convolutions side by side), a convolution as the classifier, averaged over all positions.
///
/// The modules are numbered inside `features`; a number left out is a 3x3 max pooling with stride 2 that keeps
/// partial windows. Widths and places of the poolings are read from the file.
enum SqueezeNet: ArchitectureFamily {
  static let name = "SqueezeNet"
  static let anchors = ["features.3.squeeze.weight", "features.4.squeeze.weight"]
  static let foreign: [String] = []

  private struct Fire: Sendable, Equatable {
    let number: Int
    let squeeze: Int
    let expand1x1: Int
    let expand3x3: Int
  }

  private struct Configuration: Sendable, Equatable {
    var inputChannels = 3
    /// Filters and kernel of the first convolution.
    var stem: [Int]
    var fires: [Fire]
  }

  private static func published(stem: [Int], numbers: [Int]) -> Configuration {
    let widths = [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)]
    return Configuration(
      stem: stem,
      fires: zip(numbers, widths).map {
        Fire(number: $0, squeeze: $1.0, expand1x1: $1.1, expand3x3: $1.1)
      })
  }

  private static let first = published(stem: [96, 7], numbers: [3, 4, 5, 7, 8, 9, 10, 12])
  private static let second = published(stem: [64, 3], numbers: [3, 4, 6, 7, 9, 10, 11, 12])

  static var variants: [ArchitectureVariant] { [variant(first), variant(second)] }

  static func depths(of tensors: NamedTensors) -> [Int] {
    tensors.numbers(prefix: "features.", suffix: ".squeeze.weight")
  }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    (configuration(of: tensors).map { [variant($0)] } ?? []) + variants
  }

  private static func configuration(of tensors: NamedTensors) -> Configuration? {
    guard let stem = tensors.kernel("features.0") else { return nil }
    var fires: [Fire] = []
    for number in depths(of: tensors) {
      let path = "features.\(number)"
      // A Fire directly follows another or a pooling.
      guard number - (fires.last?.number ?? 2) <= 2, let squeeze = tensors.kernel("\(path).squeeze"),
        let expand1x1 = tensors.kernel("\(path).expand1x1"),
        let expand3x3 = tensors.kernel("\(path).expand3x3")
      else {
        return nil
      }
      fires.append(
        Fire(number: number, squeeze: squeeze[0], expand1x1: expand1x1[0], expand3x3: expand3x3[0]))
    }
    guard fires.first?.number == 3, poolings(fires) <= 4 else { return nil }
    return Configuration(inputChannels: stem[1], stem: [stem[0], stem[2]], fires: fires)
  }

  /// Poolings after the one that follows the first convolution.
  private static func poolings(_ fires: [Fire]) -> Int {
    zip(fires, fires.dropFirst()).count { $1.number - $0.number == 2 }
  }

  private static func variant(_ configuration: Configuration) -> ArchitectureVariant {
    var known = configuration
    known.inputChannels = 3
    let version =
      known == first ? "SqueezeNet 1.0" : known == second ? "SqueezeNet 1.1" : "SqueezeNet (own widths)"
    return ArchitectureVariant(
      family: name, name: version, year: 2016,
      citation:
        "Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer: SqueezeNet: AlexNet-level accuracy with 50x fewer "
        + "parameters and <0.5MB model size, arXiv:1602.07360",
      summary:
        "AlexNet's accuracy with fifty times fewer parameters, by squeezing channels before 3x3 convolutions.",
      preprocessing: .imageNet, imageSize: 224, depths: configuration.fires.map(\.number),
      structure: "torchvision names, \(configuration.fires.count) Fire modules, "
        + "\(configuration.stem[1])x\(configuration.stem[1]) stem of \(configuration.stem[0]) filters",
      assumptions: [
        "ReLU activations, the classifier's output included, as in torchvision",
        "3x3 max poolings with stride 2 and partial windows where a number is left out",
      ],
      // A pooling makes 1 of 2, 2 of 4 ... pixels; the stem without padding takes as many steps of 2.
      classifier: "classifier.1",
      imageSizes: ImageSizes(
        range: (max(16, 2 * ((2 << poolings(configuration.fires)) - 1) + configuration.stem[1]))...8192),
      blueprint: { classes, size in blueprint(configuration, classCount: classes, imageSize: size) })
  }

  private static func blueprint(_ configuration: Configuration, classCount: Int, imageSize: Int) -> Blueprint
  {
    var builder = BlueprintBuilder(
      inputSize: [configuration.inputChannels, imageSize, imageSize], classCount: classCount)
    // The model, features with its first ReLU and pooling, classifier with dropout, ReLU and pooling.
    builder.countModules(8)
    var feature = builder.convolution(
      "features.0", builder.input, filters: configuration.stem[0], kernel: configuration.stem[1], stride: 2,
      pads: [0, 0, 0, 0], bias: true)
    feature = builder.relu("features.1", feature)
    feature = builder.maxPool("features.2", feature, kernel: 3, stride: 2, padding: 0, ceilMode: true)
    var number = 3
    for fire in configuration.fires {
      if fire.number > number {
        builder.countModules(1)
        feature = builder.maxPool(
          "features.\(number)", feature, kernel: 3, stride: 2, padding: 0, ceilMode: true)
      }
      feature = module(&builder, feature, fire)
      number = fire.number + 1
    }
    feature = builder.convolution("classifier.1", feature, filters: classCount, kernel: 1, bias: true)
    feature = builder.relu("classifier.2", feature)
    builder.finish(builder.globalAveragePool("classifier.3", feature))
    return builder.blueprint
  }

  private static func module(_ builder: inout BlueprintBuilder, _ input: Feature, _ fire: Fire) -> Feature {
    let path = "features.\(fire.number)"
    // The module and its three ReLU.
    builder.countModules(4)
    var squeezed = builder.convolution("\(path).squeeze", input, filters: fire.squeeze, kernel: 1, bias: true)
    squeezed = builder.relu("\(path).squeeze_activation", squeezed)
    var narrow = builder.convolution(
      "\(path).expand1x1", squeezed, filters: fire.expand1x1, kernel: 1, bias: true)
    narrow = builder.relu("\(path).expand1x1_activation", narrow)
    var wide = builder.convolution(
      "\(path).expand3x3", squeezed, filters: fire.expand3x3, kernel: 3, bias: true)
    wide = builder.relu("\(path).expand3x3_activation", wide)
    return builder.concatenate("\(path).cat", [narrow, wide])
  }
}
