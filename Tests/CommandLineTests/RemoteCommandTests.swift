import Foundation
import TestSupport
import Testing

/// A server of `Tests/Fixtures/remote_server.py` over a folder of fixtures.
private final class RemoteServer {
  let process = Process()
  let folder: URL
  let port: Int
  private let log: URL

  static let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "neural-scope-remote-\(UUID())")
    log = folder.appendingPathExtension("log")
    let fixtures = [
      ("malicious/core/bad/map.pkl", "map.pkl"), ("formats/state.pt", "state.pt"),
      ("malicious/core/bad/torch_zip_other_member.pt", "sub/other.pt"),
      ("sanitize/arrays.npz", "sub/arrays.npz"),
    ]
    try FileManager.default.createDirectory(
      at: folder.appending(path: "sub"), withIntermediateDirectories: true)
    for (name, target) in fixtures {
      try FileManager.default.copyItem(
        atPath: Fixture.path(name), toPath: folder.appending(path: target).path())
    }
    try Data("A model.\n".utf8).write(to: folder.appending(path: "README.md"))
    // One megabyte of weights behind a short header.
    let header = Data(
      #"{"weight":{"dtype":"F32","shape":[512,512],"data_offsets":[0,1048576]}}         "#.utf8)
    var big = Data((0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }) + header
    big.append(Data(repeating: 7, count: 1 << 20))
    try big.write(to: folder.appending(path: "big.safetensors"))
    try Data().write(to: log)
    process.executableURL = URL(filePath: try #require(Self.python))
    process.arguments = [Fixture.path("remote_server.py"), folder.path(), log.path()]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let line = output.fileHandleForReading.availableData
    port = try #require(
      Int(String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  deinit {
    // Not terminate(): the runner's threads block that signal, and its children inherit the mask.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: folder)
    try? FileManager.default.removeItem(at: log)
  }

  var address: String { "http://127.0.0.1:\(port)" }

  func requests() throws -> [String] {
    try String(contentsOf: log, encoding: .utf8).split(separator: "\n").map(String.init)
  }
}

@Suite(.serialized, .enabled(if: RemoteServer.python != nil, "needs python3 for the test server"))
struct RemoteCommandTests {
  private let server: RemoteServer

  init() throws { server = try RemoteServer() }

  private func scan(_ source: String, _ more: String...) throws -> CommandLine.Result {
    try CommandLine.run(
      ["security", source, "--json"] + more,
      environment: ["HF_ENDPOINT": server.address, "HF_TOKEN": "hf_secret"])
  }

  private func files(_ result: CommandLine.Result) throws -> [[String: Any]] {
    try #require((try result.json() as? [String: Any])?["files"] as? [[String: Any]], "\(result.errors)")
  }

  /// Everything of a verdict that must not depend on where the file came from.
  private func facts(_ file: [String: Any]) -> [String] {
    let findings = (file["findings"] as? [[String: Any]] ?? []).map {
      "\($0["rule"] ?? "") \($0["severity"] ?? "") \($0["fingerprint"] ?? "") \($0["evidence"] ?? "")"
    }
    return ["\(file["format"] ?? "") \(file["verdict"] ?? "")"] + findings
  }

  @Test(arguments: ["map.pkl", "state.pt", "sub/other.pt", "big.safetensors"])
  func anAddressHasTheVerdictOfTheFile(_ name: String) throws {
    let local = try CommandLine.run("security", server.folder.appending(path: name).path(), "--json")
    for kind in ["files", "whole"] {
      let remote = try scan("\(server.address)/\(kind)/\(name)?signature=secret")
      #expect(remote.code == local.code, "\(remote.errors)")
      let (here, there) = (try #require(try files(local).first), try #require(try files(remote).first))
      #expect(facts(here) == facts(there))
      #expect(there["path"] as? String == "\(server.address)/\(kind)/\(name)")
      #expect(!remote.output.contains("secret"))
    }
  }

  @Test func aRepositoryHasTheVerdictOfTheFolder() throws {
    // The word on the folder's signature names the folder itself.
    func models(_ result: CommandLine.Result) throws -> [[String: Any]] {
      try files(result).filter { $0["format"] as? String != "unsigned model" }
    }
    let local = try models(try CommandLine.run("security", server.folder.path(), "--json"))
    let result = try scan("hf:o/n")
    let remote = try models(result)
    #expect(try files(result).allSatisfy { ($0["path"] as? String)?.hasPrefix("hf:o/n@main") == true })
    #expect(local.count == 5)
    #expect(result.code == 1)
    #expect(remote.count == local.count)
    for file in local {
      let name = (file["path"] as? String ?? "").dropFirst(server.folder.path().count).drop { $0 == "/" }
      let same = try #require(remote.first { $0["path"] as? String == "hf:o/n@main/\(name)" }, "\(name)")
      #expect(facts(file) == facts(same))
    }
    let one = try scan("hf:o/n@main/state.pt")
    #expect(one.code == 0, "\(one.errors)")
    #expect(try scan("hf:o/n@main/none.pt").code == 2)
  }

  @Test func weightsAreNotFetchedUnlessAsked() throws {
    _ = try scan("\(server.address)/files/big.safetensors")
    let ranges = try server.requests().map { $0.split(separator: " ")[1] }
    #expect(ranges.first == "bytes=0-262143" && ranges.count == 2)
    let deep = try scan("\(server.address)/files/big.safetensors", "--deep")
    #expect(deep.code == 0, "\(deep.errors)")
    #expect(try server.requests().last?.contains("bytes=262144-10486") == true)
  }

  @Test func theTokenGoesToTheHubAlone() throws {
    let other = try RemoteServer()
    _ = try scan("hf:o/n@main/state.pt")
    #expect(try server.requests().allSatisfy { $0.hasSuffix("Bearer hf_secret") })
    let redirected = try scan("\(server.address)/away/\(other.port)/files/state.pt")
    #expect(redirected.code == 0, "\(redirected.errors)")
    let seen = try other.requests()
    #expect(!seen.isEmpty && seen.allSatisfy { $0.hasSuffix(" -") })
  }

  @Test(arguments: [
    "short/state.pt", "wrong/big.safetensors", "changing/big.safetensors", "loop", "local", "files/none.pt",
  ])
  func aHostileServerIsAnError(_ path: String) throws {
    let result = try scan("\(server.address)/\(path)")
    #expect(result.code == 2 && result.output.isEmpty)
    #expect(result.errors.contains("error:"))
  }

  @Test func bodiesWithoutEndAreCut() throws {
    let result = try scan("\(server.address)/infinite", "--max-download", "4")
    #expect(result.code == 2 && result.errors.contains("max-download"))
  }

  @Test func aListingCannotLeaveTheRepository() throws {
    let result = try scan("hf:o/evil")
    #expect(result.code == 2 && result.errors.contains("outside the repository"))
  }

  @Test(arguments: [
    "hf:owner", "hf:o/n@a/../b", "http://example.com/a.pt", "https://user:pass@example.com/a.pt", "hf:../x/y",
  ])
  func badSourcesAreRefused(_ source: String) throws { #expect(try scan(source).code == 2) }

  @Test func nothingStaysBehind() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "neural-scope-tmp-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    _ = try CommandLine.run(
      ["security", "hf:o/n"], environment: ["HF_ENDPOINT": server.address, "TMPDIR": folder.path()])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path()).isEmpty)
  }
}
