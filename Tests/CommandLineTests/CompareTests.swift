import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct CompareTests {
  @Test func structureAndWeightsInJSON() throws {
    let result = try CommandLine.run(
      "compare", Fixture.path("onnx/opset17.onnx"), Fixture.path("onnx/opset17.onnx"), "--no-run", "--json")
    #expect(result.code == 0)
    #expect(result.errors.isEmpty)
    let comparison = try #require(try result.json() as? [String: Any])
    let structure = try #require(comparison["structure"] as? [String: Any])
    #expect(structure["addedCount"] as? Int == 0)
    #expect(structure["changedCount"] as? Int == 0)
    let weights = try #require(comparison["weights"] as? [String: Any])
    #expect(weights["changedCount"] as? Int == 0)
    #expect(comparison["latency"] == nil)
    let missing = try #require(comparison["notMeasured"] as? [[String: Any]])
    #expect(missing.contains { $0["path"] as? String == "latency" })
  }

  @Test(.enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
  func bothAreTimedInTurn() throws {
    let result = try CommandLine.run(
      "compare", Fixture.path("onnx/opset17.onnx"), Fixture.path("onnx/opset17.onnx"), "--json",
      "--latency-seconds", "0.2")
    #expect(result.code == 0)
    let comparison = try #require(try result.json() as? [String: Any])
    let latency = try #require(comparison["latency"] as? [String: Any])
    let interval = try #require((latency["speedup"] as? [String: Any])?["interval"] as? [String: Any])
    let (low, high) = (interval["low"] as? Double ?? 9, interval["high"] as? Double ?? 0)
    #expect(low <= high)
    let verdict = latency["verdict"] as? String
    #expect(verdict == (low > 1 ? "faster" : high < 1 ? "slower" : "inconclusive"))
    let output = try #require((comparison["outputs"] as? [[String: Any]])?.first)
    #expect(output["largestDifference"] as? Double == 0, "a model agrees with itself")
  }

  @Test func textFitsTheTerminal() throws {
    let result = try CommandLine.run(
      "compare", Fixture.path("formats/state.pt"), Fixture.path("onnx/opset17.onnx"), "--no-run")
    #expect(result.code == 0)
    #expect(result.output.contains("Figures"))
    #expect(result.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  @Test func anUnreadableModelIsNamed() throws {
    let result = try CommandLine.run("compare", Fixture.path("onnx/opset17.onnx"), "/nonexistent.onnx")
    #expect(result.code == 2)
    #expect(result.errors.contains("/nonexistent.onnx"))
  }
}
