import Foundation
import ScopeAnalysis
import ScopeBytes
import ScopeFormats
import ScopeGraph
import TestSupport
import Testing

/// Reference models exported by `Tests/Fixtures/export_zoo.py`.
enum Zoo {
  static let reason =
    "needs the exported models (python Tests/Fixtures/export_zoo.py --shapes, or set NEURAL_SCOPE_ZOO)"

  static let folder: URL = {
    if let path = ProcessInfo.processInfo.environment["NEURAL_SCOPE_ZOO"] { return URL(filePath: path) }
    return SharedData.repository.appending(path: ".zoo")
  }()

  static func path(_ name: String) -> String { folder.appending(path: "\(name).onnx").path() }
  static func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  /// Names of the exports with an open batch.
  static let openBatch: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
    return files.filter { $0.hasSuffix("_dyn.onnx") || $0.hasSuffix("_dynamo.onnx") }.map {
      String($0.dropLast(5))
    }.sorted()
  }()

  static func read(_ name: String) throws -> Model {
    try ONNXReader.read(ByteSlice(mappingFile: path(name)), directory: folder.path())
  }
}

/// Figures of independent tools: MACs by executing every node in ONNX Runtime (equal to PyTorch's FlopCounterMode / 2),
/// parameters and peak memory counted in Python.
struct ZooFigure: CustomTestStringConvertible, Sendable {
  var name: String
  var macs: Int
  var stored: Int
  var logical: Int
  var naive: Int
  var inPlace: Int
  var family: ArchitectureGuess.Family
  var testDescription: String { name }

  static let all = [
    ZooFigure(
      name: "resnet18", macs: 1_814_073_344, stored: 11_680_872, logical: 11_684_712, naive: 6_422_528,
      inPlace: 4_014_080, family: .residual),
    ZooFigure(
      name: "efficientnet_lite0", macs: 385_187_552, stored: 4_631_000, logical: 4_631_000, naive: 9_720_192,
      inPlace: 9_720_192, family: .inverted),
    ZooFigure(
      name: "mobilenet_v3_small", macs: 56_510_400, stored: 2_529_712, logical: 2_536_800, naive: 1_806_336,
      inPlace: 1_404_928, family: .inverted),
    ZooFigure(
      name: "densenet121", macs: 2_834_161_664, stored: 7_928_936, logical: 8_040_040, naive: 8_429_568,
      inPlace: 7_225_344, family: .dense),
    ZooFigure(
      name: "vit_b_16", macs: 17_563_828_224, stored: 86_495_464, logical: 86_567_656, naive: 7_867_392,
      inPlace: 5_446_656, family: .visionTransformer),
    ZooFigure(
      name: "swin_t", macs: 4_490_566_656, stored: 28_545_202, logical: 28_596_370, naive: 15_654_912,
      inPlace: 10_838_016, family: .visionTransformer),
    ZooFigure(
      name: "bert_base_128", macs: 11_174_215_680, stored: 109_364_736, logical: 109_482_240,
      naive: 5_177_344, inPlace: 3_604_480, family: .textTransformer),
  ]
}

@Suite(.serialized) struct ZooTests {
  @Test(
    .enabled(if: ZooFigure.all.contains { Zoo.has($0.name) }, Comment(rawValue: Zoo.reason)),
    arguments: ZooFigure.all)
  func figuresAgree(_ figure: ZooFigure) throws {
    guard Zoo.has(figure.name) else { return }
    let analysis = try StructureAnalysis.analyze(model: try Zoo.read(figure.name))
    #expect(analysis.operations.isComplete)
    #expect(analysis.operations.macs == figure.macs)
    #expect(analysis.parameters.storedCount == figure.stored)
    #expect(analysis.parameters.logicalCount == figure.logical)
    #expect(analysis.activations.naive.bytes == figure.naive)
    #expect(analysis.activations.inPlace.bytes == figure.inPlace)
    #expect(analysis.activations.valuesNotCounted == 0)
    #expect(analysis.unknownOperators.isEmpty)
    #expect(
      analysis.problems.count == 0, "\(analysis.problems.prefix(5).map { "\($0.nodeName) \($0.message)" })")
    #expect(analysis.architecture?.family == figure.family, "\(String(describing: analysis.architecture))")
  }

  /// Every value's shape and type against what ONNX Runtime computed.
  @Test(
    .enabled(if: ZooFigure.all.contains { Zoo.has($0.name) }, Comment(rawValue: Zoo.reason)),
    arguments: ZooFigure.all)
  func shapesAgreeWithTheEngine(_ figure: ZooFigure) throws {
    let file = Zoo.folder.appending(path: "\(figure.name).shapes.json")
    guard Zoo.has(figure.name), let data = try? Data(contentsOf: file) else { return }
    let model = try Zoo.read(figure.name)
    // Without the exporter's own annotations, so that every shape is inferred here.
    var bare = model
    bare.graph.valueInfo = []
    for index in bare.graph.outputs.indices { bare.graph.outputs[index].shape = nil }
    let types = ShapeInference.infer(bare)
    let expected = try #require(try JSONSerialization.jsonObject(with: data) as? [String: [Any]])
    var wrong: [String] = []
    for (name, entry) in expected {
      guard let sizes = entry[1] as? [Int], let type = entry[0] as? String else { continue }
      let value = types[name]
      if value?.shape?.sizes != sizes || value?.dataType?.name != type {
        wrong.append(
          "\(name): \(value?.shape?.description ?? "?") \(value?.dataType?.name ?? "?"), engine \(sizes) \(type)"
        )
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count) of \(expected.count): \(wrong.sorted().prefix(8))")
    #expect(!expected.isEmpty)
  }

  @Test(.enabled(if: Zoo.has("resnet18"), Comment(rawValue: Zoo.reason)))
  func resNet18InDetail() throws {
    let analysis = try StructureAnalysis.analyze(model: try Zoo.read("resnet18"))
    #expect(analysis.weightLayers.count == 21)
    #expect(analysis.nodeCount == 65)
    #expect(analysis.computeNodeCount == 49)
    #expect(analysis.operations.biasAdditions == 2_484_712)
    #expect(analysis.weightLayers.reduce(0) { $0 + ($1.macs ?? 0) } == 1_814_073_344)
    #expect(analysis.inputs.map { $0.shape?.description } == ["1x3x224x224"])
    #expect(analysis.outputs.map { $0.shape?.description } == ["1x1000"])
  }

  @Test(.enabled(if: Zoo.has("resnet18"), Comment(rawValue: Zoo.reason)))
  func structureIsFast() throws {
    let clock = ContinuousClock()
    let best = try (0..<5).map { _ in
      try clock.measure { _ = try StructureAnalysis.analyze(model: try Zoo.read("resnet18")) }
    }.min()
    #expect(try #require(best) < .milliseconds(30))
  }

  /// Exports with the batch left open (`--dynamic`): the batch stays a symbol, everything else is known.
  @Test(
    .enabled(
      if: !Zoo.openBatch.isEmpty, "needs exports with an open batch (Tests/Fixtures/export_zoo.py --dynamic)"),
    arguments: Zoo.openBatch)
  func openBatchStaysSymbolic(_ name: String) throws {
    var model = try Zoo.read(name)
    model.graph.valueInfo = []
    for index in model.graph.outputs.indices { model.graph.outputs[index].shape = nil }
    let open = ShapeInference.infer(model)
    #expect(open.problems.count == 0, "\(open.problems.prefix(5).map { "\($0.nodeName) \($0.message)" })")
    let output = try #require(model.graph.outputs.first)
    let first = try #require(model.graph.inputs.first?.shape?.dimensions.first)
    #expect(open.shape(output.name)?.dimensions == [first, .known(1000)])
    let figure = try #require(ZooFigure.all.first { name.hasPrefix($0.name) })
    let analysis = try StructureAnalysis.analyze(model: model)
    #expect(analysis.operations.isComplete)
    #expect(analysis.operations.macs == figure.macs)
    let formula = try #require(analysis.macsFormula)
    #expect(formula.count.value(at: [first.description: 1]) == figure.macs)
    #expect(formula.count.value(at: [first.description: 7]) == 7 * figure.macs)
    #expect(
      !open.values.contains {
        $0.value.container == nil && $0.value.shape?.dimensions.contains(.unknown) ?? true
      })
  }
}
