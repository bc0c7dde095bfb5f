import Foundation
import ScopeSecurity
import TestSupport
import Testing

/// External data of ONNX models on a real file system.
@Suite struct ExternalDataTests {
  /// A folder with `good/external.onnx` and whatever `prepare` puts beside it as `external.bin`.
  private func verdict(_ prepare: (URL) throws -> Void) throws -> FileVerdict {
    let root = FileManager.default.temporaryDirectory.appending(path: "scope-security-\(UUID().uuidString)")
    let folder = root.appending(path: "model")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: root) }
    let model = folder.appending(path: "model.onnx")
    try FileManager.default.copyItem(
      atPath: Fixture.path("malicious/core/good/external.onnx"), toPath: model.path())
    try Data(repeating: 1, count: 8).write(to: root.appending(path: "outside.bin"))
    try prepare(folder)
    return try SecurityScanner().scan(file: model.path())
  }

  @Test func dataBesideTheModelIsFine() throws {
    let found = try verdict { try Data(count: 8).write(to: $0.appending(path: "external.bin")) }
    #expect(found.verdict == .safe, "\(found)")
  }

  @Test func aSymbolicLinkOutOfTheFolderIsFound() throws {
    let found = try verdict {
      try FileManager.default.createSymbolicLink(
        atPath: $0.appending(path: "external.bin").path(), withDestinationPath: "../outside.bin")
    }
    #expect(found.verdict == .unsafe)
    #expect(found.findings.contains { $0.rule == "ONX001" && $0.evidence.contains("symbolic link") })
  }

  @Test func aHardLinkIsLow() throws {
    let found = try verdict {
      try FileManager.default.linkItem(
        atPath: $0.appending(path: "../outside.bin").path(), toPath: $0.appending(path: "external.bin").path()
      )
    }
    #expect(found.verdict == .safe)
    #expect(found.findings.contains { $0.rule == "ONX001" && $0.severity == .low })
  }

  @Test func dataThatIsTooShortIsFound() throws {
    let found = try verdict { try Data(count: 5).write(to: $0.appending(path: "external.bin")) }
    #expect(found.findings.contains { $0.rule == "ONX002" && $0.severity == .high }, "\(found)")
  }

  @Test func aFolderInPlaceOfDataIsFound() throws {
    let found = try verdict {
      try FileManager.default.createDirectory(
        at: $0.appending(path: "external.bin"), withIntermediateDirectories: true)
    }
    #expect(found.verdict == .unsafe)
  }
}
