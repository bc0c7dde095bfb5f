import Foundation
import OrderedCollections
import ScopeArchitectures
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime
import TestSupport
import Testing

/// ONNX Runtime, or nil when this machine has none.
private let engine = try? Engine.load()

/// What PyTorch says beyond a structure (`structures-cnn.json`).
private struct ConvolutionalFacts: Decodable {
  let imageSize: Int
  /// FlopCounterMode / 2 for one image of `imageSize`.
  let macs: Int

  static func all() throws -> [String: ConvolutionalFacts] {
    try JSONDecoder().decode(
      [String: ConvolutionalFacts].self,
      from: Data(contentsOf: URL(filePath: Fixture.path("architectures/structures-cnn.json"))))
  }
}

/// Logits of a published network or one of unusual widths (`logits-cnn.json`).
struct ConvolutionalLogits: Decodable, CustomStringConvertible {
  let variant: String
  let classes: Int
  let imageSize: Int
  /// [batch][class].
  let logits: [[Float]]
  /// `name:AxBxC` lines; nil for published networks.
  let tensors: [String]?

  var description: String { "\(variant) at \(imageSize)" }

  static func all() throws -> [ConvolutionalLogits] {
    try JSONDecoder().decode(
      [ConvolutionalLogits].self,
      from: Data(contentsOf: URL(filePath: Fixture.path("architectures/logits-cnn.json"))))
  }

  func state() throws -> StateDict {
    let shapes = tensors?.map { line -> (name: String, dimensions: [Int]) in
      let parts = line.split(separator: ":", omittingEmptySubsequences: false)
      return (String(parts[0]), parts[1].split(separator: "x").compactMap { Int($0) })
    }
    return DeterministicWeights.state(
      try shapes ?? #require(ArchitectureRegistry.structure(of: variant, classCount: classes)).tensors)
  }
}

@Suite("Convolutional families agree with PyTorch")
struct ConvolutionalArchitectureTests {
  private func state(_ variant: String) throws -> StateDict {
    try ShapesOnly.state(
      try #require(ArchitectureRegistry.structure(of: variant, classCount: 1000)).tensors)
  }

  /// Every node has a cost and the multiply-accumulate operations are PyTorch's.
  @Test(arguments: try ConvolutionalFacts.all().keys.sorted())
  func macs(variant: String) throws {
    let reference = try #require(try ConvolutionalFacts.all()[variant])
    let model = try #require(try ArchitectureRegistry.outline(of: variant, classCount: 1000))
    let size = reference.imageSize
    #expect(model.graph.inputs[0].shape?.description == "batchx3x\(size)x\(size)")
    let shape = Shape([.known(1), .known(3), .known(size), .known(size)])
    let types = ShapeInference.infer(model, bindings: ["input": shape])
    #expect(types.totalCost.counted.macs == reference.macs)
    #expect(types.totalCost.nodesNotCounted == 0)
    #expect(types.shape("logits")?.description == "1x1000")
    #expect(ShapeInference.infer(model).shape("logits")?.description == "batchx1000")
  }

  @Test(
    .enabled(if: engine != nil, "needs ONNX Runtime (set NEURAL_SCOPE_ONNXRUNTIME)"),
    arguments: try ConvolutionalLogits.all())
  func logits(golden: ConvolutionalLogits) throws {
    let state = try golden.state()
    let found = try #require(ArchitectureRegistry.recognise(state))
    #expect(found.variant == golden.variant)
    let model = try found.build(state, imageSize: golden.imageSize)
    var options = SessionOptions()
    options.threads = 1
    let session = try Session(engine: try #require(engine), model: model, options: options)
    let batch = golden.logits.count
    let image = DeterministicWeights.image(batch: batch, size: golden.imageSize)
    let outputs = try session.run([
      "input": HostArray(image, [batch, 3, golden.imageSize, golden.imageSize])
    ])
    let values = try #require(outputs["logits"]).floats
    let expected = golden.logits.flatMap { $0 }
    #expect(values.count == expected.count)
    let largest = try #require(expected.map(abs).max())
    for (value, wanted) in zip(values, expected) { #expect(abs(value - wanted) <= 1e-5 * largest) }
  }

  /// torchvision's checkpoints of before 2018 spell `norm1` as `norm.1`.
  @Test func oldDenseNetNames() throws {
    var old = StateDict(tensors: [:])
    for (name, tensor) in try state("DenseNet-169").tensors where !name.hasSuffix("num_batches_tracked") {
      var spelled = name
      for part in ["norm1", "norm2", "conv1", "conv2"] where name.contains(".denselayer") {
        spelled = spelled.replacingOccurrences(of: ".\(part).", with: ".\(part.prefix(4)).\(part.suffix(1)).")
      }
      old.tensors[spelled] = tensor
    }
    #expect(old.tensors["features.denseblock1.denselayer1.norm.1.weight"] != nil)
    let found = try #require(ArchitectureRegistry.recognise(old))
    #expect(found.variant == "DenseNet-169")
    #expect(found.counts.trainableParameters == 14_149_480)
  }

  @Test func auxiliaryClassifiersAreCountedAndLeftOut() throws {
    let variant = "Inception v3 with auxiliary classifier"
    let whole = try #require(ArchitectureRegistry.structure(of: variant, classCount: 1000))
    #expect(whole.counts.trainableParameters == 27_161_264)
    #expect(whole.tensors.contains { $0.name == "AuxLogits.fc.weight" })
    let small = try #require(ArchitectureRegistry.structure(of: variant, classCount: 3))
    let weights = DeterministicWeights.state(small.tensors)
    let model = try #require(ArchitectureRegistry.recognise(weights)).build(weights)
    #expect(model.graph.initializers["fc.weight"] != nil)
    #expect(!model.graph.initializers.keys.contains { $0.hasPrefix("AuxLogits.") })
  }

  @Test func normalisationTellsTheVGGsApart() throws {
    for variant in ["VGG-16", "VGG-16-BN"] {
      var weights = try state(variant)
      #expect(ArchitectureRegistry.recognise(weights)?.variant == variant)
      weights.tensors["features.7.weight"] = nil
      let miss = try #require(ArchitectureRegistry.nearMiss(weights))
      #expect(miss.variant == variant)
      #expect(miss.differences.map(\.name) == ["features.7.weight"])
    }
  }

  @Test func inputChannelsAreRead() throws {
    for (variant, stem) in [("MobileNetV2", "features.0.0"), ("DenseNet-121", "features.conv0")] {
      var weights = try state(variant)
      let shape = try #require(weights.tensors["\(stem).weight"]).dimensions
      weights.tensors["\(stem).weight"] = try Tensor(
        dataType: .float32, dimensions: [shape[0], 1, shape[2], shape[3]],
        storage: .external(ExternalData(location: "elsewhere")))
      let found = try #require(ArchitectureRegistry.recognise(weights))
      #expect(found.variant == variant)
      #expect(found.inputSize == [1, 224, 224])
      #expect(found.assumptions.contains { $0.contains("3 colour channels") })
    }
  }

  /// Absurd sizes in every tensor in turn: an answer without a trap.
  @Test(arguments: [
    "VGG-11-BN", "AlexNet", "SqueezeNet 1.1", "DenseNet-121", "GoogLeNet", "Inception v3", "MobileNetV2",
    "MobileNetV3-Small", "MobileNetV3-Small (timm)", "ShuffleNetV2 x0.5", "MNASNet 0.5",
  ])
  func absurdShapes(variant: String) throws {
    let weights = try state(variant)
    for (index, name) in weights.tensors.keys.enumerated() where index % 11 == 0 || index < 12 {
      let rank = weights.tensors[name]?.dimensions.count ?? 0
      for size in [0, 1, 65_536, 1 << 40] {
        let rest = [Int](repeating: size == 1 << 40 ? 1 : min(size, 64), count: max(rank - 1, 0))
        guard
          let tensor = try? Tensor(
            dataType: .float32, dimensions: [size] + rest,
            storage: .external(ExternalData(location: "elsewhere")))
        else { continue }
        var hostile = weights
        hostile.tensors[name] = tensor
        if case .recognised(let found) = ArchitectureRegistry.examine(hostile) {
          #expect(found.counts.trainableParameters < 1 << 50)
        }
      }
    }
  }

  /// Blocks without end are not written out.
  @Test(arguments: [
    ("DenseNet-121", "features.denseblock1.denselayer#.norm1.weight"), ("ShuffleNetV2 x0.5", "stage2.#.x"),
    ("VGG-11", "features.#.weight"), ("SqueezeNet 1.0", "features.#.squeeze.weight"),
  ])
  func endlessBlocks(variant: String, pattern: String) throws {
    var weights = try state(variant)
    let scalar = try Tensor(
      dataType: .float32, dimensions: [8, 8, 1, 1], storage: .external(ExternalData(location: "elsewhere")))
    for index in 0..<3000 {
      let name = pattern.replacingOccurrences(of: "#", with: "\(index)")
      if weights.tensors[name] == nil { weights.tensors[name] = scalar }
    }
    let clock = ContinuousClock()
    let duration = clock.measure { #expect(ArchitectureRegistry.recognise(weights) == nil) }
    #expect(duration < .seconds(2))
  }
}
