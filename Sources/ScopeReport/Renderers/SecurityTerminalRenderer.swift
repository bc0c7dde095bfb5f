/// The findings of a scan as text: what fails first, worst first, each with evidence, place and fix; one summary line last.
public enum SecurityTerminalRenderer {
  /// Files without findings that are named one by one; beyond that they are counted.
  private static let namedSafeFiles = 20

  public static func render(_ scan: SecurityScan, options: TerminalRenderer.Options) -> String {
    let text = TerminalText(width: options.width, colours: options.colours)
    var lines: [String] = []
    let quiet = scan.files.filter { $0.outcome == .pass && $0.findings.isEmpty }
    for file in scan.files where file.outcome != .pass || !file.findings.isEmpty {
      lines += self.file(file, text)
      lines.append("")
    }
    for file in quiet.prefix(namedSafeFiles) { lines.append(heading(file, text)) }
    if quiet.count > namedSafeFiles {
      lines.append(text.styled("SAFE", .good) + "        \(quiet.count - namedSafeFiles) more files")
    }
    if !quiet.isEmpty { lines.append("") }
    for notice in scan.notices { lines += wrapped("note: \(notice)", indent: "", text) }
    lines.append(summary(scan, text))
    return lines.joined(separator: "\n") + "\n"
  }

  private static func heading(_ file: SecurityScan.File, _ text: TerminalText) -> String {
    let (word, style): (String, TerminalText.Style) =
      switch (file.outcome, file.verdict) {
      case (.fail, _): ("UNSAFE", .bad)
      case (.incomplete, _): ("INCOMPLETE", .fair)
      case (.pass, .safe): ("SAFE", .good)
      case (.pass, _): ("ACCEPTED", .fair)
      }
    return text.styled(word, style) + String(repeating: " ", count: 12 - word.count)
      + text.styled(Escape.terminal(file.path), .bold) + "  "
      + text.styled("(\(Escape.terminal(file.format)))", .dim)
  }

  private static func file(_ file: SecurityScan.File, _ text: TerminalText) -> [String] {
    var lines = [heading(file, text)]
    for finding in file.findings where !finding.isIncompleteness {
      let style: TerminalText.Style =
        finding.status != .new
        ? .dim : finding.severity >= .high ? .bad : finding.severity == .medium ? .fair : .dim
      let word = TerminalText.padded(finding.severity.rawValue, 8)
      let state =
        switch finding.status {
        case .new: ""
        case .known: "  [known: in the baseline]"
        case .suppressed: "  [accepted until \(finding.suppression?.expires ?? "?")]"
        }
      lines.append(
        "  " + text.styled(word, style) + "  " + text.styled(finding.rule, .bold) + "  "
          + Escape.terminal(finding.title) + text.styled(state, .dim))
      lines += wrapped(
        "at        \(finding.place?.text ?? "file")", indent: "            ", text, hanging: 10)
      lines += wrapped("evidence  \(finding.evidence)", indent: "            ", text, hanging: 10)
      if let suppression = finding.suppression {
        lines += wrapped("accepted  \(suppression.reason)", indent: "            ", text, hanging: 10)
      } else if finding.status == .new {
        lines += wrapped("why       \(finding.why)", indent: "            ", text, hanging: 10)
        lines += wrapped("fix       \(finding.mitigation)", indent: "            ", text, hanging: 10)
      }
    }
    for part in file.unexamined {
      lines += wrapped("not examined: \(part)", indent: "  ", text, hanging: 2)
    }
    return lines
  }

  private static func wrapped(
    _ line: String, indent: String, _ text: TerminalText, hanging: Int = 0
  ) -> [String] {
    // Wrapping joins words with single spaces; the column of the label is put back.
    let label = hanging > 2 ? String(line.prefix(hanging)) : ""
    let body = String(line.dropFirst(label.count))
    let lines = TerminalText.wrap(body, text.width - indent.count - max(hanging, label.count))
    guard let first = lines.first else { return [indent + TerminalText.trimmedEnd(label)] }
    let rest = String(repeating: " ", count: hanging)
    return [indent + label + first] + lines.dropFirst().map { indent + rest + $0 }
  }

  /// `3 files: 1 unsafe, 1 incomplete, 1 safe; 2 critical findings; 1 known; 0.12 s`.
  private static func summary(_ scan: SecurityScan, _ text: TerminalText) -> String {
    let counts = scan.summary
    let failed = scan.files.filter { $0.outcome == .fail }.count
    let incomplete = scan.files.filter { $0.outcome == .incomplete }.count
    let passed = scan.files.filter { $0.outcome == .pass }.count
    let accepted = scan.files.filter { $0.outcome == .pass && $0.verdict == .unsafe }.count
    func list(_ parts: [(Int, String)]) -> String {
      parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
    var parts = [
      "\(Format.plural(counts.files, "file")): "
        + list([
          (failed, "unsafe"), (incomplete, "incomplete"), (accepted, "accepted"), (passed - accepted, "safe"),
        ])
    ]
    let severities = [
      (counts.critical, "critical"), (counts.high, "high"), (counts.medium, "medium"), (counts.low, "low"),
    ]
    let total = counts.critical + counts.high + counts.medium + counts.low
    if total > 0 { parts.append(list(severities) + (total == 1 ? " finding" : " findings")) }
    if counts.known > 0 { parts.append("\(counts.known) known") }
    if counts.suppressed > 0 { parts.append("\(counts.suppressed) accepted") }
    if let seconds = scan.seconds { parts.append(Format.fixed(seconds, seconds < 1 ? 3 : 1) + " s") }
    let style: TerminalText.Style =
      switch scan.outcome {
      case .pass: .good
      case .fail: .bad
      case .incomplete: .fair
      }
    return text.styled(parts.joined(separator: "; "), style)
  }
}
