import Foundation
import ScopeBytes
import ScopeSecurity
import TestSupport
import Testing

@Suite struct FolderTests {
  @Test func aFolderIsScannedRecursively() throws {
    let verdicts = try SecurityScanner().scan(path: Fixture.path("malicious"))
    #expect(verdicts.count > 250)
    let found = Set(verdicts.filter { $0.verdict == .unsafe }.map(\.path))
    // Of the payloads in weights, only the archive at the end of a file shows without reading the weights.
    let expected = Set(Corpus.files("bad") + [Fixture.path("malicious/deep/hidden/raw_zip.safetensors")])
    #expect(
      found.symmetricDifference(expected).isEmpty,
      "\(found.symmetricDifference(expected).map(Corpus.name).sorted())")
    #expect(verdicts.map(\.path) == verdicts.map(\.path).sorted())
  }

  @Test func limitsMakeTheResultIncomplete() throws {
    var limits = ScanLimits()
    limits.files = 3
    let verdicts = try SecurityScanner(limits: limits).scan(path: Fixture.path("malicious/core/good"))
    #expect(verdicts.contains { $0.verdict == .incomplete })
  }

  @Test func aMissingFileIsAnError() {
    #expect(throws: ScopeError.self) { try SecurityScanner().scan(path: "/nonexistent/x.pt") }
  }

  @Test func nestingBeyondTheLimitIsNotSafe() throws {
    var limits = ScanLimits()
    limits.nesting = 0
    let path = Fixture.path("malicious/core/bad/zip_in_zip.zip")
    let verdict = try SecurityScanner(limits: limits).scan(file: path)
    #expect(verdict.verdict != .safe)
    #expect(verdict.findings.contains { $0.rule == "ARC005" })
  }
}
