/// A policy's verdict as GitHub Markdown: the job summary, and the body of a pull-request comment.
public enum GateMarkdownRenderer {
  /// Finds the comment of an earlier run, so that it is replaced and not repeated.
  public static let marker = "<!-- neural-scope: validate -->"
  /// GitHub refuses job summaries of more than 1 MiB, and comments of more than 65,536 characters.
  public static let summaryLimit = 1 << 20
  public static let commentLimit = 65_536
  private static let cellLimit = 600

  public static func summary(_ result: GateResult) -> String { body(result) }

  /// - Returns: at most ``commentLimit`` characters; all checks of a policy fit in it.
  public static func comment(_ result: GateResult) -> String { marker + "\n" + body(result) }

  private static func body(_ result: GateResult) -> String {
    let symbol =
      switch result.outcome {
      case .pass: "✅"
      case .fail: "❌"
      case .incomplete: "⚠️"
      }
    var text = """
      ## \(symbol) neural-scope: \(GateTerminalRenderer.word(result.outcome).lowercased())

      **\(cell(result.model.name))** against `\(code(result.policy))`. \(cell(GateTerminalRenderer.sentence(result)))


      """
    let open = result.checks.filter { $0.outcome != .pass }
    if !open.isEmpty {
      text += "| Check | Result | Evidence | What to do |\n| --- | --- | --- | --- |\n"
      for check in open {
        let level = check.level == .warn ? " (warning)" : ""
        text +=
          "| \(cell(check.name)) | \(GateTerminalRenderer.word(check.outcome))\(level) | \(cell(check.evidence)) | \(cell(check.remedy ?? "")) |\n"
      }
      text += "\n"
    }
    let passed = result.checks.filter { $0.outcome == .pass }
    if !passed.isEmpty {
      text += "<details><summary>\(Format.plural(passed.count, "check")) passed</summary>\n\n"
      text += "| Check | Measured |\n| --- | --- |\n"
      for check in passed { text += "| \(cell(check.name)) | \(cell(check.evidence)) |\n" }
      text += "\n</details>\n\n"
    }
    for notice in result.notices.prefix(20) { text += "> \(cell(notice))\n\n" }
    let machine = result.conditions.machine
    let sha = result.model.sha256.map { ", SHA-256 `\($0.prefix(12))`" } ?? ""
    text +=
      "<sub>neural-scope \(cell(result.tool.version)) on \(cell(machine.cpu)), \(machine.cores) cores, \(cell(result.conditions.date))\(sha)</sub>\n"
    return text
  }

  private static func cell(_ text: String) -> String {
    Escape.markdown(text.count > cellLimit ? text.prefix(cellLimit) + "…" : text)
  }

  /// Inside backticks nothing is markup but the backtick itself.
  private static func code(_ text: String) -> String {
    String(Escape.visible(text).prefix(cellLimit).map { $0 == "`" ? "'" : $0 })
  }
}
