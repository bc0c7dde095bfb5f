import ScopeGraph

/// torchvision's AlexNet, the single-column form of "One weird trick" (`models/alexnet.py`): five convolutions with
/// biases, no local response normalisation, adaptive pooling to 6x6, three fully connected layers. Widths are read
/// from the file.
enum AlexNet: ArchitectureFamily {
  static let name = "AlexNet"
  static let anchors = ["features.10.weight", "features.0.weight"]
  static let foreign = ["classifier.0.", "features.3.squeeze.", "features.4.squeeze."]
  private static let pooledSize = 6

  /// Number inside `features`, kernel, and whether a 3x3 max pooling with stride 2 follows.
  private static let layers = [(0, 11, true), (3, 5, true), (6, 3, false), (8, 3, false), (10, 3, true)]

  private struct Configuration: Sendable, Equatable {
    var widths = [64, 192, 384, 256, 256]
    /// Widths of the first two fully connected layers.
    var hidden = [4096, 4096]
    var inputChannels = 3
  }

  static var variants: [ArchitectureVariant] { [variant(Configuration())] }

  static func depths(of tensors: NamedTensors) -> [Int] { [layers.count] }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    if let stem = tensors.kernel("features.0"), stem[2] != 11 { return [] }
    return (configuration(of: tensors).map { [variant($0)] } ?? []) + variants
  }

  private static func configuration(of tensors: NamedTensors) -> Configuration? {
    let kernels = layers.compactMap { tensors.kernel("features.\($0.0)") }
    guard kernels.count == layers.count, let first = tensors.matrix("classifier.1"),
      let second = tensors.matrix("classifier.4")
    else {
      return nil
    }
    return Configuration(
      widths: kernels.map { $0[0] }, hidden: [first[0], second[0]], inputChannels: kernels[0][1])
  }

  private static func variant(_ configuration: Configuration) -> ArchitectureVariant {
    let isPublished = configuration == Configuration(inputChannels: configuration.inputChannels)
    return ArchitectureVariant(
      family: name, name: isPublished ? "AlexNet" : "AlexNet (own widths)", year: 2012,
      citation:
        "Krizhevsky, Sutskever, Hinton: ImageNet Classification with Deep Convolutional Neural Networks, "
        + "NIPS 2012; Krizhevsky: One weird trick for parallelizing convolutional neural networks, "
        + "arXiv:1404.5997 (2014)",
      summary: "Won ILSVRC 2012 by a wide margin and began the use of deep networks in vision.",
      preprocessing: .imageNet, imageSize: 224, depths: [layers.count],
      structure: "torchvision names, convolutions of "
        + configuration.widths.map(String.init).joined(separator: ", ") + " filters",
      assumptions: [
        "ReLU activations, 3x3 max poolings with stride 2 and adaptive average pooling to 6x6 as in torchvision",
        "stride 4 in the first convolution",
      ],
      classifier: "classifier.6", imageSizes: ImageSizes(range: 63...8192),
      blueprint: { classes, size in blueprint(configuration, classCount: classes, imageSize: size) })
  }

  private static func blueprint(_ configuration: Configuration, classCount: Int, imageSize: Int) -> Blueprint
  {
    var builder = BlueprintBuilder(
      inputSize: [configuration.inputChannels, imageSize, imageSize], classCount: classCount)
    // The model, features with five ReLU and three poolings, avgpool, classifier with two dropouts and two ReLU.
    builder.countModules(16)
    var feature = builder.input
    var size = imageSize
    for (layer, filters) in zip(layers, configuration.widths) {
      let (number, kernel, pools) = layer
      let isStem = number == 0
      feature = builder.convolution(
        "features.\(number)", feature, filters: filters, kernel: kernel, stride: isStem ? 4 : 1,
        pads: [Int](repeating: isStem ? 2 : kernel / 2, count: 4), bias: true)
      if isStem { size = (size + 4 - kernel) / 4 + 1 }
      feature = builder.relu("features.\(number + 1)", feature)
      if pools {
        feature = builder.maxPool("features.\(number + 2)", feature, kernel: 3, stride: 2, padding: 0)
        size = (size - 3) / 2 + 1
      }
    }
    feature = builder.adaptiveAveragePool("avgpool", feature, size: size, target: pooledSize)
    feature = builder.flatten("flatten", feature, positions: pooledSize * pooledSize)
    feature = builder.linear("classifier.1", feature, width: configuration.hidden[0])
    feature = builder.relu("classifier.2", feature)
    feature = builder.linear("classifier.4", feature, width: configuration.hidden[1])
    feature = builder.relu("classifier.5", feature)
    builder.classifier("classifier.6", feature)
    return builder.blueprint
  }
}
