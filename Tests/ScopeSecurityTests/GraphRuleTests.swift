import Foundation
import ScopeSecurity
import TestSupport
import Testing

/// Rules about ONNX files, on `malicious/graphs`.
@Suite struct GraphRuleTests {
  private func scan(_ path: String) throws -> FileVerdict { try SecurityScanner().scan(file: path) }

  @Test func everyBackdoorIsFoundWithItsPath() throws {
    let backdoors = Corpus.files("bad", family: "graphs").filter { Corpus.name($0).hasPrefix("bd_") }
    #expect(backdoors.count >= 25)
    for path in backdoors {
      let found = try scan(path).findings.filter { $0.rule == "ONX005" && $0.severity == .medium }
      #expect(!found.isEmpty, "\(Corpus.name(path))")
      for finding in found {
        #expect(finding.evidence.hasPrefix("input '"), "\(Corpus.name(path)): \(finding.evidence)")
        #expect(finding.evidence.contains("> output '"), "\(Corpus.name(path)): \(finding.evidence)")
      }
    }
  }

  @Test(arguments: [
    ("ext_", "ONX001", 13), ("range_", "ONX002", 4), ("raw_", "ONX002", 1), ("typed_", "ONX002", 2),
    ("python_", "ONX003", 3), ("domain_", "ONX004", 1), ("engine_", "ONX001", 1), ("dims_", "ONX006", 1),
  ])
  func theRuleMadeForItFires(_ prefix: String, _ rule: String, _ count: Int) throws {
    let files = Corpus.files("bad", family: "graphs").filter { Corpus.name($0).hasPrefix(prefix) }
    #expect(files.count >= count)
    for path in files {
      let wanted = Corpus.name(path) == "ext_attribute_key.onnx" ? "ONX002" : rule
      let verdict = try scan(path)
      #expect(
        verdict.findings.contains { $0.rule == wanted && $0.severity >= .medium },
        "\(Corpus.name(path)): \(verdict.findings.map { "\($0.rule) \($0.evidence)" })")
    }
  }

  @Test func ordinaryGraphsRaiseNothing() throws {
    for path in Corpus.files("good", family: "graphs") {
      let verdict = try scan(path)
      let allowed: Set<String> =
        Corpus.name(path) == "empty_text.onnx"
        ? ["ONX005"]
        : Corpus.name(path) == "extensions_operator.onnx" ? ["ONX004"] : []
      #expect(verdict.verdict == .safe, "\(Corpus.name(path)): \(verdict)")
      #expect(Corpus.rules(verdict).isSubset(of: allowed), "\(Corpus.name(path)): \(verdict.findings)")
    }
  }

  /// Exported models of `export_zoo.py` and `export_benign.py`; folders in `NEURAL_SCOPE_ZOO` and
  /// `NEURAL_SCOPE_BENIGN`.
  @Test(arguments: ["NEURAL_SCOPE_ZOO", "NEURAL_SCOPE_BENIGN"])
  func exportsRaiseNoTrigger(_ variable: String) throws {
    guard let folder = ProcessInfo.processInfo.environment[variable] else { return }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".onnx") }
    #expect(!names.isEmpty)
    for name in names.sorted() {
      let verdict = try scan("\(folder)/\(name)")
      #expect(verdict.verdict == .safe, "\(name): \(verdict.findings.map { "\($0.rule) \($0.evidence)" })")
    }
  }
}
