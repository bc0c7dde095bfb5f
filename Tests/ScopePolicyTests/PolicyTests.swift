import ScopeBytes
import ScopePolicy
import Testing

@Suite struct PolicyTests {
  private let rules: Set<String> = ["PKL001", "PKL009"]

  private func policy(_ text: String) throws(ScopeError) -> Policy {
    try Policy(text, path: "neural-scope.yml", rules: rules)
  }

  @Test func suppressionsAreRead() throws {
    let policy = try policy(
      """
      version: 1
      security:
        fail-on: high
        suppressions:
          - rule: pkl009
            path: models/*.pt
            reason: Written by our own trainer.
            expires: 2027-02-28
          - fingerprint: 0123456789abcdef
            reason: Reviewed.
            expires: 2028-02-29
      """)
    #expect(policy.security.failOn == "high")
    let first = try #require(policy.security.suppressions.first)
    #expect(first.place == .init(line: 5, column: 7))
    #expect(first.covers(rule: "PKL009", fingerprint: "ff", path: "/data/models/a.pt"))
    #expect(!first.covers(rule: "PKL001", fingerprint: "ff", path: "/data/models/a.pt"))
    #expect(!first.covers(rule: "PKL009", fingerprint: "ff", path: "/data/models/deep/a.pt"))
    let second = policy.security.suppressions[1]
    #expect(second.covers(rule: "PKL001", fingerprint: "0123456789abcdef0000", path: "x"))
    #expect(!second.covers(rule: "PKL001", fingerprint: "1123456789abcdef0000", path: "x"))
    #expect(second.expires.description == "2028-02-29")
  }

  @Test(arguments: [
    ("securty:\n  fail-on: high\n", "line 1, column 1"),
    ("security:\n  fail-on: severe\n", "line 2, column 12"),
    (
      "security:\n  suppressions:\n  - rule: PKL999\n    reason: r\n    expires: 2027-01-01\n",
      "line 3, column 11"
    ),
    ("security:\n  suppressions:\n  - rule: PKL001\n    expires: 2027-01-01\n", "line 3, column 5"),
    ("security:\n  suppressions:\n  - rule: PKL001\n    reason: r\n", "line 3, column 5"),
    (
      "security:\n  suppressions:\n  - rule: PKL001\n    reason: r\n    expires: 2027-02-29\n",
      "line 5, column 14"
    ),
    ("security:\n  suppressions:\n  - reason: r\n    expires: 2027-01-01\n", "line 3, column 5"),
    (
      "security:\n  suppressions:\n  - rule: PKL001\n    reason: ' '\n    expires: 2027-01-01\n",
      "line 4, column 13"
    ),
    ("version: 2\n", "line 1, column 10"), ("- a\n", "line 1, column 1"),
  ])
  func mistakesHaveAPlace(_ text: String, _ place: String) {
    do {
      _ = try policy(text)
      Issue.record("accepted: \(text)")
    } catch {
      #expect(error.place == place, "\(error)")
      #expect(error.file == "neural-scope.yml")
    }
  }

  @Test func daysAreCompared() throws {
    let early = try #require(CalendarDay("2026-12-31"))
    let late = try #require(CalendarDay("2027-01-01"))
    #expect(early < late && !(late < early))
    for text in ["2027-1-1", "27-01-01", "2027-13-01", "2027-04-31", "tomorrow", "2027-01-01T00:00"] {
      #expect(CalendarDay(text) == nil)
    }
  }

  @Test(arguments: [
    ("*.pt", "a.pt", true), ("*.pt", "dir/a.pt", true), ("dir/*.pt", "other/a.pt", false),
    ("dir/**/a.pt", "dir/a.pt", true), ("dir/**/a.pt", "x/dir/b/c/a.pt", true), ("dir/**", "dir/b/c", true),
    ("?.pt", "ab.pt", false), ("a.pt", "a.pt.bak", false), ("**", "anything/at/all", true),
    ("ab", "aab", false),
  ])
  func globsMatchPaths(_ pattern: String, _ path: String, _ matches: Bool) {
    #expect(Glob(pattern).matches(path) == matches)
  }

  @Test func aHostilePatternIsFast() {
    let clock = ContinuousClock()
    let time = clock.measure {
      #expect(!Glob(String(repeating: "*a", count: 200) + "b").matches(String(repeating: "a", count: 4000)))
    }
    #expect(time < .seconds(5))
  }
}
