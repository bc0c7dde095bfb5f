import Foundation
import TestSupport
import Testing

/// The main job end to end on the small trained network of `Tests/Fixtures/make_quantization.py`.
@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct ReportTests {
  static let model = Fixture.path("optimization/stripes.onnx")
  static let data = Fixture.path("optimization/stripes.npz")
  let folder = FileManager.default.temporaryDirectory.appending(path: "neural-scope-report-\(UUID())")

  static let environment = ["NEURAL_SCOPE_ONNXRUNTIME": OnnxRuntimeLibrary.path ?? ""]

  func number(_ value: Any?) -> Double? {
    (value as? Double) ?? ((value as? [String: Any])?["value"] as? Double)
  }

  @Test func reportWritesEveryFormAndTheStablePaths() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = try CommandLine.run(
      [
        "report", Self.model, "--data", Self.data, "--out", folder.path(), "--preset", "tf", "--epsilon",
        "1/255,8/255",
      ],
      environment: Self.environment)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.isEmpty, "quiet in a pipe")
    #expect(result.output.contains("report.html"))
    let names = Set(try FileManager.default.contentsOfDirectory(atPath: folder.path()))
    #expect(
      names == ["report.html", "report.md", "report.json", "measurements.csv", "badge.svg", "optimized.onnx"])
    let json = try JSONSerialization.jsonObject(with: Data(contentsOf: folder.appending(path: "report.json")))
    let report = try #require(json as? [String: Any])
    #expect(report["schemaVersion"] as? Int == 1)
    let described = try #require(report["model"] as? [String: Any])
    #expect((described["sha256"] as? String)?.count == 64)
    #expect(described["format"] as? String == "onnx")
    let analysis = try #require(report["analysis"] as? [String: Any])
    for key in ["parameters", "weightLayers", "graphNodes", "macs", "weightBytes", "peakActivationBytes"] {
      #expect(try #require(number(analysis[key])) > 0, "\(key)")
    }
    let latency = try #require(analysis["latency"] as? [String: Any])
    #expect(try #require(number(latency["p50Milliseconds"])) > 0)
    #expect(latency["batch"] as? Int == 1)
    let optimization = try #require(report["optimization"] as? [String: Any])
    let bytes = try #require(
      try folder.appending(path: "optimized.onnx").resourceValues(forKeys: [.fileSizeKey]).fileSize)
    #expect(number(optimization["optimizedBytes"]) == Double(bytes), "the reported size is the file's")
    #expect((optimization["candidates"] as? [Any])?.isEmpty == false)
    let drop =
      try #require(number(optimization["originalAccuracy"]))
      - (try #require(number(optimization["optimizedAccuracy"])))
    let images = try #require(optimization["evaluationImages"] as? Double)
    #expect(drop <= max(0.01, 1 / images) + 1e-9)
    let security = try #require(report["security"] as? [String: Any])
    #expect(security["verdict"] as? String == "safe")
    let robustness = try #require(report["robustness"] as? [String: Any])
    let attacks = try #require(robustness["attacks"] as? [[String: Any]])
    #expect(attacks.count == 4)
    let clean = try #require(number(robustness["cleanAccuracy"]))
    for attack in attacks { #expect(try #require(number(attack["robustAccuracy"])) <= clean + 0.05) }
    #expect((report["recommendations"] as? [Any])?.isEmpty == false)
    let html = try String(contentsOf: folder.appending(path: "report.html"), encoding: .utf8)
    #expect(!html.contains("src=\"http"))
  }

  @Test func optimizeWritesTheModelItReports() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let out = folder.appending(path: "small.onnx")
    let result = try CommandLine.run(
      ["optimize", Self.model, "--data", Self.data, "--out", out.path(), "--preset", "tf", "--json"],
      environment: Self.environment)
    #expect(result.code == 0, "\(result.errors)")
    let optimization = try #require((try result.json() as? [String: Any])?["optimization"] as? [String: Any])
    #expect(number(optimization["optimizedBytes"]) == Double(try Data(contentsOf: out).count))
    #expect(try CommandLine.run("analyze", out.path(), "--no-run").code == 0)
    #expect(try CommandLine.run("security", out.path()).code == 0)
  }

  @Test func robustnessPrintsTheSection() throws {
    let result = try CommandLine.run(
      [
        "robustness", Self.model, "--data", Self.data, "--preset", "none", "--attack", "fgsm,pgd-l2",
        "--epsilon", "4/255",
        "--epsilon-l2", "0.5", "--json", "--limit", "40",
      ], environment: Self.environment)
    #expect(result.code == 0, "\(result.errors)")
    let robustness = try #require((try result.json() as? [String: Any])?["robustness"] as? [String: Any])
    let attacks = try #require(robustness["attacks"] as? [[String: Any]])
    #expect(attacks.map { $0["norm"] as? String } == ["Linf", "L2"])
    #expect(robustness["headlineEpsilon"] as? Double != nil)
  }

  @Test func anUnwritableFolderIsReportedFirst() throws {
    let start = Date()
    let result = try CommandLine.run(
      ["report", Self.model, "--data", Self.data, "--out", "/proc/neural-scope", "--preset", "none"],
      environment: Self.environment)
    #expect(result.code == 2)
    #expect(result.errors.contains("/proc"))
    #expect(Date().timeIntervalSince(start) < 2, "before the long work")
  }

  @Test func interruptionLeavesNoHalfWrittenFile() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = try CommandLine.run(
      [
        "report", Self.model, "--data", Self.data, "--out", folder.path(), "--preset", "tf", "--steps",
        "100000",
      ],
      environment: Self.environment,
      during: { process in
        Thread.sleep(forTimeInterval: 1)
        process.interrupt()
      })
    #expect(result.code == 130)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path())
    #expect(!names.contains { $0.hasSuffix(".partial") || $0.hasPrefix(".neural-scope") })
    #expect(!names.contains("report.html"))
  }

  @Test func withoutDataTheReportSaysWhatIsMissing() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = try CommandLine.run(
      ["report", Self.model, "--out", folder.path()], environment: Self.environment)
    #expect(result.code == 0)
    let json = try JSONSerialization.jsonObject(with: Data(contentsOf: folder.appending(path: "report.json")))
    let report = try #require(json as? [String: Any])
    let missing = try #require(report["notMeasured"] as? [[String: Any]])
    for path in ["optimization", "robustness"] {
      #expect(report[path] == nil)
      let entry = try #require(missing.first { $0["path"] as? String == path })
      #expect((entry["remedy"] as? String)?.contains("--data") == true)
    }
  }

  @Test func damagedImagesAreSkippedOrStopTheRun() throws {
    let images = folder.appending(path: "data")
    defer { try? FileManager.default.removeItem(at: folder) }
    let good = Fixture.path("images")
    let names = try FileManager.default.contentsOfDirectory(atPath: good).filter {
      $0.hasSuffix(".jpg") || $0.hasSuffix(".png")
    }
    for label in ["a", "b"] {
      try FileManager.default.createDirectory(
        at: images.appending(path: label), withIntermediateDirectories: true)
    }
    let first = try #require(
      names.sorted().first { $0.contains("rgb") || $0.contains("colour") } ?? names.sorted().first)
    try FileManager.default.copyItem(
      atPath: "\(good)/\(first)", toPath: images.appending(path: "a/good.jpg").path())
    try Data("no image".utf8).write(to: images.appending(path: "b/broken.jpg"))
    let arguments = [
      "robustness", Self.model, "--data", images.path(), "--preset", "cifar", "--attack", "fgsm", "--epsilon",
      "1/255", "--json",
    ]
    let strict = try CommandLine.run(arguments + ["--strict"], environment: Self.environment)
    #expect(strict.code == 2)
    #expect(strict.errors.contains("broken.jpg"))
  }
}

@Suite(.serialized) struct SecurityCommandTests {
  @Test func exitCodesTellSafeFromUnsafe() throws {
    #expect(try CommandLine.run("security", Fixture.path("formats/state.pt")).code == 0)
    let folder = Fixture.path("malicious/core/bad")
    let result = try CommandLine.run("security", folder, "--json")
    #expect(result.code == 1)
    // The word on the folder's signature is no model.
    let files = try #require((try result.json() as? [String: Any])?["files"] as? [[String: Any]])
      .filter { $0["format"] as? String != "unsigned model" }
    #expect(files.count > 50)
    #expect(files.allSatisfy { $0["verdict"] as? String == "unsafe" })
    for file in files {
      let findings = try #require(file["findings"] as? [[String: Any]])
      #expect(!findings.isEmpty)
      for finding in findings {
        for key in ["rule", "severity", "title", "evidence", "why", "mitigation"] {
          #expect((finding[key] as? String)?.isEmpty == false, "\(key) of \(file["path"] ?? "")")
        }
      }
    }
  }

  @Test func whatCannotBeReadIsNeverSafe() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "neural-scope-\(UUID()).h5")
    defer { try? FileManager.default.removeItem(at: path) }
    try Data([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A] + [UInt8](repeating: 0, count: 64)).write(
      to: path)
    #expect(try CommandLine.run("security", path.path()).code == 3)
    #expect(try CommandLine.run("security", "/nonexistent.pt").code == 2)
  }

  @Test func rulesExplainThemselves() throws {
    let result = try CommandLine.run("security", "--explain", "PKL001")
    #expect(result.code == 0)
    #expect(result.output.contains("PKL001"))
  }
}
