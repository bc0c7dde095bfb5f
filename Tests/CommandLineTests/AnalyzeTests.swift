import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct AnalyzeTests {
  @Test func structureAnswersInJSON() throws {
    let result = try CommandLine.run("analyze", Fixture.path("onnx/opset17.onnx"), "--no-run", "--json")
    #expect(result.code == 0)
    #expect(result.errors.isEmpty, "quiet in a pipe")
    let analysis = try #require((try result.json() as? [String: Any])?["analysis"] as? [String: Any])
    // A 3x3 convolution from 3 to 4 channels over 8 x 8 positions: 4 * 3 * 9 * 64 multiply-accumulates.
    #expect((analysis["macs"] as? [String: Any])?["value"] as? Int == 6912)
    #expect((analysis["parameters"] as? [String: Any])?["value"] as? Int == 108)
    #expect((analysis["graphNodes"] as? [String: Any])?["value"] as? Int == 4)
    #expect(analysis["latency"] == nil)
  }

  @Test func structureAloneNeedsNoEngine() throws {
    let result = try CommandLine.run(
      "analyze", Fixture.path("onnx/opset17.onnx"), "--json",
      environment: ["NEURAL_SCOPE_ONNXRUNTIME": "/nonexistent.so"])
    #expect(result.code == 0)
    let report = try #require(try result.json() as? [String: Any])
    let missing = try #require(report["notMeasured"] as? [[String: Any]])
    let latency = try #require(missing.first { $0["path"] as? String == "analysis.latency" })
    #expect((latency["remedy"] as? String)?.contains("NEURAL_SCOPE_ONNXRUNTIME") == true)
  }

  @Test func weightsOfAnUnknownArchitectureAreNoError() throws {
    let result = try CommandLine.run("analyze", Fixture.path("formats/state.pt"), "--json")
    #expect(result.code == 0)
    let report = try #require(try result.json() as? [String: Any])
    let missing = try #require(report["notMeasured"] as? [[String: Any]])
    #expect(missing.contains { ($0["remedy"] as? String)?.contains("torch.onnx.export") == true })
  }

  @Test func theTableFitsEightyColumnsWithoutColours() throws {
    let result = try CommandLine.run(
      "analyze", Fixture.path("onnx/opset17.onnx"), "--no-run", "--layers", "--memory", "--tensors")
    #expect(result.code == 0 && result.errors.isEmpty)
    #expect(!result.output.contains("\u{1B}"))
    for line in result.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    for name in ["Parameters", "MACs", "Peak activations", "Every stored tensor"] {
      #expect(result.output.contains(name), "\(name)")
    }
    let plain = try CommandLine.run("analyze", Fixture.path("onnx/opset17.onnx"), "--no-run")
    #expect(plain.output.contains("More: --layers"), "the flags for the rest are named")
    #expect(!plain.output.contains("Every stored tensor"))
  }

  @Test(arguments: [
    ["--context", "0"], ["--context", "many"], ["--price-per-hour", "-1"], ["--price-per-hour", "nan"],
    ["--shape", "=1x3"], ["--shape", "input=0"], ["--shape", "nothing"], ["--latency-seconds", "0"],
  ])
  func wrongDetailsAreExitCodeTwo(arguments: [String]) throws {
    let result = try CommandLine.run(["analyze", Fixture.path("onnx/opset17.onnx"), "--no-run"] + arguments)
    #expect(result.code == 2, "\(arguments)")
    #expect(!result.errors.isEmpty && result.output.isEmpty)
  }

  @Test func everyFlagAnswersInJSON() throws {
    let result = try CommandLine.run(
      "analyze", Fixture.path("onnx/opset17.onnx"), "--no-run", "--json", "--layers", "--tensors", "--memory",
      "--context", "512,1024", "--price-per-hour", "0.5")
    #expect(result.code == 0, "\(result.errors)")
    let analysis = try #require((try result.json() as? [String: Any])?["analysis"] as? [String: Any])
    for key in ["layers", "tensors", "throughput", "bottlenecks", "work", "notes", "moduleSizes"] {
      #expect(analysis[key] is [Any], "\(key)")
    }
  }
}

/// Every subcommand, every kind of bad input: exit code 2, the file named on standard error, no crash.
@Suite(.serialized) struct BadInputTests {
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "neural-scope-bad-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data().write(to: folder.appending(path: "empty.onnx"))
    try Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 197 &+ $0 >> 3 &+ 91) }).write(
      to: folder.appending(path: "random.pth"))
    for (name, source) in [
      ("cut.onnx", "onnx/types.onnx"), ("cut.pt", "formats/state.pt"),
      ("cut.safetensors", "formats/state.safetensors"),
    ] {
      let whole = try Data(contentsOf: URL(filePath: Fixture.path(source)))
      try whole.prefix(whole.count / 2).write(to: folder.appending(path: name))
    }
    try FileManager.default.createDirectory(
      at: folder.appending(path: "folder.onnx"), withIntermediateDirectories: true)
    try Data("<!DOCTYPE html><html></html>".utf8).write(to: folder.appending(path: "page.safetensors"))
  }

  @Test(arguments: [
    "empty.onnx", "random.pth", "cut.onnx", "cut.pt", "cut.safetensors", "folder.onnx", "page.safetensors",
    "absent.onnx",
  ])
  func isRefusedByName(name: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: name).path()
    let out = folder.appending(path: "out").path()
    for arguments in [
      ["analyze", path], ["analyze", path, "--no-run", "--json"],
      ["optimize", path, "--data", folder.path(), "--out", out + "/m.onnx"],
      ["robustness", path, "--data", folder.path()],
      ["report", path, "--out", out],
    ] {
      let result = try CommandLine.run(arguments)
      #expect(result.code == 2, "\(arguments)")
      #expect(result.errors.contains(name), "\(arguments): \(result.errors)")
      #expect(result.output.isEmpty)
    }
  }

  @Test func renamedFilesAreReadByContent() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let renamed = folder.appending(path: "model.pth")
    try FileManager.default.copyItem(atPath: Fixture.path("onnx/opset17.onnx"), toPath: renamed.path())
    #expect(try CommandLine.run("analyze", renamed.path(), "--no-run").code == 0)
  }

  @Test func wrongUsageIsExitCodeTwo() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    for arguments in [
      ["analyze"], ["analyze", "x", "--bogus"], ["fly"], ["security"], ["analyze", "x", "--threads", "-1"],
      ["robustness", Fixture.path("onnx/opset17.onnx"), "--data", "x", "--attack", "magic"],
      ["robustness", Fixture.path("onnx/opset17.onnx"), "--data", "x", "--epsilon", "2/0"],
      ["security", "--explain", "NOPE"],
    ] {
      let result = try CommandLine.run(arguments)
      #expect(result.code == 2, "\(arguments)")
      #expect(!result.errors.isEmpty)
    }
    #expect(try CommandLine.run("--help").code == 0)
    #expect(try CommandLine.run("--version").code == 0)
  }
}
