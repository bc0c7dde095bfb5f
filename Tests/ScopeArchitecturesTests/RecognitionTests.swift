import OrderedCollections
import ScopeArchitectures
import ScopeBytes
import ScopeFormats
import ScopeGraph
import Testing

@Suite("Recognition by names and shapes")
struct RecognitionTests {
  private func state(_ variant: String, classes: Int = 10) throws -> StateDict {
    try ShapesOnly.state(
      try #require(ArchitectureRegistry.structure(of: variant, classCount: classes)).tensors
    ).declaring(variant)
  }

  @Test(arguments: ArchitectureRegistry.variantNames)
  func everyVariantIsRecognisedAsItself(variant: String) throws {
    for classes in [7, 1000] {
      let found = try #require(ArchitectureRegistry.recognise(try state(variant, classes: classes)))
      #expect(found.variant == variant)
      #expect(found.classCount == classes)
      #expect(!found.evidence.isEmpty && !found.assumptions.isEmpty)
      #expect(found.notes.isEmpty)
    }
  }

  @Test func factsOfResNet18() throws {
    let found = try #require(ArchitectureRegistry.recognise(try state("ResNet-18", classes: 1000)))
    #expect(found.family == "ResNet")
    #expect(found.year == 2015)
    #expect(found.citation.contains("arXiv:1512.03385"))
    #expect(found.inputSize == [3, 224, 224])
    #expect(found.preprocessing.preset == "imagenet")
    #expect(found.preprocessing.resize == 256 && found.preprocessing.crop == 224)
    #expect(found.counts.trainableParameters == 11_689_512)
    #expect(found.counts.modules == 68)
    #expect(found.counts.weightLayers == 21)
  }

  @Test func preprocessingOfEfficientNetLite() throws {
    let sizes = try (0..<5).map {
      try #require(ArchitectureRegistry.recognise(try state("EfficientNet-Lite\($0)"))).preprocessing
    }
    #expect(sizes.map(\.crop) == [224, 240, 260, 280, 300])
    #expect(sizes.map(\.resize) == [256, 272, 292, 312, 332])
    #expect(sizes[0].interpolation == .bicubic)
    #expect(sizes[0].mean == [Float](repeating: 127.0 / 255, count: 3))
    #expect(sizes[0].standardDeviation == [Float](repeating: 128.0 / 255, count: 3))
  }

  @Test func orderAndBatchCountersDoNotMatter() throws {
    var shuffled = try state("ResNet-34")
    shuffled.tensors.removeAll { $0.key.hasSuffix("num_batches_tracked") }
    shuffled.tensors.reverse()
    #expect(ArchitectureRegistry.recognise(shuffled)?.variant == "ResNet-34")
  }

  @Test func commonPrefixesAreRemoved() throws {
    var wrapped = StateDict(tensors: [:])
    for (name, tensor) in try state("EfficientNet-Lite2").tensors {
      wrapped.tensors["_orig_mod.model.\(name)"] = tensor
    }
    let found = try #require(ArchitectureRegistry.recognise(wrapped))
    #expect(found.variant == "EfficientNet-Lite2")
    #expect(found.notes.contains { $0.contains("_orig_mod.model.") })
  }

  @Test func missingTensorIsNamed() throws {
    var broken = try state("ResNet-50")
    broken.tensors["layer3.2.bn2.running_var"] = nil
    #expect(ArchitectureRegistry.recognise(broken) == nil)
    let miss = try #require(ArchitectureRegistry.nearMiss(broken))
    #expect(miss.variant == "ResNet-50")
    #expect(miss.differences == [.missing(name: "layer3.2.bn2.running_var", expected: [256])])
    #expect(miss.matchedTensors == miss.expectedTensors - 1)
    let advice = try #require(ArchitectureRegistry.howToMakeExecutable(broken))
    #expect(advice.contains("layer3.2.bn2.running_var is missing") && advice.contains("torch.onnx.export"))
  }

  @Test func wrongShapeAndExtraTensorAreNamed() throws {
    var broken = try state("CIFAR ResNet-56")
    let grey = try Tensor(
      dataType: .float32, dimensions: [16, 1, 3, 3], storage: .external(ExternalData(location: "elsewhere")))
    broken.tensors["conv1.weight"] = grey
    broken.tensors["attention.weight"] = grey
    let miss = try #require(ArchitectureRegistry.nearMiss(broken))
    #expect(miss.variant == "CIFAR ResNet-56")
    #expect(
      miss.differences == [
        .shape(name: "conv1.weight", expected: [16, 3, 3, 3], found: [16, 1, 3, 3]),
        .extra(name: "attention.weight", found: [16, 1, 3, 3]),
      ])
    #expect(miss.description.contains("conv1.weight is 16x1x3x3 instead of 16x3x3x3"))
  }

  @Test func missingBlockIsCloseToThePublishedDepth() throws {
    var shallow = try state("ResNet-152")
    shallow.tensors.removeAll { $0.key.hasPrefix("layer3.20.") }
    let miss = try #require(ArchitectureRegistry.nearMiss(shallow))
    #expect(miss.variant == "ResNet-152")
    #expect(miss.differences.allSatisfy { $0.name.hasPrefix("layer3.20.") })
  }

  /// Without its last block the network is whole, of a depth that no one published.
  @Test func otherDepthsAreRecognised() throws {
    var shallow = try state("ResNet-152")
    shallow.tensors.removeAll { $0.key.hasPrefix("layer3.35.") }
    let found = try #require(ArchitectureRegistry.recognise(shallow))
    #expect(found.variant == "ResNet-149")
    #expect(found.evidence.contains { $0.contains("3-8-35-3") })
  }

  @Test func quantizedWeightsAreNotTakenForFloats() throws {
    var quantized = try state("ResNet-18")
    quantized.tensors["fc.weight"] = try Tensor(
      dataType: .int8, dimensions: [10, 512], storage: .external(ExternalData(location: "elsewhere")))
    let miss = try #require(ArchitectureRegistry.nearMiss(quantized))
    #expect(miss.differences == [.type(name: "fc.weight", found: "int8")])
  }

  @Test func unknownStateDictsAreNotErrors() throws {
    let transformer = try ShapesOnly.state([
      ("encoder.layer.0.attention.query.weight", [768, 768]), ("encoder.layer.0.attention.query.bias", [768]),
    ])
    for unknown in [
      StateDict(tensors: [:]), transformer, try ShapesOnly.state([("conv1.weight", [64, 3, 7, 7])]),
    ] {
      #expect(ArchitectureRegistry.recognise(unknown) == nil)
      #expect(ArchitectureRegistry.nearMiss(unknown) == nil)
      #expect(ArchitectureRegistry.howToMakeExecutable(unknown)?.contains("torch.onnx.export") == true)
    }
  }

  @Test(arguments: [1 << 36, 2_000_000, 0])
  func impossibleClassCounts(rows: Int) throws {
    var hostile = try state("ResNet-50")
    hostile.tensors["fc.weight"] = try Tensor(
      dataType: .float32, dimensions: [rows, 1],
      storage: .strided(ByteSlice(elements: [Float(0)]), strides: [0, 1]))
    let miss = try #require(ArchitectureRegistry.nearMiss(hostile))
    #expect(miss.differences.contains(.shape(name: "fc.weight", expected: [1000, 2048], found: [rows, 1])))
  }

  @Test func hugeStateDictsAreNotCompared() throws {
    var huge = try state("ResNet-18")
    let scalar = try Tensor(
      dataType: .float32, dimensions: [], storage: .external(ExternalData(location: "elsewhere")))
    for index in 0..<5000 { huge.tensors["extra.\(index)"] = scalar }
    #expect(ArchitectureRegistry.nearMiss(huge) == nil)
    huge.tensors.removeAll { $0.key.hasPrefix("extra.") && $0.key != "extra.7" }
    #expect(ArchitectureRegistry.nearMiss(huge)?.differences == [.extra(name: "extra.7", found: [])])
  }

  @Test func theClassThatTheFileNamesIsEvidence() throws {
    var named = try state("ResNet-18")
    named.moduleClass = "torchvision.models.resnet.ResNet"
    let found = try #require(ArchitectureRegistry.recognise(named))
    #expect(found.evidence.contains { $0.contains("torchvision.models.resnet.ResNet") })
  }

  @Test func hostileNamesAndShapesAreHandled() throws {
    var hostile = try state("ResNet-18")
    let scalar = try Tensor(
      dataType: .float32, dimensions: [], storage: .external(ExternalData(location: "elsewhere")))
    for name in [
      "layer1.99999999999999999999.conv1.weight", "layer1.", "", ".", "layer4.9999.x", "_blocks.-1.x",
    ] {
      hostile.tensors[name] = scalar
    }
    hostile.tensors["fc.weight"] = scalar
    #expect(ArchitectureRegistry.recognise(hostile) == nil)
    #expect(ArchitectureRegistry.nearMiss(hostile)?.variant == "ResNet-18")
  }
}
