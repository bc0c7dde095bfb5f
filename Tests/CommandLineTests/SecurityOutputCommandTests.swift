import Foundation
import TestSupport
import Testing

@Suite struct SecurityOutputCommandTests {
  private let folder: URL
  private static let bad = Fixture.path("malicious/core/bad/map.pkl")
  private static let good = Fixture.path("formats/state.pt")

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "neural-scope-security-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func path(_ name: String) -> String { folder.appending(path: name).path() }

  private func json(_ name: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: folder.appending(path: name))) as? [String: Any]
    )
  }

  @Test func outputsAreWrittenAndNeverChangeTheExitCode() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    for (file, code) in [(Self.bad, Int32(1)), (Self.good, 0)] {
      let plain = try CommandLine.run("security", file)
      let full = try CommandLine.run(
        "security", file, "--sarif", path("a.sarif"), "--junit", path("a.xml"), "--bom", path("a.json"),
        "--json")
      #expect(plain.code == code && full.code == code, "\(full.errors)")
      #expect((try full.json() as? [String: Any])?["files"] != nil)
      #expect(try json("a.sarif")["version"] as? String == "2.1.0")
      let component = try #require((try json("a.json")["components"] as? [[String: Any]])?.first)
      let hash = (component["hashes"] as? [[String: String]])?.first?["content"]
      #expect(hash?.count == 64)
      #expect(try String(contentsOfFile: path("a.xml"), encoding: .utf8).contains("<testcase"))
    }
    #expect(try CommandLine.run("security", Self.good, "--sarif", "/proc/none/a.sarif").code == 2)
  }

  @Test func aBaselineFailsOnlyOnWhatIsNew() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let first = try CommandLine.run("security", Self.bad, "--json")
    try Data(first.output.utf8).write(to: folder.appending(path: "old.json"))
    #expect(try CommandLine.run("security", Self.bad, "--baseline", path("old.json")).code == 0)
    // The same file elsewhere has the same fingerprints; another payload does not.
    try FileManager.default.copyItem(atPath: Self.bad, toPath: path("map.pkl"))
    #expect(try CommandLine.run("security", path("map.pkl"), "--baseline", path("old.json")).code == 0)
    #expect(
      try CommandLine.run("security", path("map.pkl"), Self.bad, "--baseline", path("old.json")).code == 1)
    let other = Fixture.path("malicious/core/bad/inst.pkl")
    #expect(try CommandLine.run("security", other, "--baseline", path("old.json")).code == 1)
    let wrong = try CommandLine.run("security", Self.bad, "--baseline", Self.good)
    #expect(wrong.code == 2 && wrong.errors.contains("baseline"))
  }

  @Test func aPolicySuppressesWithReasonUntilADay() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let policy = folder.appending(path: "neural-scope.yml")
    func run(_ text: String) throws -> CommandLine.Result {
      try Data(text.utf8).write(to: policy)
      return try CommandLine.run("security", Self.bad, "--policy", policy.path())
    }
    let entry =
      "security:\n  suppressions:\n  - path: bad/map.pkl\n    reason: A probe of ours.\n    expires: "
    let accepted = try run(entry + "2999-01-01\n")
    #expect(accepted.code == 0 && accepted.output.contains("A probe of ours."))
    let expired = try run(entry + "2020-01-01\n")
    #expect(expired.code == 1 && expired.output.contains("line 3, column 5"))
    let wrong = try run("security:\n  supressions: []\n")
    #expect(wrong.code == 2 && wrong.errors.contains("line 2, column 3"))
    let idle = try run(
      "security:\n  suppressions:\n  - rule: ARC001\n    reason: r\n    expires: 2999-01-01\n")
    #expect(idle.code == 1 && idle.output.contains("matches nothing"))
  }

  @Test func aPolicyBesideTheFilesIsNotTaken() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.copyItem(atPath: Self.bad, toPath: path("map.pkl"))
    let text = "security:\n  suppressions:\n  - path: '**'\n    reason: trust me\n    expires: 2999-01-01\n"
    try Data(text.utf8).write(to: folder.appending(path: "neural-scope.yml"))
    #expect(try CommandLine.run("security", folder.path()).code == 1)
  }

  @Test func thresholdsAndRulesAreOptions() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let medium = Fixture.path("malicious/core/bad/unknown_function.pkl")
    #expect(try CommandLine.run("security", medium).code == 1)
    #expect(try CommandLine.run("security", medium, "--fail-on", "critical").code == 0)
    #expect(try CommandLine.run("security", medium, "--fail-on", "severe").code == 2)
    #expect(try CommandLine.run("security", "--list-rules").output.contains("PKL001  critical"))
    let rule = try CommandLine.run("security", "--explain", "pkl001", "--json").json() as? [String: Any]
    #expect(rule?["id"] as? String == "PKL001")
    #expect(try CommandLine.run("security", "--explain", "XYZ1").code == 2)
  }

  @Test func pipesGetNeitherColoursNorProgress() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = try CommandLine.run("security", Fixture.path("malicious/core/bad"))
    #expect(!result.output.contains("\u{1B}") && result.errors.isEmpty)
  }
}
