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
    let process = Process()
    process.executableURL = URL(filePath: try #require(Self.find(["python3"])))
    process.arguments = [Self.repository.appending(path: "scripts/screenshots").path(), folder.path()]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text)")
  }
}
