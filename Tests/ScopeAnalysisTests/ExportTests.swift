import Foundation
import ScopeAnalysis
import ScopeBytes
import ScopeFormats
import ScopeGraph
import TestSupport
import Testing

/// Models written by `Tests/Fixtures/export_more.py`, with every intermediate's shape and type as ONNX Runtime computed
/// them.
struct ExportedModel: CustomTestStringConvertible, Sendable {
  var name: String
  var testDescription: String { name }

  static let reason =
    "needs exported models (python Tests/Fixtures/export_more.py --out FOLDER, and NEURAL_SCOPE_EXPORTS=FOLDER)"

  static let folder = URL(
    filePath: ProcessInfo.processInfo.environment["NEURAL_SCOPE_EXPORTS"]
      ?? SharedData.repository.appending(path: ".exports").path())

  static let all: [ExportedModel] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
    return files.filter { $0.hasSuffix(".shapes.json") }.map { String($0.dropLast(12)) }.sorted().filter {
      FileManager.default.fileExists(atPath: folder.appending(path: "\($0).onnx").path())
    }.map { ExportedModel(name: $0) }
  }()

  struct Expected {
    var inputs: [String: [Int]]
    var values: [String: (type: String, sizes: [Int])]
  }

  func read() throws -> (Model, Expected) {
    let path = Self.folder.appending(path: "\(name).onnx").path()
    var model = try ONNXReader.read(ByteSlice(mappingFile: path), directory: Self.folder.path())
    // Without the exporter's own annotations, so that every shape is inferred here.
    model.graph.valueInfo = []
    for index in model.graph.outputs.indices { model.graph.outputs[index].shape = nil }
    let data = try Data(contentsOf: Self.folder.appending(path: "\(name).shapes.json"))
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let values = try #require(json["values"] as? [String: [Any]])
    return (
      model,
      Expected(
        inputs: try #require(json["inputs"] as? [String: [Int]]),
        values: values.compactMapValues { entry in
          guard let type = entry[0] as? String, let sizes = entry[1] as? [Int] else { return nil }
          return (type == "object" ? "string" : type, sizes)
        })
    )
  }
}

@Suite(.serialized) struct ExportTests {
  /// Values whose size depends on what the numbers are: all that follows such an operator.
  private func dataDependent(_ graph: Graph, _ types: InferredTypes) -> Set<String> {
    var names: Set<String> = []
    let sources = ["NonZero", "NonMaxSuppression", "Unique", "Compress", "Loop", "If", "TopK"]
    for node in graph.nodes {
      let follows = node.inputs.contains { names.contains($0) }
      let unknown = node.outputs.contains { types.shape($0)?.dimensions.contains(.unknown) ?? true }
      if follows || (sources.contains(node.opType) && unknown) { names.formUnion(node.outputs) }
    }
    return names
  }

  /// Every size with the inputs' sizes given.
  @Test(
    .enabled(if: !ExportedModel.all.isEmpty, Comment(rawValue: ExportedModel.reason)),
    arguments: ExportedModel.all)
  func givenSizesAgreeWithTheEngine(_ item: ExportedModel) throws {
    let (model, expected) = try item.read()
    let types = ShapeInference.infer(model, bindings: expected.inputs.mapValues { Shape($0) })
    let depends = dataDependent(model.graph, types)
    var wrong: [String] = []
    for (name, entry) in expected.values {
      let value = types[name]
      let known = value?.shape?.sizes == entry.sizes && value?.dataType?.name == entry.type
      let open = depends.contains(name) && fits(value?.shape, entry.sizes)
      if !known && !open {
        wrong.append(
          "\(name): \(value?.shape?.description ?? "?") \(value?.dataType?.name ?? "?"), engine \(entry.sizes) \(entry.type)"
        )
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count) of \(expected.values.count): \(ordered(wrong, model).prefix(6))")
    let invalid = types.problems.filter { $0.kind != .unresolved }
    #expect(invalid.isEmpty, "\(invalid.prefix(4).map { "\($0.nodeName) \($0.opType) \($0.message)" })")
  }

  /// Every size with the inputs' sizes left open: computed at the same sizes, they are what the engine found.
  @Test(
    .enabled(if: !ExportedModel.all.isEmpty, Comment(rawValue: ExportedModel.reason)),
    arguments: ExportedModel.all)
  func openSizesAgreeWithTheEngine(_ item: ExportedModel) throws {
    let (model, expected) = try item.read()
    var sizes: [String: Int] = [:]
    for input in model.graph.requiredInputs {
      for (dimension, size) in zip(input.shape?.dimensions ?? [], expected.inputs[input.name] ?? []) {
        if case .symbolic(let name) = dimension { sizes[name] = size }
      }
    }
    let types = ShapeInference.infer(model)
    let depends = dataDependent(model.graph, types)
    var wrong: [String] = []
    for (name, entry) in expected.values {
      let shape = types.shape(name)
      let found = shape.map { Shape($0.dimensions.map { ShapeInference.size($0, at: sizes) }) }
      if found?.sizes != entry.sizes, !(depends.contains(name) && fits(found, entry.sizes)) {
        wrong.append(
          "\(name): \(shape?.description ?? "?") = \(found?.description ?? "?"), engine \(entry.sizes)")
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count) of \(expected.values.count): \(ordered(wrong, model).prefix(6))")
  }

  private func fits(_ shape: Shape?, _ sizes: [Int]) -> Bool {
    guard let shape else { return true }
    return shape.rank == sizes.count
      && zip(shape.dimensions, sizes).allSatisfy { dimension, size in
        dimension.value.map { $0 == size } ?? true
      }
  }

  /// In graph order: the first disagreement is the cause of the others.
  private func ordered(_ lines: [String], _ model: Model) -> [String] {
    var order: [String: (Int, String)] = [:]
    for (index, node) in model.graph.nodes.enumerated() {
      for name in node.outputs { order[name] = (index, node.opType) }
    }
    func key(_ line: String) -> String { String(line.prefix(while: { $0 != " " }).dropLast()) }
    return lines.sorted { (order[key($0)]?.0 ?? 0) < (order[key($1)]?.0 ?? 0) }.map {
      "[\(order[key($0)]?.1 ?? "")] \($0)"
    }
  }
}
