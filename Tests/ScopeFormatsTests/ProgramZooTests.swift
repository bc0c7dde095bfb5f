import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime
import TestSupport
import Testing

/// ONNX Runtime, or nil when this machine has none.
private let engine = try? Engine.load()

/// Runs converted PyTorch programs and compares with what PyTorch computed.
enum ProgramCheck {
  /// The graph of a program.
  static func model(_ path: String) throws -> Model {
    switch try ModelReader.read(path: path).content {
    case .program(_, .graph(let model)): return model
    case .program(_, .failed(let error)): throw error
    case .graph(let model): return model
    case .weights, .description: throw ScopeError(.unsupported, "no program", file: path)
    }
  }

  /// Largest difference from PyTorch's outputs as a share of the largest of them.
  ///
  /// - Parameter golden: safetensors with `input.0` ... and `output.0` ...
  static func difference(program: String, golden: String) throws -> Float {
    let model = try model(program)
    guard case .weights(let values) = try ModelReader.read(path: golden).content else { return .infinity }
    var options = SessionOptions()
    options.threads = 1
    let session = try Session(engine: try #require(engine), model: model, options: options)
    var feeds: [String: HostArray] = [:]
    for (index, input) in model.graph.requiredInputs.enumerated() {
      let tensor = try #require(values.tensors["input.\(index)"])
      feeds[input.name] = try HostArray(tensor)
    }
    let outputs = try session.run(feeds)
    var worst: Float = 0
    for (index, output) in model.graph.outputs.enumerated() {
      let expected = try #require(values.tensors["output.\(index)"]).floats()
      let computed = try #require(outputs[output.name]).floats
      guard expected.count == computed.count else { return .infinity }
      let largest = max(expected.map(abs).max() ?? 0, .leastNormalMagnitude)
      for (a, b) in zip(expected, computed) {
        let difference = abs(a - b) / largest
        worst = difference.isNaN ? .infinity : max(worst, difference)
      }
    }
    return worst
  }
}

private let folder = ProcessInfo.processInfo.environment["NEURAL_SCOPE_PROGRAMS"]

/// Every program of the zoo that `Tests/Fixtures/check_programs.py` writes.
@Suite(
  "The program zoo computes PyTorch's logits", .serialized,
  .enabled(if: engine != nil && folder != nil, "needs ONNX Runtime, and a folder in NEURAL_SCOPE_PROGRAMS"))
struct ProgramZooTests {
  static let programs: [String] = {
    let names = folder.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0) } ?? []
    return names.filter { $0.hasSuffix(".pt2") || $0.hasSuffix(".pt") }.sorted()
  }()

  @Test(arguments: programs)
  func equalsPyTorch(name: String) throws {
    let folder = try #require(folder)
    let stem = String(name.prefix(upTo: name.lastIndex(of: ".") ?? name.endIndex))
    let difference = try ProgramCheck.difference(
      program: "\(folder)/\(name)", golden: "\(folder)/\(stem).safetensors")
    if let log = ProcessInfo.processInfo.environment["NEURAL_SCOPE_PROGRAMS_LOG"] {
      let line = "\(name)\t\(difference)\n"
      let previous = (try? String(contentsOf: URL(filePath: log), encoding: .utf8)) ?? ""
      try (previous + line).write(to: URL(filePath: log), atomically: true, encoding: .utf8)
    }
    #expect(difference < 1e-4, "\(name)")
  }
}
