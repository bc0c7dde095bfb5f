import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime
import TestSupport
import Testing

/// TorchScript files and what PyTorch computes from them, made by `Tests/Fixtures/check_torchscript.py`.
private let folder = ProcessInfo.processInfo.environment["NEURAL_SCOPE_PROGRAMS"]

private let names: [String] = {
  guard let folder, let files = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
    return []
  }
  return files.filter { $0.hasSuffix(".trace.pt") || $0.hasSuffix(".script.pt") }.sorted()
}()

@Suite(
  .serialized,
  .enabled(
    if: OnnxRuntimeLibrary.isPresent && !names.isEmpty,
    "needs ONNX Runtime and a folder made by check_torchscript.py (NEURAL_SCOPE_PROGRAMS)"))
struct TorchScriptZooTests {
  @Test(arguments: names)
  func computesWhatPyTorchComputes(name: String) throws {
    let path = "\(folder ?? "")/\(name)"
    let engine = try Engine.load(path: OnnxRuntimeLibrary.path)
    let difference = try ProgramCheck.difference(
      path, golden: path.replacing(".pt", with: ".safetensors"), engine: engine)
    #expect(difference < 1e-4)
  }
}

/// Runs a converted program and compares its results with PyTorch's.
enum ProgramCheck {
  /// - Returns: the largest difference as a share of the largest result.
  static func difference(_ path: String, golden: String, engine: Engine) throws -> Float {
    let file = try ModelReader.read(path: path)
    guard case .program(_, let program) = file.content else { throw ScopeError(.malformed, "no program") }
    let model: Model
    switch program {
    case .graph(let graph): model = graph
    case .failed(let error): throw error
    }
    guard case .weights(let values) = try ModelReader.read(path: golden).content else {
      throw ScopeError(.malformed, "no golden values")
    }
    var feeds: [String: HostArray] = [:]
    for (index, input) in model.graph.requiredInputs.enumerated() {
      let tensor = try #require(values.tensors["input.\(index)"])
      feeds[input.name] =
        tensor.dataType == .int64
        ? HostArray(try tensor.int64s(), tensor.dimensions)
        : HostArray(try tensor.floats(), tensor.dimensions)
    }
    let session = try Session(engine: engine, model: model, options: .init(threads: 2))
    let results = try session.run(feeds)
    var worst: Float = 0
    for (index, output) in model.graph.outputs.enumerated() {
      let expected = try #require(values.tensors["output.\(index)"]).floats()
      let found = try #require(results[output.name]).floats
      #expect(found.count == expected.count)
      let largest = expected.map(abs).max() ?? 1
      let difference = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
      worst = max(worst, found.count == expected.count ? difference / max(largest, 1e-6) : .infinity)
    }
    return worst
  }
}
