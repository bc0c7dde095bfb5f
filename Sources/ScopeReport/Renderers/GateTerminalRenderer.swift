/// A policy's verdict as text: the verdict first, then what failed, then the rest.
public enum GateTerminalRenderer {
  public static func render(_ result: GateResult, options: TerminalRenderer.Options) -> String {
    let text = TerminalText(width: options.width, colours: options.colours)
    let style: TerminalText.Style =
      switch result.outcome {
      case .pass: .good
      case .fail: .bad
      case .incomplete: .fair
      }
    var lines = [
      text.styled(word(result.outcome), style) + "  " + text.styled(Escape.terminal(result.model.name), .bold)
        + text.styled("  against \(Escape.terminal(result.policy))", .dim)
    ]
    lines += wrapped(sentence(result), "", text) + [""]
    var said: String?
    for var check in result.checks where check.outcome != .pass {
      // The same advice is given once in a row.
      if check.remedy == said { check.remedy = nil } else { said = check.remedy }
      lines += block(check, text) + [""]
    }
    let passed = result.checks.filter { $0.outcome == .pass }
    for check in passed {
      lines.append(
        text.styled("passed", .good) + "        " + TerminalText.padded(check.name, 20) + " "
          + TerminalText.cut(Escape.terminal(measured(check)), max(20, text.width - 35)))
    }
    if !passed.isEmpty { lines.append("") }
    for notice in result.notices { lines += wrapped("note: \(notice)", "", text) }
    lines.append("exit code \(result.exitCode)")
    return lines.joined(separator: "\n") + "\n"
  }

  static func word(_ outcome: GateResult.Outcome) -> String {
    switch outcome {
    case .pass: "PASSED"
    case .fail: "FAILED"
    case .incomplete: "INCOMPLETE"
    }
  }

  static func word(_ outcome: GateCheck.Outcome) -> String {
    switch outcome {
    case .pass: "passed"
    case .fail: "failed"
    case .inconclusive: "inconclusive"
    case .notMeasured: "not measured"
    }
  }

  /// `2 of 9 checks failed, 1 is inconclusive.`
  static func sentence(_ result: GateResult) -> String {
    let counts: [(GateCheck.Outcome, String)] = [
      (.fail, "failed"), (.inconclusive, "inconclusive"), (.notMeasured, "not measured"), (.pass, "passed"),
    ]
    let parts = counts.compactMap { outcome, word in
      result.count(outcome) > 0 ? "\(result.count(outcome)) \(word)" : nil
    }
    let total = Format.plural(result.checks.count, "check")
    let baseline = result.baseline.map { " Compared with \($0)." } ?? ""
    return "\(total)" + (parts.isEmpty ? "" : ": \(parts.joined(separator: ", "))") + "." + baseline
  }

  /// `9.4 ms, at most 15 ms`.
  static func measured(_ check: GateCheck) -> String {
    if let change = check.change {
      let sign = change.value < 0 ? "" : "+"
      let unit =
        check.figure?.unit == .fraction ? "\(sign)\(Format.fixed(change.value * 100, 2)) points" : nil
      return "\(unit ?? sign + change.text), \(check.limitText ?? "")"
    }
    // A count of findings reads as its sentence.
    if check.id == "security" || check.id == "signature" { return check.evidence }
    return [check.figure?.text, check.limitText].compactMap { $0 }.joined(separator: ", ")
  }

  private static func block(_ check: GateCheck, _ text: TerminalText) -> [String] {
    let style: TerminalText.Style =
      check.level == .warn ? .dim : check.outcome == .fail ? .bad : .fair
    let head = TerminalText.padded(word(check.outcome), 14)
    let level = check.level == .warn ? text.styled("  (warning only)", .dim) : ""
    var lines = [text.styled(head, style) + text.styled(check.name, .bold) + level]
    lines += wrapped(check.evidence, String(repeating: " ", count: 14), text)
    if let remedy = check.remedy { lines += wrapped("-> \(remedy)", String(repeating: " ", count: 14), text) }
    return lines
  }

  private static func wrapped(_ content: String, _ indent: String, _ text: TerminalText) -> [String] {
    TerminalText.wrap(content, min(text.width, 110) - indent.count).map { indent + $0 }
  }
}
