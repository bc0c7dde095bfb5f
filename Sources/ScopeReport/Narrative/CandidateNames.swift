/// Names of candidates, short enough for a column. A name is a row of techniques, so its words are shortened, never its
/// ends cut as long as it fits: names differ anywhere.
enum CandidateNames {
  /// Longest first where one holds another.
  private static let words: [(long: String, short: String)] = [
    ("least-squares ranges", "lsq"), ("per-channel", "ch"), ("per-tensor", "tensor"),
    ("pair-bounded", "bounded"),
    ("bias-corrected", "bias"), ("layers only", "layers"), ("percentile", "pct"), ("depthwise 8-bit", "dw8"),
  ]
  private static let longest = 56

  /// `u8s8 ch bounded bias layers`.
  static func short(_ name: String) -> String { TerminalText.cutMiddle(shortened(name), longest) }

  /// Of a text that may name candidates.
  static func shortened(_ text: String) -> String {
    words.reduce(Escape.visible(text)) { Escape.replacing($0, $1.long, $1.short) }
  }

  /// `Short names: ch for per-channel, lsq for least-squares ranges.`; nil when nothing was shortened.
  static func legend(_ names: [String]) -> String? {
    let used = words.filter { word in names.contains { Escape.replacing($0, word.long, "") != $0 } }
    guard !used.isEmpty else { return nil }
    return "Short names: \(Format.list(used.map { "\($0.short) for \($0.long)" }))."
  }
}
