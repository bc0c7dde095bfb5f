import Foundation
import ScopeBytes
import ScopeReport
import Testing

@Suite struct SecurityOutputTests {
  private static func finding(
    _ rule: String, _ severity: Report.Severity, fingerprint: String, member: String? = nil,
    offset: Int? = 12,
    incomplete: Bool = false
  ) -> SecurityScan.Finding {
    SecurityScan.Finding(
      rule: rule, severity: severity, title: "Calls os.system <b>",
      evidence: "os.system(\"a & b\")\u{1B}[31m\u{202E}",
      place: .init(member: member, offset: offset, opcode: "REDUCE"), why: "It runs.",
      mitigation: "Do not load it.",
      reference: "CWE-502, CVE-2025-1550", fingerprint: fingerprint, isIncompleteness: incomplete)
  }

  private static let one = String(repeating: "a", count: 64)
  private static let two = String(repeating: "b", count: 64)

  private static let rules = [
    SecurityScan.Rule(
      id: "PKL001", severity: .critical, title: "Callable that executes is invoked", detects: "It detects.",
      why: "It matters.", example: "REDUCE", mitigation: "Do this.", references: ["CWE-502", "AML.T0011.000"])
  ]

  private static func scan() -> SecurityScan {
    var bad = SecurityScan.File(
      path: "/data/models/bad model#1.pt", format: "pytorch-zip", verdict: .unsafe,
      findings: [
        finding("PKL001", .critical, fingerprint: one), finding("PKL001", .critical, fingerprint: one),
        finding("PKL009", .low, fingerprint: two, member: "archive/data.pkl"),
      ])
    bad.licenses = ["apache-2.0", "My licence"]
    bad.frameworks = [.init(name: "PyTorch", version: "2.1")]
    bad.sha256 = String(repeating: "0", count: 64)
    let torn = SecurityScan.File(
      path: "/data/models/torn.h5", format: "hdf5", verdict: .incomplete,
      findings: [finding("FMT001", .medium, fingerprint: two, incomplete: true)],
      unexamined: ["group / is truncated"])
    let fine = SecurityScan.File(
      path: "/data/models/a.safetensors", format: "safetensors", verdict: .safe, findings: [])
    return SecurityScan(tool: .init(version: "0.1.0"), files: [fine, torn, bad])
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func theWorstComesFirst() {
    let scan = Self.scan()
    #expect(scan.files.map(\.outcome) == [.fail, .incomplete, .pass])
    #expect(scan.outcome == .fail && scan.outcome.exitCode == 1)
    #expect(scan.summary.critical == 2 && scan.summary.low == 1 && scan.summary.incomplete == 1)
  }

  @Test func theThresholdDecidesWhatFails() {
    var scan = Self.scan()
    scan.files.removeAll { $0.path.hasSuffix("torn.h5") }
    scan.files[0].findings.removeAll { $0.severity == .critical }
    for (threshold, outcome) in [
      (Report.Severity.low, SecurityScan.Outcome.fail), (.medium, .pass), (.critical, .pass),
    ] {
      scan.failOn = threshold
      scan.conclude()
      #expect(scan.outcome == outcome)
    }
  }

  @Test func aBaselineAccountsForAsManyFindingsAsItHas() throws {
    var scan = Self.scan()
    scan.compare(with: SecurityBaseline(fingerprints: [Self.one]), named: "old.json")
    #expect(scan.outcome == .fail && scan.summary.known == 1 && scan.summary.critical == 1)
    var again = Self.scan()
    again.compare(with: try SecurityBaseline(json: JSONRenderer.encode(Self.scan())), named: "old.json")
    // What could not be examined stays incomplete whatever was known before.
    #expect(again.outcome == .incomplete && again.summary.known == 4)
  }

  @Test(arguments: ["", "[]", "{}", "{\"files\": 3}", "{\"files\":[{\"findings\":[{\"rule\":\"X\"}]}]}"])
  func whatIsNoBaselineIsRefused(_ text: String) {
    #expect(throws: ScopeError.self) { try SecurityBaseline(json: text) }
  }

  @Test func sarifHasWhatCodeScanningNeeds() throws {
    let log = try object(SARIFRenderer.render(Self.scan(), rules: Self.rules, below: "/data"))
    #expect(log["version"] as? String == "2.1.0")
    let run = try #require((log["runs"] as? [[String: Any]])?.first)
    let driver = try #require((run["tool"] as? [String: Any])?["driver"] as? [String: Any])
    let rule = try #require((driver["rules"] as? [[String: Any]])?.first)
    #expect(rule["helpUri"] as? String == "https://cwe.mitre.org/data/definitions/502.html")
    #expect((rule["properties"] as? [String: Any])?["security-severity"] as? String == "9.5")
    #expect(
      ((rule["properties"] as? [String: Any])?["tags"] as? [String])?.contains("external/cwe/cwe-502") == true
    )
    let results = try #require(run["results"] as? [[String: Any]])
    #expect(results.map { $0["level"] as? String } == ["error", "error", "note", "warning"])
    let prints = results.compactMap {
      ($0["partialFingerprints"] as? [String: String])?["primaryLocationLineHash"]
    }
    #expect(Set(prints).count == 3 && prints[0].hasSuffix(":1") && prints[1].hasSuffix(":2"))
    let physical = try #require(
      (results[0]["locations"] as? [[String: Any]])?.first?["physicalLocation"] as? [String: Any])
    #expect(
      (physical["artifactLocation"] as? [String: Any])?["uri"] as? String == "models/bad%20model%231.pt")
    #expect((physical["region"] as? [String: Any])?["byteOffset"] as? Int == 12)
    let inner = try #require((results[2]["locations"] as? [[String: Any]])?.first)
    #expect(
      ((inner["physicalLocation"] as? [String: Any])?["region"] as? [String: Any])?["byteOffset"] == nil)
    #expect(
      (inner["logicalLocations"] as? [[String: Any]])?.first?["fullyQualifiedName"] as? String
        == "archive/data.pkl")
    let invocation = try #require((run["invocations"] as? [[String: Any]])?.first)
    #expect(invocation["exitCode"] as? Int == 1)
    #expect((invocation["toolExecutionNotifications"] as? [Any])?.count == 1)
    #expect(results.allSatisfy { $0["suppressions"] == nil && $0["baselineState"] == nil })
  }

  @Test func statesAreInSARIF() throws {
    var scan = Self.scan()
    scan.policy = "neural-scope.yml"
    scan.failOn = .low
    scan.files[0].findings[0].status = .suppressed
    scan.files[0].findings[0].suppression = .init(reason: "ours", expires: "2027-01-01")
    scan.conclude()
    scan.compare(with: SecurityBaseline(fingerprints: [Self.one]), named: "old.json")
    let log = try object(SARIFRenderer.render(scan, rules: Self.rules))
    let results = try #require(((log["runs"] as? [[String: Any]])?.first)?["results"] as? [[String: Any]])
    #expect(
      (results[0]["suppressions"] as? [[String: Any]])?.first?["justification"] as? String
        == "ours (until 2027-01-01)")
    #expect((results[2]["suppressions"] as? [Any])?.isEmpty == true)
    #expect(results[1]["baselineState"] as? String == "unchanged")
    #expect(results[2]["baselineState"] as? String == "new")
  }

  @Test func junitIsWellFormedAndCounts() throws {
    let text = JUnitRenderer.render(Self.scan())
    let parser = XMLCounter()
    try parser.read(text)
    #expect(parser.elements["testcase"] == 3)
    #expect(parser.elements["failure"] == 1 && parser.elements["error"] == 1)
    #expect(text.contains("tests=\"3\" failures=\"1\" errors=\"1\" skipped=\"0\""))
    #expect(!text.contains("\u{1B}") && !text.contains("\u{202E}") && !text.contains("<b>"))
  }

  @Test func theBillOfMaterialsStatesWhatIsKnown() throws {
    let bom = try object(CycloneDXRenderer.render(Self.scan(), below: "/data"))
    #expect(bom["bomFormat"] as? String == "CycloneDX" && bom["specVersion"] as? String == "1.6")
    let components = try #require(bom["components"] as? [[String: Any]])
    #expect(components.count == 4)
    let bad = try #require(components.first { ($0["name"] as? String) == "bad model#1.pt" })
    #expect(bad["type"] as? String == "machine-learning-model")
    let licenses = (bad["licenses"] as? [[String: Any]])?.compactMap { $0["license"] as? [String: String] }
    #expect(licenses == [["id": "Apache-2.0"], ["name": "My licence"]])
    let fine = try #require(components.first { ($0["name"] as? String) == "a.safetensors" })
    #expect(fine["licenses"] == nil && fine["hashes"] == nil)
    let framework = try #require(components.first { ($0["type"] as? String) == "framework" })
    #expect(framework["version"] as? String == "2.1")
    let dependencies = try #require(bom["dependencies"] as? [[String: Any]])
    #expect(dependencies.contains { ($0["dependsOn"] as? [String]) == ["framework:PyTorch@2.1"] })
    #expect((bom["vulnerabilities"] as? [Any])?.count == 3)
    #expect(CycloneDXRenderer.render(Self.scan()) == CycloneDXRenderer.render(Self.scan()))
  }

  @Test func terminalTextIsInertAndSumsUp() {
    let text = SecurityTerminalRenderer.render(Self.scan(), options: .init(width: 80))
    #expect(!text.contains("\u{1B}") && !text.contains("\u{202E}"))
    #expect(text.hasPrefix("UNSAFE"))
    #expect(text.contains("not examined: group / is truncated"))
    #expect(text.hasSuffix("3 files: 1 unsafe, 1 incomplete, 1 safe; 2 critical, 1 low findings\n"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    let coloured = SecurityTerminalRenderer.render(Self.scan(), options: .init(width: 80, colours: true))
    #expect(coloured.contains("\u{1B}[31m"))
  }

  @Test func addressesAreURIs() {
    #expect(FileAddress.uri("/w/a b.pt", below: "/w") == "a%20b.pt")
    #expect(FileAddress.uri("./x:y.pt", below: nil) == "x%3Ay.pt")
    #expect(FileAddress.uri("/other/é.pt", below: "/w") == "file:///other/%C3%A9.pt")
    #expect(PublicRecord.address("2511.00664") == "https://arxiv.org/abs/2511.00664")
    #expect(PublicRecord.address("CWE-22") == "https://cwe.mitre.org/data/definitions/22.html")
    #expect(PublicRecord.address("javascript:alert(1)") == nil)
  }
}

/// Counts the elements of an XML document and fails on one that is not well-formed; small enough to need no XML library.
private final class XMLCounter {
  var elements: [String: Int] = [:]

  struct NotWellFormed: Error {}

  func read(_ text: String) throws {
    var open: [String] = []
    var rest = Substring(text)
    while let start = rest.firstIndex(of: "<") {
      guard let end = rest[start...].firstIndex(of: ">") else { throw NotWellFormed() }
      let tag = rest[rest.index(after: start)..<end]
      rest = rest[rest.index(after: end)...]
      if tag.hasPrefix("?") { continue }
      if tag.hasPrefix("/") {
        guard open.popLast() == String(tag.dropFirst()) else { throw NotWellFormed() }
        continue
      }
      let name = String(tag.prefix { $0 != " " && $0 != "/" })
      elements[name, default: 0] += 1
      guard tag.filter({ $0 == "\"" }).count % 2 == 0 else { throw NotWellFormed() }
      if !tag.hasSuffix("/") { open.append(name) }
    }
    guard open.isEmpty else { throw NotWellFormed() }
  }
}
