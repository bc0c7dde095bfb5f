import Foundation
import TestSupport
import Testing

@Suite struct SanitizeCommandTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "neural-scope-sanitize-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func path(_ name: String) -> String { folder.appending(path: name).path() }

  /// Header of a safetensors file.
  private func header(_ name: String) throws -> [String: Any] {
    let data = try Data(contentsOf: folder.appending(path: name))
    let length = data.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    return try #require(
      try JSONSerialization.jsonObject(with: data.dropFirst(8).prefix(length)) as? [String: Any])
  }

  @Test(arguments: ["checkpoint", "legacy"])
  func whatWouldBeLostIsNamed(_ kind: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let input = Fixture.path("sanitize/\(kind).pt")
    let refused = try CommandLine.run("sanitize", input, "--out", path("x.safetensors"))
    #expect(refused.code == 2)
    for name in ["epoch", "optimizer", "note"] { #expect(refused.errors.contains(name), "\(refused.errors)") }
    #expect(!FileManager.default.fileExists(atPath: path("x.safetensors")))
    let result = try CommandLine.run(
      "sanitize", input, "--out", path("x.safetensors"), "--drop-non-tensors", "--keep-scalars", "--json")
    #expect(result.code == 0, "\(result.errors)")
    let header = try header("x.safetensors")
    let metadata = try #require(header["__metadata__"] as? [String: String])
    #expect(metadata["epoch"] == "3" && metadata["note"] == "\"made \\\"here\\\"\"")
    #expect(metadata["shared_tensors"]?.contains("state_dict.tied") == true)
    // What PyTorch says of the same file; see the fixture script.
    let expected = try #require(
      try JSONSerialization.jsonObject(
        with: Data(contentsOf: URL(filePath: Fixture.path("sanitize/\(kind).json"))))
        as? [String: [String: Any]])
    #expect(Set(header.keys).subtracting(["__metadata__"]) == Set(expected.keys))
    let data = try Data(contentsOf: folder.appending(path: "x.safetensors"))
    let start = data.prefix(8).enumerated().reduce(8) { $0 + Int($1.element) << (8 * $1.offset) }
    for (name, facts) in expected {
      let entry = try #require(header[name] as? [String: Any], "\(name)")
      #expect(entry["dtype"] as? String == facts["dtype"] as? String, "\(name)")
      #expect(entry["shape"] as? [Int] == facts["shape"] as? [Int], "\(name)")
      let range = try #require(entry["data_offsets"] as? [Int])
      let bytes = data[(start + range[0])..<(start + range[1])]
      #expect(bytes.map { String(format: "%02x", $0) }.joined() == facts["bytes"] as? String, "\(name)")
    }
  }

  @Test func anArchiveOfArraysIsConverted() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = try CommandLine.run(
      "sanitize", Fixture.path("sanitize/arrays.npz"), "--out", path("a.safetensors"))
    #expect(result.code == 0, "\(result.errors)")
    let header = try header("a.safetensors")
    #expect((header["fortran"] as? [String: Any])?["shape"] as? [Int] == [3, 2])
    #expect((header["scalar"] as? [String: Any])?["shape"] as? [Int] == [])
  }

  @Test func aMaliciousCheckpointLosesItsCode() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let input = Fixture.path("sanitize/malicious.pt")
    #expect(try CommandLine.run("security", input).code == 1)
    let result = try CommandLine.run("sanitize", input, "--out", path("x.safetensors"), "--drop-non-tensors")
    #expect(result.code == 0 && result.output.contains("UNSAFE"), "\(result.errors)")
    #expect(try CommandLine.run("security", path("x.safetensors")).code == 0)
  }

  @Test func otherFormatsAreRefused() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    for name in ["malicious/core/good/control_flow.onnx", "malicious/core/bad/map.pkl"] {
      #expect(try CommandLine.run("sanitize", Fixture.path(name), "--out", path("x.safetensors")).code == 2)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path()).isEmpty)
  }
}
