import ScopeArchitectures
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime
import TestSupport
import Testing

/// ONNX Runtime, or nil when this machine has none.
private let engine = try? Engine.load()

@Suite(
  "Built graphs compute PyTorch's logits", .serialized,
  .enabled(if: engine != nil, "needs ONNX Runtime (set NEURAL_SCOPE_ONNXRUNTIME)"))
struct GoldenLogitsTests {
  /// Largest difference as a share of the largest logit.
  private func difference(_ values: [Float], _ golden: GoldenLogits) -> Float {
    let expected = golden.logits.flatMap { $0 }
    guard values.count == expected.count else { return .infinity }
    let largest = expected.map(abs).max() ?? 0
    return zip(values, expected).map { abs($0 - $1) }.max().map { $0 / largest } ?? .infinity
  }

  private func logits(_ state: StateDict, _ golden: GoldenLogits) throws -> [Float] {
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
    return try #require(outputs["logits"]).floats
  }

  @Test(arguments: try GoldenLogits.all("logits.json"))
  func deterministicWeights(golden: GoldenLogits) throws {
    let structure = try #require(
      ArchitectureRegistry.structure(of: golden.variant, classCount: golden.classes))
    let state = DeterministicWeights.state(structure.tensors)
    #expect(difference(try logits(state, golden), golden) < 1e-5)
  }

  @Test func anotherWeightGivesOtherLogits() throws {
    let golden = try #require(try GoldenLogits.all("logits.json").first { $0.variant == "CIFAR ResNet-20" })
    var state = DeterministicWeights.state(
      try #require(ArchitectureRegistry.structure(of: golden.variant, classCount: golden.classes)).tensors)
    state.tensors["layer2.0.bn2.running_mean"] = .floats([Float](repeating: 0.3, count: 32), [32])
    #expect(difference(try logits(state, golden), golden) > 1e-3)
  }
}
