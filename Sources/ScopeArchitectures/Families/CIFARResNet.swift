/// The thin residual networks for 32 x 32 images of section 4.2 of the ResNet paper, with the names of
/// `akamaster/pytorch_resnet_cifar10`: 3x3 stem, three stages of 16, 32 and 64 channels, `linear` classifier.
///
/// Shortcuts that change the shape are option A (every second pixel, zero channels added on both sides, no
/// parameters) or option B (1x1 convolution and batch normalisation), told apart by `shortcut.0.weight`.
enum CIFARResNet: ArchitectureFamily {
  static let name = "CIFAR ResNet"
  static let anchors = ["layer3.0.conv1.weight", "layer1.0.conv1.weight"]
  static let foreign = ["layer4.", "fc."]
  private static let epsilon: Float = 1e-5

  static func depths(of tensors: NamedTensors) -> [Int] {
    blockCounts(in: tensors, groups: ["layer1.", "layer2.", "layer3."])
  }

  private static let layerCounts = [20, 32, 44, 56, 110]

  static var variants: [ArchitectureVariant] {
    [false, true].flatMap { projects in layerCounts.map { variant(layers: $0, projects: projects) } }
  }

  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] {
    let projects = tensors.keys.contains { $0.contains(".shortcut.0.") }
    return layerCounts.map { variant(layers: $0, projects: projects) }
  }

  private static func variant(layers: Int, projects: Bool) -> ArchitectureVariant {
    // 6n + 2 layers: three stages of n blocks with two convolutions, the stem and the classifier.
    let depth = (layers - 2) / 6
    return ArchitectureVariant(
      family: name, name: "CIFAR ResNet-\(layers)\(projects ? " (option B)" : "")", year: 2015,
      citation:
        "He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, section 4.2, arXiv:1512.03385",
      summary:
        "The thin residual network for 32x32 images with which the ResNet paper studied depth on CIFAR-10.",
      preprocessing: .cifar, imageSize: 32, depths: [depth, depth, depth],
      structure:
        "names of akamaster/pytorch_resnet_cifar10, basic blocks \(depth)-\(depth)-\(depth) of 16, 32, 64 "
        + "channels, " + (projects ? "1x1 convolutions" : "no parameters") + " in the shortcuts",
      assumptions: ["ReLU activations and batch-normalisation epsilon 1e-5"]
        + (projects ? [] : ["option A shortcuts: stride-2 subsampling and zero channels"]),
      classifier: "linear",
      blueprint: { classes, size in
        blueprint(depth: depth, projects: projects, classCount: classes, imageSize: size)
      })
  }

  private static func blueprint(depth: Int, projects: Bool, classCount: Int, imageSize: Int) -> Blueprint {
    var builder = BlueprintBuilder(inputSize: [3, imageSize, imageSize], classCount: classCount)
    // The model and its three stages.
    builder.countModules(4)
    var feature = builder.convolution("conv1", builder.input, filters: 16, kernel: 3)
    feature = builder.batchNormalization("bn1", feature, epsilon: epsilon)
    feature = builder.relu("relu", feature)
    for stage in 0..<3 {
      for block in 0..<depth {
        feature = basicBlock(
          &builder, "layer\(stage + 1).\(block)", feature, planes: 16 << stage,
          stride: block == 0 && stage > 0 ? 2 : 1, projects: projects)
      }
    }
    feature = builder.globalAveragePool("avg_pool", feature)
    builder.classifier("linear", feature)
    return builder.blueprint
  }

  private static func basicBlock(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, planes: Int, stride: Int,
    projects: Bool
  ) -> Feature {
    // The block and its shortcut: an empty Sequential, a LambdaLayer or a Sequential of two.
    builder.countModules(2)
    var feature = builder.convolution("\(path).conv1", input, filters: planes, kernel: 3, stride: stride)
    feature = builder.batchNormalization("\(path).bn1", feature, epsilon: epsilon)
    feature = builder.relu("\(path).relu", feature)
    feature = builder.convolution("\(path).conv2", feature, filters: planes, kernel: 3)
    feature = builder.batchNormalization("\(path).bn2", feature, epsilon: epsilon)
    var shortcut = input
    if stride != 1 || input.channels != planes {
      if projects {
        shortcut = builder.convolution(
          "\(path).shortcut.0", input, filters: planes, kernel: 1, stride: stride)
        shortcut = builder.batchNormalization("\(path).shortcut.1", shortcut, epsilon: epsilon)
      } else {
        shortcut = builder.subsampleAndPadChannels("\(path).shortcut", input, step: stride, to: planes)
      }
    }
    return builder.relu("\(path).relu", builder.add("\(path).add", feature, shortcut))
  }
}
