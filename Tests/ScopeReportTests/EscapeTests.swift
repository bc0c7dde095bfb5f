import ScopeReport
import Testing

@Suite struct EscapeTests {
  @Test func html() {
    #expect(Escape.html("<a b=\"c\" d='e'>&") == "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;")
    #expect(Escape.html("http://x") == "http&#58;//x")
    #expect(Escape.html("a\u{202E}b\u{0}c\nd") == "a b c d")
  }

  @Test func markdown() {
    #expect(Escape.markdown("[a](b) | `c` *d* <e> # f") == "\\[a\\](b) \\| \\`c\\` \\*d\\* &lt;e&gt; \\# f")
    #expect(Escape.markdown("two\nlines") == "two lines")
    #expect(Escape.markdown("snake_case") == "snake_case")
    #expect(Escape.markdown("_emphasis_") == "\\_emphasis\\_")
    #expect(Escape.markdown("- item") == "\\- item")
  }

  @Test func markdownCodeCannotBeLeft() {
    #expect(Escape.markdownCode("plain") == "`plain`")
    #expect(Escape.markdownCode("a `b` c") == "`` a `b` c ``")
    #expect(Escape.markdownCode("a ```` b").hasPrefix("````` "))
  }

  @Test func terminalLosesEscapeSequences() {
    let text = Escape.terminal("\u{1B}]0;title\u{7}\u{9B}31m\u{200F}ok")
    #expect(text.unicodeScalars.allSatisfy { !Escape.isControl($0) })
    #expect(text.hasSuffix("ok"))
  }

  @Test func longNamesAreCut() {
    #expect(Escape.visible(String(repeating: "a", count: 100_000)).count == 4097)
  }
}
