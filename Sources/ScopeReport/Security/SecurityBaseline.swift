import FoundationEssentials
import ScopeBytes

/// The findings of an earlier run, by fingerprint.
public struct SecurityBaseline: Sendable, Hashable {
  /// How often each fingerprint occurs.
  public private(set) var counts: [String: Int] = [:]

  public init(fingerprints: [String]) {
    for fingerprint in fingerprints { counts[fingerprint, default: 0] += 1 }
  }

  /// Reads what `security --json` printed, or the `report.json` of a whole report.
  ///
  /// - Throws: `malformed` when the text is neither, or its findings have no fingerprints.
  public init(json text: String) throws(ScopeError) {
    let document: Document
    do {
      document = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
    } catch {
      throw Self.unknown
    }
    guard document.files != nil || document.security != nil else { throw Self.unknown }
    let findings = (document.files ?? []).flatMap(\.findings) + (document.security?.findings ?? [])
    var fingerprints: [String] = []
    for finding in findings {
      guard let fingerprint = finding.fingerprint else {
        if finding.kind == "advisory" { continue }
        throw ScopeError(
          .malformed, "a finding of the baseline has no fingerprint", found: String(finding.rule.prefix(40)),
          remedy: "Write the baseline again with this version: neural-scope security PATH --json")
      }
      fingerprints.append(fingerprint)
    }
    self.init(fingerprints: fingerprints)
  }

  private static let unknown = ScopeError(
    .malformed, "the baseline is no report of neural-scope",
    expected: "what `neural-scope security PATH --json` printed, or a report.json",
    remedy: "Write it with: neural-scope security PATH --json > baseline.json")

  private struct Document: Decodable {
    var files: [File]?
    var security: File?
  }

  private struct File: Decodable {
    var findings: [Finding]
  }

  private struct Finding: Decodable {
    var rule: String
    var fingerprint: String?
    var kind: String?
  }
}
