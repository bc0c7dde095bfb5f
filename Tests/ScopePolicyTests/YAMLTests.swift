import ScopeBytes
import ScopePolicy
import Testing

@Suite struct YAMLTests {
  @Test func readsWhatConfigurationFilesUse() throws {
    let node = try YAMLNode.parse(
      """
      # a policy
      version: 1
      security:
        fail-on: "high"   # quoted
        empty:
        list: [a, 'b, c', {k: v}]
        suppressions:
        - rule: PKL009
          reason: 'it''s ours'
        -
          rule: ARC001
          text: |
            first
              second

            third
          folded: >-
            one
            two
      """)
    #expect(node["version"]?.text == "1")
    let security = try #require(node["security"])
    #expect(security["fail-on"]?.value == .scalar("high", isQuoted: true))
    #expect(security["empty"]?.isNull == true)
    #expect(security["list"]?.items?.map(\.text) == ["a", "b, c", nil])
    #expect(security["list"]?.items?[2]["k"]?.text == "v")
    let items = try #require(security["suppressions"]?.items)
    #expect(items.count == 2)
    #expect(items[0]["reason"]?.text == "it's ours")
    #expect(items[0]["reason"]?.place == .init(line: 9, column: 13))
    #expect(items[1]["text"]?.text == "first\n  second\n\nthird\n")
    #expect(items[1]["folded"]?.text == "one two")
  }

  @Test func emptyAndCommentOnlyDocumentsAreEmptyMappings() throws {
    for text in ["", "\n\n", "# nothing\n", "---\n"] {
      #expect(try YAMLNode.parse(text).entries?.isEmpty == true)
    }
  }

  @Test(arguments: [
    ("a: 1\na: 2\n", "line 2, column 1"), ("a: &x 1\n", "line 1, column 4"), ("a: *x\n", "line 1, column 4"),
    ("a: !!python/object:os.system x\n", "line 1, column 4"), ("a:\n\tb: 1\n", "line 2, column 1"),
    ("a: [1, 2\n", "line 1, column 4"), ("a: 'open\n", "line 1, column 4"),
    ("a: 1\n---\nb: 2\n", "line 2, column 1"),
    ("a: b: c\n", "line 1, column 5"), ("a: 1\n   b: 2\n", "line 2, column 4"),
    ("- a\nb: 1\n", "line 2, column 1"),
    ("a: \"x\" y\n", "line 1, column 8"), ("a: one\n  two\n", "line 2, column 3"),
    ("key\nother\n", "line 2, column 1"), ("? a\n: b\n", "line 1, column 1"),
  ])
  func whatIsWrongHasAPlace(_ text: String, _ place: String) {
    do {
      let node = try YAMLNode.parse(text)
      Issue.record("\(text) was read as \(node)")
    } catch {
      #expect(error.place == place, "\(text): \(error)")
    }
  }

  @Test func hostileDocumentsEndInErrors() {
    #expect(throws: ScopeError.self) { try YAMLNode.parse(String(repeating: "- ", count: 5000) + "x") }
    #expect(throws: ScopeError.self) { try YAMLNode.parse("a: " + String(repeating: "[", count: 5000)) }
    #expect(throws: ScopeError.self) { try YAMLNode.parse(String(repeating: "x", count: 1 << 21)) }
    let whole = "a:\n- {b: [1, 'two'], c: \"x\\n\"}\n- |\n  text\nd: >-\n  more\n"
    for length in 0..<whole.count { _ = try? YAMLNode.parse(String(whole.prefix(length))) }
  }
}
