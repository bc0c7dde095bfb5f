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

/// What PyTorch says beyond a structure (`structures-modern.json`).
struct ReferenceFacts: Decodable {
  let imageSize: Int
  /// FlopCounterMode / 2 for one image of `imageSize`.
  let macs: Int
  let resize: Int
  let crop: Int
  let interpolation: String
  let mean: Float
  let standardDeviation: Float

  static func all() throws -> [String: ReferenceFacts] {
    try JSONDecoder().decode(
      [String: ReferenceFacts].self,
      from: Data(contentsOf: URL(filePath: Fixture.path("architectures/structures-modern.json"))))
  }
}

/// Logits of a published or reduced network (`logits-modern.json`).
struct ModernLogits: Decodable, CustomStringConvertible {
  let variant: String
  let classes: Int
  let imageSize: Int
  /// [batch][class].
  let logits: [[Float]]
  /// `name:AxBxC` lines; nil for published networks.
  let tensors: [String]?

  var description: String { "\(variant) at \(imageSize)" }

  static func all() throws -> [ModernLogits] {
    try JSONDecoder().decode(
      [ModernLogits].self,
      from: Data(contentsOf: URL(filePath: Fixture.path("architectures/logits-modern.json"))))
  }

  var shapes: [(name: String, dimensions: [Int])]? {
    tensors?.map {
      let parts = $0.split(separator: ":", omittingEmptySubsequences: false)
      return (String(parts[0]), parts[1].split(separator: "x").compactMap { Int($0) })
    }
  }

  func state() throws -> StateDict {
    let shapes =
      try self.shapes ?? #require(ArchitectureRegistry.structure(of: variant, classCount: classes)).tensors
    return DeterministicWeights.state(shapes).declaring(variant)
  }
}

extension StateDict {
  /// The state dict as a training checkpoint holds it that says what the model is called, where that matters.
  func declaring(_ variant: String) -> StateDict {
    var result = self
    if let name = ArchitectureRegistry.declaredName(of: variant) {
      result.otherEntries = ["arch = \"\(name)\""]
    }
    return result
  }
}

@Suite("EfficientNet, RegNet, ConvNeXt, ViT and Swin agree with PyTorch")
struct ModernArchitectureTests {
  private func state(_ variant: String, classes: Int = 1000) throws -> StateDict {
    let structure = try #require(ArchitectureRegistry.structure(of: variant, classCount: classes))
    return try ShapesOnly.state(structure.tensors).declaring(variant)
  }

  /// Every node has a cost and the multiply-accumulate operations are PyTorch's, attention included.
  @Test(arguments: try ReferenceFacts.all().keys.sorted())
  func macs(variant: String) throws {
    let reference = try #require(try ReferenceFacts.all()[variant])
    let model = try #require(try ArchitectureRegistry.outline(of: variant, classCount: 1000))
    let size = reference.imageSize
    #expect(model.graph.inputs[0].shape?.description == "batchx3x\(size)x\(size)")
    let shape = Shape([.known(1), .known(3), .known(size), .known(size)])
    let types = ShapeInference.infer(model, bindings: ["input": shape])
    #expect(types.totalCost.counted.macs == reference.macs)
    #expect(types.totalCost.nodesNotCounted == 0)
    #expect(types.shape("logits")?.description == "1x1000")
    // The batch stays open in every value that depends on the image.
    let open = ShapeInference.infer(model)
    #expect(open.totalCost.nodesNotCounted == model.graph.nodes.count - open.costs.count { $0 != nil })
    #expect(open.shape("logits")?.description == "batchx1000")
  }

  @Test(arguments: try ReferenceFacts.all().keys.sorted())
  func preprocessing(variant: String) throws {
    let reference = try #require(try ReferenceFacts.all()[variant])
    let found = try #require(ArchitectureRegistry.recognise(try state(variant)))
    #expect(found.variant == variant)
    #expect(found.inputSize == [3, reference.imageSize, reference.imageSize])
    #expect(found.preprocessing.resize == reference.resize)
    #expect(found.preprocessing.crop == reference.crop)
    #expect(found.preprocessing.interpolation?.rawValue == reference.interpolation)
    #expect(found.preprocessing.mean[0] == reference.mean)
    #expect(found.preprocessing.standardDeviation[0] == reference.standardDeviation)
  }

  /// The figures that other tools are measured against.
  @Test func publishedFigures() throws {
    let facts = try ReferenceFacts.all()
    #expect(facts["ViT-B/16"]?.macs == 17_563_828_224)
    #expect(facts["Swin-T"]?.macs == 4_490_566_656)
  }

  @Test func siblingsAreToldApartByTheNameInTheFile() throws {
    var weights = try state("EfficientNet-B0 (timm)")
    for (entries, variant) in [
      ([], "EfficientNet-B0 (timm)"), (["arch = \"tf_efficientnet_b0\""], "EfficientNet-B0 (timm tf)"),
      (["arch = \"resnet50\""], "EfficientNet-B0 (timm)"),
    ] {
      weights.otherEntries = entries
      let found = try #require(ArchitectureRegistry.recognise(weights))
      #expect(found.variant == variant)
      #expect(found.assumptions.contains { $0.contains("same names and shapes") })
    }
  }

  /// Older timm saved masks and indices that newer timm leaves out.
  @Test func formerTablesAreAccepted() throws {
    var weights = try state("Swin-T (timm)")
    weights.tensors["layers.0.blocks.1.attn_mask"] = .floats(
      [Float](repeating: 0, count: 64 * 49 * 49), [64, 49, 49])
    weights.tensors["layers.0.blocks.0.attn.relative_position_index"] = .int64s(
      [Int](repeating: 0, count: 49 * 49), [49, 49])
    #expect(ArchitectureRegistry.recognise(weights)?.variant == "Swin-T (timm)")
    weights.tensors["layers.0.blocks.0.attn.other_index"] = .int64s([0])
    #expect(ArchitectureRegistry.nearMiss(weights)?.differences.count == 1)
  }

  @Test func otherImageSizesAreReadFromThePositions() throws {
    var weights = try state("ViT-B/16")
    let positions = try Tensor(
      dataType: .float32, dimensions: [1, 577, 768], storage: .external(ExternalData(location: "elsewhere")))
    weights.tensors["encoder.pos_embedding"] = positions
    let found = try #require(ArchitectureRegistry.recognise(weights))
    #expect(found.variant == "ViT-B/16")
    #expect(found.inputSize == [3, 384, 384])
    #expect(found.preprocessing.crop == 384 && found.preprocessing.interpolation == .bicubic)
    let error = #expect(throws: ScopeError.self) { try found.build(weights, imageSize: 224) }
    #expect(error?.code == .invalidArgument)
  }

  @Test func missingTensorsAreNamed() throws {
    for (variant, name) in [
      ("Swin V2-T", "features.3.1.attn.cpb_mlp.2.weight"), ("ConvNeXt Tiny", "features.5.4.layer_scale"),
      ("RegNetY 400MF", "trunk_output.block2.block2-1.f.se.fc2.bias"),
      ("EfficientNetV2-S", "features.4.3.block.2.fc1.weight"),
      ("ViT-S/16 (timm)", "blocks.7.attn.qkv.bias"), ("ViT-B/32", "class_token"),
    ] {
      var weights = try state(variant)
      weights.tensors[name] = nil
      let miss = try #require(ArchitectureRegistry.nearMiss(weights))
      #expect(miss.variant == variant)
      #expect(miss.differences.map(\.name) == [name])
    }
  }

  /// Absurd sizes in every tensor in turn: an answer without a trap, quickly.
  @Test(arguments: [
    "EfficientNet-B0", "RegNetX 400MF", "ConvNeXt Tiny", "ViT-B/16", "Swin-T", "Swin V2-T",
    "EfficientNet-B0 (timm)",
    "RegNetY 200MF (timm)", "ConvNeXt V2 Atto (timm)", "DeiT-Ti/16 distilled (timm)", "Swin-T (timm)",
  ])
  func absurdShapes(variant: String) throws {
    let weights = try state(variant)
    let names = Array(weights.tensors.keys)
    for (index, name) in names.enumerated() where index % 7 == 0 || index < 40 {
      let rank = weights.tensors[name]?.dimensions.count ?? 0
      for size in [0, 1, 2, 32768, 1 << 40] {
        var hostile = weights
        let shape =
          rank == 0 ? [size] : [size] + [Int](repeating: size == 1 << 40 ? 1 : min(size, 40), count: rank - 1)
        guard
          let tensor = try? Tensor(
            dataType: .float32, dimensions: shape, storage: .external(ExternalData(location: "elsewhere")))
        else { continue }
        hostile.tensors[name] = tensor
        if case .recognised(let found) = ArchitectureRegistry.examine(hostile) {
          #expect(found.counts.trainableParameters < 1 << 50)
        }
      }
    }
  }

  /// Blocks without end are not written out.
  @Test func endlessBlocks() throws {
    for pattern in ["blocks.#.norm1.weight", "features.1.#.layer_scale", "s1.b#.conv1.conv.weight"] {
      var weights = try state(
        pattern.hasPrefix("blocks")
          ? "ViT-Ti/16 (timm)" : pattern.hasPrefix("s1") ? "RegNetX 200MF (timm)" : "ConvNeXt Tiny")
      let scalar = try Tensor(
        dataType: .float32, dimensions: [8], storage: .external(ExternalData(location: "elsewhere")))
      for index in 0..<3000 {
        let name = pattern.replacingOccurrences(of: "#", with: "\(index)")
        if weights.tensors[name] == nil { weights.tensors[name] = scalar }
      }
      let clock = ContinuousClock()
      let time = clock.measure { #expect(ArchitectureRegistry.recognise(weights) == nil) }
      #expect(time < .milliseconds(500))
    }
  }

  /// Under 5 ms each on a quiet machine; the bound leaves room for a loaded one.
  @Test func recognitionIsQuick() throws {
    for variant in try ReferenceFacts.all().keys.sorted() {
      let weights = try state(variant)
      let clock = ContinuousClock()
      let best = (0..<3).map { _ in clock.measure { _ = ArchitectureRegistry.recognise(weights) } }.min()
      #expect(try #require(best) < .milliseconds(15), "\(variant)")
    }
  }
}

@Suite(
  "Built modern graphs compute PyTorch's logits", .serialized,
  .enabled(if: engine != nil, "needs ONNX Runtime (set NEURAL_SCOPE_ONNXRUNTIME)"))
struct ModernLogitsTests {
  /// Transformers sum in another order than PyTorch: 2e-5 of the largest logit.
  @Test(arguments: try ModernLogits.all())
  func deterministicWeights(golden: ModernLogits) throws {
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
    let difference = try #require(zip(values, expected).map { abs($0 - $1) }.max())
    #expect(difference < 2e-5 * largest, "\(difference / largest)")
  }
}
