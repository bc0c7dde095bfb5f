import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGradients
import ScopeGraph
import ScopeRuntime
import TestSupport
import Testing

/// Whether ONNX Runtime can be loaded on this machine.
let engine: Engine? = try? Engine.load(path: OnnxRuntimeLibrary.path)
let engineReason: Comment = "needs ONNX Runtime (run scripts/bootstrap or set NEURAL_SCOPE_ONNXRUNTIME)"

enum GradientFixtures {
  static let folder = Fixture.path("gradients")

  static let names: [String] = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".onnx") }.map { String($0.dropLast(5)) }.sorted()

  static func model(_ name: String) throws -> Model {
    try ONNXReader.read(try ByteSlice(mappingFile: "\(folder)/\(name).onnx"), directory: folder)
  }

  static func numbers(_ name: String) throws -> [Float] {
    try ByteSlice(mappingFile: "\(folder)/\(name).bin").elements(as: Float.self)
  }
}

/// One fixture run: the graph's gradient beside PyTorch's.
struct GradientRun {
  var model: Model
  var inputShape: [Int]
  var outputShape: [Int]
  var x: [Float]
  var v: [Float]
  var expected: [Float]
  var found: [Float]

  init(_ name: String, on engine: Engine) throws {
    model = try DynamicBatch.rewrite(try GradientFixtures.model(name)).model
    let numbers = try GradientFixtures.numbers(name)
    let input = model.graph.inputs[0]
    inputShape = [2] + (input.shape?.dimensions.dropFirst().compactMap(\.value) ?? [])
    let count = inputShape.reduce(1, *)
    x = Array(numbers.prefix(count))
    expected = Array(numbers.suffix(count))
    v = Array(numbers.dropFirst(count).dropLast(count))
    let forward = try Session(engine: engine, model: model, options: .init(threads: 1))
    let output = model.graph.outputs[0].name
    outputShape = try forward.run([input.name: HostArray(x, inputShape)])[output]?.dimensions ?? []
    let gradient = try BackwardGraph.inputGradient(of: model, loss: .weightedSum)
    let session = try Session(engine: engine, model: gradient.model, options: .init(threads: 1))
    let results = try session.run(
      [gradient.imageInput: HostArray(x, inputShape), gradient.labelsInput: HostArray(v, outputShape)],
      fetch: [gradient.gradientOutput])
    found = results[gradient.gradientOutput]?.floats ?? []
  }
}

/// Largest difference divided by the largest magnitude of `expected` (at least 1e-6).
func relativeError(_ found: [Float], _ expected: [Float]) -> Float {
  guard found.count == expected.count else { return .infinity }
  let scale = max(expected.reduce(0) { max($0, $1.magnitude) }, 1e-6)
  return zip(found, expected).reduce(0) { $1.0.isFinite ? max($0, ($1.0 - $1.1).magnitude) : .infinity }
    / scale
}
