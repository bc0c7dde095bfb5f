import Foundation
import ScopeBytes
import ScopeSecurity
import TestSupport
import Testing

@Suite struct RegistryTests {
  /// Ids of the rule files: their names up to the last digit of the id.
  private func ids(in folder: String) throws -> [String] {
    let root = SharedData.repository.appending(path: "Sources/ScopeSecurity/\(folder)").path()
    let files = try #require(FileManager.default.enumerator(atPath: root))
    return files.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.compactMap { path in
      let name = Corpus.name(path)
      let letters = name.prefix { $0.isUppercase && $0.isLetter }
      let digits = name.dropFirst(letters.count).prefix { $0.isNumber }
      guard digits.count == 3 else { return nil }
      return String(letters + digits)
    }
  }

  @Test func everyRuleFileIsRegistered() throws {
    let files = try ids(in: "Rules") + ids(in: "Advisories")
    #expect(files.count >= 45)
    #expect(Set(files) == Set(SecurityRules.all.map(\.id)))
    #expect(Set(files).count == files.count)
  }

  @Test func everyRuleExplainsItself() throws {
    for rule in SecurityRules.all {
      let text = try SecurityRules.explain(rule.id.lowercased())
      for part in [rule.title, rule.detects, rule.why, rule.mitigation] { #expect(text.contains(part)) }
      for part in [rule.detects, rule.why, rule.mitigation] {
        #expect(part.count > 20 && part.hasSuffix("."), "\(rule.id): \(part)")
      }
      #expect(!rule.references.isEmpty && !rule.example.isEmpty)
    }
  }

  @Test func anUnknownRuleIsRefused() {
    #expect(throws: ScopeError.self) { try SecurityRules.explain("PKL999") }
  }

  @Test func verdictsRoundTripThroughJSON() throws {
    let verdict = try SecurityScanner().scan(file: Fixture.path("malicious/core/bad/map.pkl"))
    let data = try JSONEncoder().encode(verdict)
    #expect(try JSONDecoder().decode(FileVerdict.self, from: data) == verdict)
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(object["verdict"] as? String == "unsafe")
    let finding = try #require((object["findings"] as? [[String: Any]])?.first)
    for key in ["rule", "severity", "title", "evidence", "place", "why", "mitigation", "reference"] {
      #expect(finding[key] != nil)
    }
  }
}
