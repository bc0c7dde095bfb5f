import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

/// The exact passes on every exported reference model (`Tests/Fixtures/export_zoo.py`): outputs equal, graph smaller.
///
/// With `NEURAL_SCOPE_ZOO_OUT` set to a folder, the rewritten models and a table of counts and times are written there.
@Suite(
  .serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"),
  .enabled(if: PassZoo.folder != nil, "needs the exported models (set NEURAL_SCOPE_ZOO)"))
struct PassZooTests {
  @Test(arguments: PassZoo.names)
  func exactPassesKeepTheOutputs(_ name: String) throws {
    let path = try #require(PassZoo.folder).appending(path: "\(name).onnx").path()
    let model = try ONNXReader.read(
      ByteSlice(mappingFile: path), directory: PassZoo.folder?.path() ?? ".")
    var rewritten = model
    let clock = ContinuousClock()
    let start = clock.now
    let records = try PassRunner.run(PassRegistry.exact, on: &rewritten)
    let elapsed = clock.now - start
    #expect(rewritten.graph.nodes.count <= model.graph.nodes.count)
    let before = try PassZoo.outputs(of: model)
    let after = try PassZoo.outputs(of: rewritten)
    let difference = PassZoo.difference(before.values, after.values)
    #expect(difference <= 1e-5)
    try PassZoo.record(
      name, rewritten,
      [
        "\(model.graph.nodes.count)", "\(rewritten.graph.nodes.count)", "\(difference)",
        "\(elapsed / .milliseconds(1))", "\(before.loadTime / .milliseconds(1))",
        "\(after.loadTime / .milliseconds(1))",
        records.map(\.name).joined(separator: ","),
      ])
  }
}

enum PassZoo {
  static let folder: URL? = {
    guard let path = ProcessInfo.processInfo.environment["NEURAL_SCOPE_ZOO"] else { return nil }
    return URL(filePath: path)
  }()

  static let names: [String] = {
    let files = folder.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0.path()) } ?? []
    let wanted = ProcessInfo.processInfo.environment["NEURAL_SCOPE_ZOO_ONLY"]?.split(separator: ",")
    return files.filter { $0.hasSuffix(".onnx") }.map { String($0.dropLast(5)) }.filter { name in
      wanted.map { $0.contains { name.contains($0) } } ?? true
    }.sorted()
  }()

  /// Every float output of `model` on reproducible inputs.
  static func outputs(of model: Model) throws -> (values: [String: [Float]], loadTime: Duration) {
    let session = try Session(
      engine: try Engine.load(path: OnnxRuntimeLibrary.path), model: model,
      options: SessionOptions(threads: 2))
    var feeds: [String: HostArray] = [:]
    for input in session.inputs { feeds[input.name] = try feed(input) }
    let outputs = try session.run(feeds).mapValues { array -> [Float] in
      switch array.values {
      case .float32(let values): values
      case .int64(let values): values.map { Float($0) }
      case .bool(let values): values.map { $0 ? 1 : 0 }
      default: []
      }
    }
    return (outputs, session.loadTime)
  }

  /// Sizes that fit every export; what has no name is 2.
  private static let sizes = [
    "batch": 2, "batch_size": 2, "sequence": 4, "length": 6, "sequence_length": 6, "past": 3, "source": 5,
    "target": 4, "h": 224, "w": 224, "height": 160, "width": 160,
  ]

  private static func feed(_ input: ValueInfo) throws -> HostArray {
    let dimensions = (input.shape?.dimensions ?? []).map { ShapeInference.size($0, at: sizes).value ?? 2 }
    let count = dimensions.reduce(1, *)
    switch input.dataType {
    case .int64?:
      if dimensions.isEmpty { return HostArray([Int64(2)], []) }
      // Token numbers that every vocabulary has; a mask or a token type has only zero and one.
      let isMask = input.name.contains("mask") || input.name.contains("Unsqueeze")
      return HostArray((0..<count).map { isMask ? 1 : Int64($0 * 7 % 10 + 1) }, dimensions)
    case .bool?: return HostArray(.bool([Bool](repeating: true, count: count)), dimensions)
    default:
      var numbers = Numbers()
      return HostArray(numbers.take(count), dimensions)
    }
  }

  /// The largest difference over the largest magnitude, of the worst output.
  static func difference(_ reference: [String: [Float]], _ other: [String: [Float]]) -> Float {
    var worst: Float = 0
    for (name, values) in reference {
      guard let others = other[name], others.count == values.count else { return .infinity }
      var largest: Float = 0
      var difference: Float = 0
      for (a, b) in zip(values, others) where !(a.isNaN && b.isNaN) {
        guard a.isFinite, b.isFinite else {
          if a == b { continue }
          return .infinity
        }
        largest = max(largest, abs(a))
        difference = max(difference, abs(a - b))
      }
      if difference > 0 { worst = max(worst, difference / max(largest, .leastNormalMagnitude)) }
    }
    return worst
  }

  static func record(_ name: String, _ model: Model, _ columns: [String]) throws {
    guard let path = ProcessInfo.processInfo.environment["NEURAL_SCOPE_ZOO_OUT"] else { return }
    let folder = URL(filePath: path)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    if ProcessInfo.processInfo.environment["NEURAL_SCOPE_ZOO_WRITE"] != nil {
      try ONNXWriter.bytes(model).array.withUnsafeBytes { bytes in
        try Data(bytes).write(to: folder.appending(path: "\(name).onnx"))
      }
    }
    let table = folder.appending(path: "table.tsv")
    let line = ([name] + columns).joined(separator: "\t") + "\n"
    let old = (try? Data(contentsOf: table)) ?? Data()
    try (old + Data(line.utf8)).write(to: table)
  }
}
