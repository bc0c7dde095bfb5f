/// The report as calm terminal text. Hostile names lose their control characters; colours are optional.
public enum TerminalRenderer {
  public struct Options: Sendable, Hashable {
    /// Columns of the terminal; text is laid out within at most 110 of them.
    public var width: Int
    public var colours: Bool

    public init(width: Int = 80, colours: Bool = false) {
      self.width = width
      self.colours = colours
    }
  }

  /// The whole report, verdict first.
  public static func render(
    _ report: Report, options: Options = Options(), baseline: Report? = nil
  ) -> String {
    let painter = Painter(options)
    let document = Document(report, baseline: baseline)
    painter.header(document, hasBaseline: baseline != nil)
    for section in document.sections { painter.section(section, numbered: true) }
    return painter.text
  }

  /// One screen or two: the verdict, every figure in a line, findings by title, what to do.
  public static func summary(
    _ report: Report, options: Options = Options(), baseline: Report? = nil
  ) -> String {
    let painter = Painter(options)
    let document = Document(report, baseline: baseline)
    painter.header(document, hasBaseline: baseline != nil)
    let measured: [Report.Section] = [.analysis, .optimization, .security, .robustness, .recommendations]
    for section in document.sections where measured.contains(section.id) { painter.brief(section) }
    if !report.notMeasured.isEmpty { painter.absent(report.notMeasured) }
    return painter.text
  }

  /// What `analyze` prints: the numbers that matter, what they mean in a few sentences, then the parts asked for.
  public static func analysis(
    _ report: Report, parts: [Report.AnalysisPart] = [], options: Options = Options()
  ) -> String {
    let painter = Painter(options)
    let report = report.narrated()
    painter.title(Document(report, sections: []))
    painter.figures(KeyFigures.rows(report))
    for sentence in KeyFigures.reading(report) { painter.paragraph(sentence) }
    for note in report.analysis?.notes ?? [] { painter.paragraph(Format.statement(note)) }
    for warning in report.conditions.warnings { painter.paragraph(Format.statement(warning)) }
    for part in parts { painter.part(Document.part(part, report, wide: options.width >= 110)) }
    painter.more(report, parts)
    return painter.text
  }

  /// Some sections alone, as the section commands print them.
  public static func render(_ report: Report, sections: [Report.Section], options: Options = Options())
    -> String
  {
    let painter = Painter(options)
    let document = Document(report, sections: sections)
    painter.title(document)
    for section in document.sections { painter.section(section, numbered: false) }
    return painter.text
  }

  /// Two models side by side.
  public static func render(_ comparison: Comparison, options: Options = Options()) -> String {
    render(Document(comparison), options)
  }

  /// A model before and after hardening.
  public static func render(_ hardening: Hardening, options: Options = Options()) -> String {
    render(Document(hardening), options)
  }

  private static func render(_ document: Document, _ options: Options) -> String {
    let painter = Painter(options)
    painter.header(document)
    for section in document.sections { painter.section(section, numbered: false) }
    return painter.text
  }
}

/// Collects lines; one instance per rendering.
private final class Painter {
  private let layout: TerminalText
  private var lines: [String] = []
  private let indent = "  "

  init(_ options: TerminalRenderer.Options) {
    layout = TerminalText(width: min(max(options.width, 40), 110), colours: options.colours)
  }

  var text: String { lines.joined(separator: "\n") + "\n" }

  private var room: Int { layout.width - indent.count }

  func title(_ document: Document) {
    for line in TerminalText.wrap(document.title, layout.width) { lines.append(layout.styled(line, .bold)) }
    for line in TerminalText.wrap(document.subtitle.joined(separator: " · "), layout.width) {
      lines.append(layout.styled(line, .dim))
    }
    lines.append("")
  }

  func header(_ document: Document, hasBaseline: Bool = false) {
    title(document)
    if hasBaseline, let delta = document.delta {
      for line in TerminalText.wrap(delta.headline, layout.width) { lines.append(layout.styled(line, .bold)) }
      for note in [delta.title + "."] + delta.notes { paragraph(note, indent: "") }
    }
    let tone: TerminalText.Style = document.decision == .doNotShipYet ? .fair : .good
    for line in TerminalText.wrap(document.headline, layout.width) { lines.append(colour(line, tone)) }
    paragraph(document.lead.joined(separator: " "), indent: "")
    let name = document.gauges.map { TerminalText.columns($0.title) }.max() ?? 0
    let value = document.gauges.map { TerminalText.columns($0.value) }.max() ?? 0
    for gauge in document.gauges {
      let tone: TerminalText.Style =
        switch gauge.tone {
        case .good: .good
        case .fair: .fair
        case .bad: .bad
        case .none: .dim
        }
      // Beside the value where there is room for a few words, else below.
      let beside = room - name - value - 6
      let isNarrow = beside < 20
      var details = TerminalText.wrap(gauge.detail, isNarrow ? room - 2 : beside)
      if isNarrow { details.insert("", at: 0) }
      lines.append(
        indent + TerminalText.padded(gauge.title, name + 3)
          + layout.styled(TerminalText.padded(Escape.terminal(gauge.value), isNarrow ? 0 : value + 3), tone)
          + layout.styled(details.first ?? "", .dim))
      let margin = indent + String(repeating: " ", count: isNarrow ? 2 : name + value + 6)
      for line in details.dropFirst() { lines.append(margin + layout.styled(line, .dim)) }
    }
    lines.append("")
  }

  private func colour(_ text: String, _ style: TerminalText.Style) -> String {
    layout.colours ? "\u{1B}[1;\(style.rawValue)m\(text)\u{1B}[0m" : text
  }

  func section(_ section: Document.Section, numbered: Bool) {
    let title = numbered ? "\(section.number). \(section.title)" : section.title
    for line in TerminalText.wrap(title, layout.width) { lines.append(layout.styled(line, .bold)) }
    lines.append(layout.styled(String(repeating: "─", count: layout.width), .dim))
    for block in section.blocks { render(block) }
    if lines.last != "" { lines.append("") }
  }

  /// A line per figure; its conditions continue beside or below it.
  func figures(_ rows: [Document.Row]) {
    let name = min(rows.map { TerminalText.columns($0.name) }.max() ?? 0, 20) + 2
    let value =
      min(
        rows.map { $0.value == Document.absentValue ? 0 : TerminalText.columns($0.value) }.max() ?? 0, 24) + 2
    let margin = String(repeating: " ", count: name)
    for row in rows {
      let isAbsent = row.value == Document.absentValue
      let fits = TerminalText.columns(row.value) <= value - 2
      let values = TerminalText.wrap(row.value, room - name)
      let details = TerminalText.wrap(row.detail, room - name - value)
      lines.append(
        TerminalText.trimmedEnd(
          indent + TerminalText.padded(row.name, name)
            + (fits
              ? layout.styled(TerminalText.padded(values.first ?? "", value), isAbsent ? .dim : .bold)
                + layout.styled(details.first ?? "", .dim)
              : layout.styled(values.first ?? "", .bold))))
      for line in values.dropFirst() { lines.append(indent + margin + layout.styled(line, .bold)) }
      let below = indent + margin + String(repeating: " ", count: value)
      for line in details.dropFirst(fits ? 1 : 0) { lines.append(below + layout.styled(line, .dim)) }
    }
    lines.append("")
  }

  func part(_ blocks: [Document.Block]) { for block in blocks { render(block) } }

  /// Which flags would say more.
  func more(_ report: Report, _ shown: [Report.AnalysisPart]) {
    let rest = Report.AnalysisPart.allCases.filter { part in
      !shown.contains(part) && (part != .layers || report.analysis?.layers.isEmpty == false)
        && (report.analysis?.latency != nil || part == .layers || part == .memory || part == .tensors)
    }
    guard !rest.isEmpty else { return }
    let flags = rest.map { "--\($0.rawValue)" }.joined(separator: " ")
    for line in TerminalText.wrap("More: \(flags) --json", room) {
      lines.append(indent + layout.styled(line, .dim))
    }
  }

  /// The section's figures without their explanations.
  func brief(_ section: Document.Section) {
    for line in TerminalText.wrap(section.title, layout.width) { lines.append(layout.styled(line, .bold)) }
    for block in section.blocks {
      switch block {
      case .lead(let text): lead(text)
      case .rows(let rows):
        let name = min(rows.map { TerminalText.columns($0.name) }.max() ?? 0, 32) + 2
        for row in rows {
          let values = TerminalText.wrap(row.value, room - name)
          lines.append(indent + TerminalText.padded(row.name, name) + (values.first ?? ""))
          for line in values.dropFirst() { lines.append(indent + String(repeating: " ", count: name) + line) }
        }
      case .findings(let findings):
        for finding in findings {
          let head = TerminalText.wrap(
            "\(finding.severity.rawValue): \(finding.title) (\(finding.rule))", room - 2)
          for (index, line) in head.enumerated() { lines.append(indent + (index == 0 ? "- " : "  ") + line) }
        }
      case .recommendations(let items):
        for item in items {
          for line in TerminalText.wrap("\(item.title): \(item.motivation)", room) {
            lines.append(indent + line)
          }
          lines.append(indent + "  " + layout.styled("$ " + Escape.terminal(item.command), .accent))
        }
      default: break
      }
    }
    lines.append("")
  }

  /// Names what is missing; the report says why.
  func absent(_ items: [Report.NotMeasured]) {
    lines.append(layout.styled("Not measured", .bold))
    for item in items {
      for line in TerminalText.wrap("\(item.path): \(item.reason)", room) { lines.append(indent + line) }
    }
    lines.append("")
  }

  private func render(_ block: Document.Block) {
    switch block {
    case .rows(let rows): render(rows)
    case .table(let table): render(table)
    case .heading(let title):
      for line in TerminalText.wrap(title, room) { lines.append(indent + layout.styled(line, .bold)) }
    case .paragraph(let text): paragraph(text)
    case .lead(let text): lead(text)
    case .details: break
    case .list(let title, let items):
      for line in TerminalText.wrap(title, room) { lines.append(indent + layout.styled(line, .dim)) }
      for item in items {
        for (index, line) in TerminalText.wrap(item, room - 2).enumerated() {
          lines.append(indent + (index == 0 ? "• " : "  ") + line)
        }
      }
      lines.append("")
    case .layers(let list): render(LayerBlocks.short(list))
    case .assessments(let items):
      for item in items {
        for line in TerminalText.wrap(item.title, room) { lines.append(indent + layout.styled(line, .bold)) }
        paragraph(item.text)
      }
    case .findings(let findings): for finding in findings { render(finding) }
    case .recommendations(let items): for (index, item) in items.enumerated() { render(item, index + 1) }
    case .notMeasured(let items):
      for item in items {
        for line in TerminalText.wrap(item.path, room) { lines.append(indent + line) }
        for line in TerminalText.wrap("\(Format.sentence(item.reason)). \(item.remedy)", room - 2) {
          lines.append(indent + "  " + layout.styled(line, .dim))
        }
      }
      lines.append("")
    case .samples(let samples):
      for sample in samples {
        paragraph(
          "\(sample.label): \(sample.cleanPrediction) → \(sample.perturbedPrediction) "
            + "(\(sample.attack) at \(sample.epsilonText))", space: false)
      }
      lines.append("")
    case .chart(.memory(let memory, _)): plot(memory)
    case .chart: break
    }
  }

  /// Live bytes over the graph as a curve of blocks.
  private func plot(_ memory: Report.Memory) {
    let values = memory.timeline.map { Double($0.bytes) }
    guard let peak = values.max(), peak > 0 else { return }
    let label = Format.binaryBytes(peak)
    let margin = TerminalText.columns(label) + 1
    let curve = TerminalPlot.area(values, columns: room - margin, rows: 6)
    for (index, line) in curve.enumerated() {
      let mark = index == 0 ? label : index == curve.count - 1 ? "0" : ""
      lines.append(
        indent + layout.styled(TerminalText.padded(mark, margin - 1, right: true), .dim) + " "
          + layout.styled(line, .accent))
    }
    let ends = "first of \(Format.plural(values.count, "node"))"
    let gap = max(1, min(room - margin, curve.map(TerminalText.columns).max() ?? 0) - ends.count - 4)
    lines.append(
      indent + String(repeating: " ", count: margin)
        + layout.styled(ends + String(repeating: " ", count: gap) + "last", .dim))
    lines.append("")
  }

  private func lead(_ text: String) {
    for line in TerminalText.wrap(text, room) { lines.append(indent + layout.styled(line, .bold)) }
    lines.append("")
  }

  func paragraph(_ text: String, indent prefix: String = "  ", space: Bool = true) {
    for line in TerminalText.wrap(text, layout.width - prefix.count) { lines.append(prefix + line) }
    if space { lines.append("") }
  }

  private func render(_ rows: [Document.Row]) {
    let longest = rows.map { TerminalText.columns($0.name) }.max() ?? 0
    let stacked = layout.width < 64
    let name = stacked ? 0 : min(longest, 32) + 2
    let margin = indent + String(repeating: " ", count: stacked ? 2 : name)
    for row in rows {
      let values = TerminalText.wrap(row.value, layout.width - margin.count)
      if stacked {
        lines.append(indent + Escape.terminal(row.name))
        lines += values.map { margin + layout.styled($0, .bold) }
      } else {
        lines.append(indent + TerminalText.padded(row.name, name) + layout.styled(values.first ?? "", .bold))
        lines += values.dropFirst().map { margin + layout.styled($0, .bold) }
      }
      for line in TerminalText.wrap(row.detail, layout.width - margin.count) {
        lines.append(margin + layout.styled(line, .dim))
      }
      for line in TerminalText.wrap(row.interpretation, layout.width - margin.count) {
        lines.append(margin + line)
      }
    }
    lines.append("")
  }

  private func render(_ table: Document.Table) {
    let limit = table.summaryRows ?? table.rows.count
    let shown = table.rows.prefix(limit).map { $0.map(Escape.terminal) }
    for line in TerminalText.wrap(table.caption, room) { lines.append(indent + layout.styled(line, .dim)) }
    var widths = table.columns.indices.map { column in
      ([table.columns[column].title] + shown.map { $0[column] }).map(TerminalText.columns).max() ?? 0
    }
    // Where rows are one line, names keep their room as long as other texts can give way. Otherwise the widest text
    // column gives way first; below that the line is cut.
    if table.isDense {
      let others = widths.indices.dropFirst().filter { !table.columns[$0].isNumber }
      while widths.reduce(0, +) + 2 * max(0, widths.count - 1) > room,
        let widest = others.filter({ widths[$0] > 12 }).max(by: { widths[$0] < widths[$1] })
      { widths[widest] -= 1 }
    }
    var total: Int { widths.reduce(0, +) + 2 * max(0, widths.count - 1) }
    while total > room {
      guard
        let widest = widths.indices.filter({ !table.columns[$0].isNumber && widths[$0] > 10 })
          .max(by: { widths[$0] < widths[$1] })
      else { break }
      widths[widest] -= 1
    }
    // What does not fit its column continues below.
    func block(_ cells: [String]) -> [String] {
      let wrapped = cells.indices.map { column in
        if table.columns[column].isNumber { return [cells[column]] }
        return table.isDense
          ? [TerminalText.cutMiddle(cells[column], widths[column])]
          : TerminalText.wrap(cells[column], widths[column])
      }
      return (0..<(wrapped.map(\.count).max() ?? 0)).map { line in
        let text = wrapped.indices.map { column in
          TerminalText.padded(
            line < wrapped[column].count ? wrapped[column][line] : "", widths[column],
            right: table.columns[column].isNumber)
        }.joined(separator: "  ")
        return TerminalText.cut(TerminalText.trimmedEnd(text), room)
      }
    }
    for line in block(table.columns.map(\.title)) { lines.append(indent + layout.styled(line, .dim)) }
    for (index, cells) in shown.enumerated() {
      for line in block(cells) {
        lines.append(indent + (index == table.emphasized ? layout.styled(line, .bold) : line))
      }
    }
    if table.rows.count > limit {
      lines.append(indent + layout.styled("… and \(table.rows.count - limit) more", .dim))
    }
    lines.append("")
  }

  private func render(_ finding: Report.Finding) {
    let tone: TerminalText.Style =
      finding.severity >= .high ? .bad : finding.severity == .medium ? .fair : .dim
    let head = TerminalText.wrap(
      "\(finding.severity.rawValue.uppercased()) · \(finding.rule) · \(finding.title)", room)
    lines += head.map { indent + layout.styled($0, tone) }
    for fact in finding.lines {
      for line in TerminalText.wrap("\(fact.name): \(fact.text)", room - 2) {
        lines.append(indent + "  " + line)
      }
    }
    lines.append("")
  }

  private func render(_ item: Report.Recommendation, _ number: Int) {
    lines.append(indent + layout.styled("\(number). \(Escape.terminal(item.title))", .bold))
    for line in TerminalText.wrap(item.text, room - 3) { lines.append(indent + "   " + line) }
    for line in TerminalText.wrap(item.motivation, room - 3) {
      lines.append(indent + "   " + layout.styled(line, .dim))
    }
    // Commands are not wrapped: they are there to be copied.
    lines.append(indent + "   " + layout.styled("$ " + Escape.terminal(item.command), .accent))
    lines.append("")
  }
}
