import Foundation
import TestSupport
import Testing

@Suite struct GateCommandTests {
  private let folder: URL
  private static let bad = Fixture.path("malicious/core/bad/map.pkl")
  private static let good = Fixture.path("formats/state.pt")

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "neural-scope-gate-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func path(_ name: String) -> String { folder.appending(path: name).path() }

  private func write(_ text: String, _ name: String = "p.yml") throws -> String {
    try Data(text.utf8).write(to: folder.appending(path: name))
    return path(name)
  }

  private func read(_ name: String) throws -> String {
    try String(contentsOfFile: path(name), encoding: .utf8)
  }

  @Test func theExitCodesAreThoseOfTheContract() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    func code(_ model: String, _ text: String) throws -> Int32 {
      try CommandLine.run("validate", model, "--policy", try write(text)).code
    }
    #expect(try code(Self.good, "budgets:\n  size:\n    max: 1 MB") == 0)
    #expect(try code(Self.good, "budgets:\n  size:\n    max: 1 B") == 1)
    #expect(try code(Self.good, "budgets:\n  size:\n    max: 1 B\n    level: warn") == 0)
    #expect(try code(Self.good, "budgets:\n  accuracy:\n    min: 80%") == 3)
    #expect(try code(Self.good, "budgets:\n  sise: off") == 2)
    #expect(try code(path("absent.onnx"), "version: 1") == 2)
    #expect(try code(try write("nothing that anyone reads", "noise.pth"), "version: 1") == 2)
    #expect(try CommandLine.run("validate", Self.good).code == 2)
    #expect(try CommandLine.run("validate", Self.good, "--policy", path("absent.yml")).code == 2)
    #expect(try code(Self.bad, "version: 1") == 1)
    #expect(try code(Self.bad, "security:\n  level: off") != 1)
  }

  @Test func outputsOfOneRunNeverChangeTheCode() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    for (limit, code) in [("1 MB", Int32(0)), ("1 B", 1)] {
      let policy = try write("budgets:\n  size:\n    max: \(limit)")
      try? Data("before\n".utf8).write(to: folder.appending(path: "summary.md"))
      let run = try CommandLine.run(
        [
          "validate", Self.good, "--policy", policy, "--sarif", path("a.sarif"), "--junit", path("a.xml"),
          "--gitlab", path("a.json"), "--pr-comment", path("a.md"), "--github-summary", "--save-report",
          path("report.json"), "--json",
        ], environment: ["GITHUB_STEP_SUMMARY": path("summary.md")])
      #expect(run.code == code, "\(run.errors)")
      let result = try #require(try run.json() as? [String: Any])
      #expect(result["exitCode"] as? Int == Int(code))
      #expect(try read("a.sarif").contains("\"2.1.0\"") && read("a.xml").contains("File size (size)"))
      #expect(try read("a.md").hasPrefix("<!-- neural-scope: validate -->"))
      #expect(try read("summary.md").hasPrefix("before\n## "))
      let issues = try JSONSerialization.jsonObject(with: Data(read("a.json").utf8)) as? [Any]
      #expect(issues?.count == Int(code))
      // The saved report gives the same verdict, and is its own baseline.
      let saved = try CommandLine.run("validate", "--report", path("report.json"), "--policy", policy)
      #expect(saved.code == code, "\(saved.errors)")
      let own = try CommandLine.run(
        "validate", Self.good, "--baseline", path("report.json"), "--policy",
        try write("budgets:\n  size:\n    max-increase: 0%"))
      #expect(own.code == 0, "\(own.output)\(own.errors)")
    }
  }

  @Test func initWritesWhatValidateAccepts() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let first = try CommandLine.run("init", Self.good, "--out", path("n.yml"))
    #expect(first.code == 0, "\(first.errors)")
    let text = try read("n.yml")
    #expect(text.contains("# Today:") && text.contains("size:"))
    let run = try CommandLine.run("validate", Self.good, "--policy", path("n.yml"))
    #expect(run.code == 0 && run.output.hasPrefix("PASSED"), "\(run.output)\(run.errors)")
    let again = try CommandLine.run("init", Self.good, "--out", path("n.yml"))
    #expect(again.code == 2 && again.errors.contains("--force"))
    #expect(try read("n.yml") == text)
    #expect(try CommandLine.run("init", Self.good, "--out", path("n.yml"), "--force").code == 0)
  }

  @Test func mistakesInThePolicyAreShownWithTheirPlace() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let run = try CommandLine.run(
      "validate", Self.good, "--policy", try write("budgets:\n  size:\n    max_increase: 5%\n"))
    #expect(run.code == 2)
    #expect(run.errors.contains("line 3, column 5") && run.errors.contains("max-increase"), "\(run.errors)")
  }

  /// The shell steps of action.yml as GitHub would run them, with a fake environment.
  @Test func theActionsStepsRun() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let tool = try #require(CommandLine.tool).path()
    let action = try String(
      contentsOf: SharedData.repository.appending(path: "action.yml"), encoding: .utf8)
    for (limit, code) in [("1 MB", "0"), ("1 B", "1")] {
      let policy = try write("budgets:\n  size:\n    max: \(limit)")
      let environment = [
        "TOOL": tool, "SOURCE": "/nonexistent", "MODEL": Self.good, "POLICY": policy, "DATA": "",
        "BASELINE": "", "INCONCLUSIVE": "warn", "OUT": path("out"), "GITHUB_OUTPUT": path("output"),
        "GITHUB_STEP_SUMMARY": path("summary.md"), "CODE": code,
      ]
      try Data().write(to: folder.appending(path: "output"))
      #expect(try shell(step("Find or build neural-scope", of: action), environment) == 0)
      #expect(try read("output").contains("path=\(tool)"))
      #expect(try shell(step("Validate", of: action), environment) == 0)
      #expect(try read("output").contains("exit-code=\(code)\n"))
      #expect(try read("out/gate.xml").contains("<testsuite") && read("summary.md").contains("## "))
      #expect(try shell("exit \"$CODE\"", environment) == Int32(code))
    }
    #expect(action.contains("run: exit \"$CODE\""))
    // The comment step against a fake gh: the first time it posts, then it replaces.
    let gh = try write(
      "#!/bin/sh\necho \"$@\" >> \"$LOG\"\ncase \"$*\" in *paginate*) echo $ID;; esac\n", "gh")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: gh)
    var environment = [
      "PATH": "\(folder.path()):/usr/bin:/bin", "REPOSITORY": "o/r", "NUMBER": "7", "LOG": path("log"),
      "COMMENT": path("out/comment.md"), "ID": "",
    ]
    let script = try step("Comment on the pull request", of: action)
    #expect(try shell(script, environment) == 0)
    #expect(try read("log").contains("--method POST repos/o/r/issues/7/comments"))
    environment["ID"] = "41"
    #expect(try shell(script, environment) == 0)
    #expect(try read("log").contains("--method PATCH repos/o/r/issues/comments/41"))
  }

  /// The block `run: |` of a step.
  private func step(_ name: String, of action: String) throws -> String {
    let lines = action.components(separatedBy: "\n")
    let start = try #require(lines.firstIndex(of: "    - name: \(name)"))
    let run = try #require(lines[start...].firstIndex(of: "      run: |"))
    return lines[(run + 1)...].prefix { $0.hasPrefix("        ") }.map { $0.dropFirst(8) }
      .joined(separator: "\n")
  }

  /// As GitHub runs `shell: bash`.
  private func shell(_ script: String, _ environment: [String: String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.currentDirectoryURL = folder
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
