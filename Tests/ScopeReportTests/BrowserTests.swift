import Foundation
import ScopeReport
import Testing

/// The pages in a real browser: `scripts/screenshots` opens them in headless Chromium.
@Suite(.serialized) struct BrowserTests {
  static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func find(_ names: [String]) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return names.lazy.flatMap { name in folders.map { "\($0)/\(name)" } }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  static let isPossible =
    find(["chromium", "chromium-browser", "google-chrome"]) != nil && find(["python3"]) != nil

  @Test(
    .enabled(
      if: isPossible, "Chromium or Python is not installed (scripts/bootstrap --browser installs Chromium)"))
  func pagesWorkInChromium() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "neural-scope-pages-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var hostileNames = SampleReports.hostile()
    // Its pictures are no pictures on purpose, which a browser rightly tells.
    hostileNames.robustness?.samples = []
    for (name, report) in [
      ("resnet", SampleGraphs.resNet()), ("densenet", SampleGraphs.denseNet()),
      ("transformer", SampleGraphs.transformer()), ("language", SampleGraphs.languageModel()),
      ("hostile", SampleGraphs.hostile()), ("image", SampleReports.imageClassifier()),
      ("hostile-names", hostileNames),
    ] {
      try HTMLRenderer.render(report).write(
        to: folder.appending(path: "\(name).html"), atomically: true, encoding: .utf8)
    }
    let python = try #require(Self.find(["python3"]))
    let result = try Self.run("screenshots", folder.path(), python: python)
    #expect(result.code == 0, "\(result.text)")
  }

  static func run(_ script: String, _ argument: String, python: String) throws -> (code: Int32, text: String)
  {
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments = [repository.appending(path: "scripts/\(script)").path(), argument]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  /// A Python that can drive axe-core; `NEURAL_SCOPE_PYTHON` may name one.
  static let axePython: String? = {
    guard isPossible else { return nil }
    let named = ProcessInfo.processInfo.environment["NEURAL_SCOPE_PYTHON"]
    return [named, find(["python3"])].compactMap { $0 }.first { python in
      let process = Process()
      process.executableURL = URL(filePath: python)
      process.arguments = ["-c", "import playwright, axe_playwright_python"]
      process.standardError = FileHandle.nullDevice
      guard (try? process.run()) != nil else { return false }
      process.waitUntilExit()
      return process.terminationStatus == 0
    }
  }()

  @Test(
    .enabled(
      if: axePython != nil,
      "Chromium, or a Python with playwright and axe-playwright-python, is not installed"))
  func noAccessibilityViolations() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "neural-scope-axe-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let image = SampleReports.imageClassifier()
    var hostile = SampleReports.hostile()
    hostile.robustness?.samples = []
    for (name, page) in [
      ("image", HTMLRenderer.render(image)),
      ("structure", HTMLRenderer.render(SampleReports.structureOnly())),
      ("resnet", HTMLRenderer.render(SampleGraphs.resNet())), ("hostile", HTMLRenderer.render(hostile)),
      ("baseline", HTMLRenderer.render(image, baseline: SampleReports.smallNetwork())),
    ] {
      try page.write(to: folder.appending(path: "\(name).html"), atomically: true, encoding: .utf8)
    }
    let result = try Self.run(
      "check-accessibility", folder.path(), python: try #require(Self.axePython))
    #expect(result.code == 0, "\(result.text)")
  }
}
