import Foundation
import ScopeBytes
import ScopeGradients
import ScopeGraph
import ScopeRuntime
import TestSupport
import Testing

@Suite(.serialized) struct RuleTests {
  /// Every rule against PyTorch's autograd; see Tests/Fixtures/make_gradients.py.
  @Test(.enabled(if: engine != nil, engineReason), arguments: GradientFixtures.names)
  func agreesWithAutograd(_ name: String) throws {
    let run = try GradientRun(name, on: try #require(engine))
    #expect(run.found.count == run.expected.count)
    #expect(relativeError(run.found, run.expected) < 2e-5)
  }

  /// Central differences of the forward model, independent of autograd and of the fixture's gradient.
  @Test(
    .enabled(if: engine != nil, engineReason),
    arguments: [
      "attention", "layer_normalization", "gelu_exact_opset20", "conv_stride2_seven", "multiply_gate",
    ])
  func agreesWithFiniteDifferences(_ name: String) throws {
    let engine = try #require(engine)
    let run = try GradientRun(name, on: engine)
    let session = try Session(engine: engine, model: run.model, options: .init(threads: 1))
    func value(_ x: [Float]) throws -> Double {
      let outputs = try session.run([run.model.graph.inputs[0].name: HostArray(x, run.inputShape)])
      let y = try #require(outputs[run.model.graph.outputs[0].name]).floats
      return zip(y, run.v).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let step: Float = 1 / 64
    for index in stride(from: 0, to: run.x.count, by: max(run.x.count / 12, 1)) {
      var (up, down) = (run.x, run.x)
      up[index] += step
      down[index] -= step
      let difference = (try value(up) - value(down)) / Double(2 * step)
      #expect(abs(difference - Double(run.found[index])) < 2e-2 * max(1, abs(difference)), "element \(index)")
    }
  }

  @Test func everyRuleHasAnOperatorOfItsOwn() {
    let operators = GradientRegistry.rules.flatMap { $0.operators }
    #expect(Set(operators).count == operators.count)
    #expect(GradientRegistry.supportedOperators == operators.sorted())
  }

  /// Every rule declared in a file of Rules/ is in the registry.
  @Test func everyRuleIsRegistered() throws {
    let folder = SharedData.repository.appending(path: "Sources/ScopeGradients/Rules")
    var declared: Set<String> = []
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.path())
    where file.hasSuffix(".swift") {
      let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
      for match in text.matches(of: /enum (\w+): GradientRule/) { declared.insert(String(match.1)) }
    }
    #expect(declared == Set(GradientRegistry.rules.map { "\($0)" }))
  }
}
