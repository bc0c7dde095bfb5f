import Foundation
import ScopeBytes
import ScopeSecurity
import TestSupport
import Testing

/// WGT001 on `malicious/deep`: found with `readsWeights`, and only then.
@Suite struct WeightPayloadTests {
  private func files(_ kind: String) -> [String] { Corpus.files(kind, family: "deep") }

  private func deep(_ path: String) throws -> FileVerdict {
    var limits = ScanLimits()
    limits.readsWeights = true
    return try SecurityScanner(limits: limits).scan(file: path)
  }

  @Test func hiddenPayloadsAreFoundWhenWeightsAreRead() throws {
    #expect(files("hidden").count >= 20)
    for path in files("hidden") {
      let verdict = try deep(path)
      #expect(Corpus.rules(verdict).contains("WGT001"), "\(Corpus.name(path))")
      #expect(verdict.verdict == .unsafe)
      // An archive that ends a file is seen from its end, without the weights.
      let isPolyglot = Corpus.name(path) == "raw_zip.safetensors"
      #expect(
        try SecurityScanner().scan(file: path).verdict == (isPolyglot ? .unsafe : .safe),
        "\(Corpus.name(path))")
    }
  }

  @Test func ordinaryWeightsPass() throws {
    #expect(files("plain").count >= 18)
    for path in files("plain") {
      let verdict = try deep(path)
      #expect(verdict.verdict == .safe, "\(Corpus.name(path)): \(verdict.findings.map(\.evidence))")
    }
  }

  @Test func ordinaryFilesOfTheCorpusPass() throws {
    for path in Corpus.files("good") where !path.hasSuffix("external.bin") {
      let verdict = try deep(path)
      #expect(!Corpus.rules(verdict).contains("WGT001"), "\(Corpus.name(path)): \(verdict.findings)")
    }
  }

  /// Real files: `NEURAL_SCOPE_DEEP` names folders (separated by colons) whose files must pass. Reports bytes and time.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["NEURAL_SCOPE_DEEP"] != nil))
  func realWeightsPass() throws {
    let folders = ProcessInfo.processInfo.environment["NEURAL_SCOPE_DEEP"]?.split(separator: ":") ?? []
    let clock = ContinuousClock()
    var (bytes, files) = (0, 0)
    var time = Duration.zero
    for folder in folders {
      for name in try FileManager.default.contentsOfDirectory(atPath: String(folder)).sorted()
      where ["onnx", "th", "pth", "pt", "safetensors", "npy"].contains(where: { name.hasSuffix(".\($0)") }) {
        let path = "\(folder)/\(name)"
        let start = clock.now
        let verdict = try deep(path)
        time += clock.now - start
        bytes += try ByteSlice(mappingFile: path).count
        files += 1
        let found = verdict.findings.filter { $0.rule == "WGT001" }.map {
          "\($0.place?.member ?? ""): \($0.evidence)"
        }
        #expect(found.isEmpty, "\(name): \(found)")
        #expect(!verdict.unexamined.contains { $0.contains("weights") }, "\(name): \(verdict.unexamined)")
      }
    }
    print("deep scan: \(files) files, \(bytes >> 20) MiB, \(time)")
  }

  /// Detection of payloads put into real weights by `inject_payloads.py` (`NEURAL_SCOPE_INJECTED`), by kind and size:
  /// `KIND-PLACE-SIZE-*.safetensors`.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["NEURAL_SCOPE_INJECTED"] != nil))
  func injectedPayloads() throws {
    let folder = try #require(ProcessInfo.processInfo.environment["NEURAL_SCOPE_INJECTED"])
    var counts: [String: (found: Int, all: Int)] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      let key = name.split(separator: "-").prefix(3).joined(separator: " ")
      let isFound = Corpus.rules(try deep("\(folder)/\(name)")).contains("WGT001")
      counts[key, default: (0, 0)].all += 1
      if isFound { counts[key, default: (0, 0)].found += 1 }
    }
    for (key, count) in counts.sorted(by: { $0.key < $1.key }) {
      print("injected \(key): \(count.found)/\(count.all)")
    }
    let clean = try #require(counts.first { $0.key.hasPrefix("none") })
    #expect(clean.value.found == 0)
  }
}
