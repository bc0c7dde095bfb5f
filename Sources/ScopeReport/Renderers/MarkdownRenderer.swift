/// `report.md`: the document as Markdown (tables as on GitHub).
public enum MarkdownRenderer {
  /// - Parameter baseline: an earlier report; what changed since then is the headline.
  public static func render(_ report: Report, baseline: Report? = nil) -> String {
    let document = Document(report, baseline: baseline)
    var lines = ["# \(text(document.title))", "", document.subtitle.map(text).joined(separator: " · "), ""]
    if baseline != nil, let delta = document.delta { lines += ["**\(text(delta.headline))**", ""] }
    if !document.headline.isEmpty {
      lines += [
        "> **\(text(document.headline))**", ">", "> " + document.lead.map(text).joined(separator: " "), "",
      ]
    }
    if let delta = document.delta { lines += render(delta) }
    lines += ["| Gauge | Value | |", "|---|---|---|"]
    lines += document.gauges.map { "| \(text($0.title)) | **\(text($0.value))** | \(text($0.detail)) |" }
    lines += ["", "<details>", "<summary>How the gauges are computed</summary>", ""]
    for gauge in document.gauges {
      lines += ["**\(text(gauge.title)).** \(text(gauge.formula))", ""] + render(gauge.table)
    }
    lines += ["</details>", ""]
    if !document.actions.isEmpty {
      lines += ["**What to do, largest gain first**", ""]
      lines += document.actions.map { "\($0.number). **\(text($0.title))**: \(text($0.gain))" } + [""]
    }
    for section in document.sections {
      lines += ["## \(section.number). \(text(section.title))", ""]
      for block in section.blocks { lines += render(block) }
    }
    // Hostile text never starts a line of its own, so lines may be joined as they are.
    return lines.joined(separator: "\n") + "\n"
  }

  private static func render(_ delta: Document.Delta) -> [String] {
    ["| \(text(delta.title)) | Before | After | Change |", "|---|---:|---:|---:|"]
      + delta.rows.map { row in
        "| " + [row.name, row.before, row.after, row.change].map(text).joined(separator: " | ") + " |"
      } + [""] + delta.notes.flatMap { [text($0), ""] }
  }

  private static func text(_ raw: String) -> String { Escape.markdown(raw) }

  private static func render(_ block: Document.Block) -> [String] {
    switch block {
    case .rows(let rows): rowsTable(rows)
    case .table(let table): render(table)
    case .heading(let title): ["### \(text(title))", ""]
    case .paragraph(let paragraph): [text(paragraph), ""]
    case .lead(let lead): ["**\(text(lead))**", ""]
    case .details(let title, let blocks):
      ["<details>", "<summary>\(Escape.html(title))</summary>", ""] + blocks.flatMap(render) + [
        "</details>", "",
      ]
    case .list(let title, let items): ["\(text(title)):", ""] + items.map { "- \(text($0))" } + [""]
    case .layers(let list): render(LayerBlocks.short(list))
    case .assessments(let items): items.flatMap { ["**\(text($0.title)).** \(text($0.text))", ""] }
    case .findings(let findings): render(findings)
    case .recommendations(let items): render(items)
    case .notMeasured(let items):
      ["| Value | Why | How to measure it |", "|---|---|---|"]
        + items.map {
          "| \(Escape.markdownCode($0.path, inTable: true)) | \(text($0.reason)) | \(text($0.remedy)) |"
        } + [""]
    case .samples(let samples):
      ["| Image | Attack | Clean prediction | Perturbed prediction |", "|---|---|---|---|"]
        + samples.map { sample in
          let cells = [
            sample.label, "\(sample.attack) at \(sample.epsilonText)",
            prediction(sample.cleanPrediction, sample.cleanConfidence),
            prediction(sample.perturbedPrediction, sample.perturbedConfidence),
          ]
          return "| " + cells.map(text).joined(separator: " | ") + " |"
        } + [""]
    case .chart: []
    }
  }

  private static func rowsTable(_ rows: [Document.Row]) -> [String] {
    let interpreted = rows.contains { !$0.interpretation.isEmpty }
    let head =
      interpreted
      ? ["| Metric | Value | Interpretation |", "|---|---|---|"] : ["| | | |", "|---|---|---|"]
    return head
      + rows.map { row in
        let value =
          "**\(text(row.value))**" + (interpreted && !row.detail.isEmpty ? "<br>\(text(row.detail))" : "")
        return "| \(text(row.name)) | \(value) | \(text(interpreted ? row.interpretation : row.detail)) |"
      } + [""]
  }

  private static func render(_ table: Document.Table) -> [String] {
    let head = "| " + table.columns.map { text($0.title) }.joined(separator: " | ") + " |"
    let rule = "|" + table.columns.map { $0.isNumber ? "---:" : "---" }.joined(separator: "|") + "|"
    let rows = table.rows.enumerated().map { index, cells in
      "| " + cells.map { index == table.emphasized ? "**\(text($0))**" : text($0) }.joined(separator: " | ")
        + " |"
    }
    return ["\(text(table.caption)):", "", head, rule] + rows + [""]
  }

  private static func render(_ findings: [Report.Finding]) -> [String] {
    var lines: [String] = []
    for severity in Report.Severity.allCases {
      let group = findings.filter { $0.severity == severity }
      guard !group.isEmpty else { continue }
      lines += ["### \(Format.sentence(severity.rawValue))", ""]
      for finding in group {
        lines.append("- **\(text(finding.title))** (\(Escape.markdownCode(finding.rule)))")
        lines += finding.lines.map { "  - \($0.name): \(text($0.text))" }
      }
      lines.append("")
    }
    return lines
  }

  private static func render(_ items: [Report.Recommendation]) -> [String] {
    items.enumerated().flatMap { index, item in
      [
        "\(index + 1). **\(text(item.title)).** \(text(item.text)) *(\(text(item.motivation)))*", "",
        "   \(Escape.markdownCode(item.command))", "",
      ]
    }
  }

  private static func prediction(_ name: String, _ confidence: Double?) -> String {
    confidence.map { "\(name) (\(Format.percent($0)))" } ?? name
  }
}

extension Report.Finding {
  /// The finding's facts, in the order every renderer shows them.
  var lines: [(name: String, text: String)] {
    [
      ("Evidence", evidence), ("Place", place ?? ""), ("Why it matters", reason ?? ""),
      ("Mitigation", mitigation),
      ("Reference", reference ?? ""),
    ].filter { !$0.1.isEmpty }
  }
}
