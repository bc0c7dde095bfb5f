extension Document {
  /// The whole report, or only `sections` of it.
  ///
  /// - Parameter baseline: an earlier report; what changed since then becomes the headline of the changes.
  package init(
    _ report: Report, sections wanted: [Report.Section] = Report.Section.allCases, baseline: Report? = nil
  ) {
    let report = report.narrated()
    title = report.model.architecture ?? report.model.name
    subtitle = Document.subtitle(report)
    decision = report.conclusion?.decision
    headline = report.conclusion?.headline ?? ""
    lead = report.conclusion?.sentences ?? []
    gauges = Document.gauges(report)
    delta = baseline.map { BaselineDelta.make(report, since: $0) } ?? OptimizationDelta.make(report)
    actions = Document.actions(report)
    sections = []
    for (index, id) in Report.Section.allCases.enumerated() where wanted.contains(id) {
      let (title, blocks) = Document.content(id, report)
      sections.append(Section(id: id, number: index + 1, title: title, blocks: blocks))
    }
  }

  private static func content(_ id: Report.Section, _ report: Report) -> (String, [Block]) {
    switch id {
    case .analysis: ("Model Analysis Results", AnalysisSection.blocks(report))
    case .optimization: ("Optimization Results", OptimizationSection.blocks(report))
    case .security: ("Security Analysis", SecuritySection.blocks(report))
    case .robustness: ("Adversarial Robustness", RobustnessSection.blocks(report))
    case .meaning: ("What These Results Mean for ML Practitioners", [.assessments(report.assessments)])
    case .recommendations:
      ("Recommendations for Production Deployment", [.recommendations(report.recommendations)])
    case .conclusion: ("Conclusion", (report.conclusion?.sentences ?? []).isEmpty ? [] : conclusion(report))
    case .conditions: ("Conditions", ConditionsSection.blocks(report))
    }
  }

  private static func conclusion(_ report: Report) -> [Block] {
    guard let conclusion = report.conclusion else { return [] }
    return [.heading(conclusion.headline), .paragraph(conclusion.sentences.joined(separator: " "))]
  }

  private static func subtitle(_ report: Report) -> [String] {
    let model = report.model
    return [
      model.name, model.formatDetail.map { "\(model.format), \($0)" } ?? model.format,
      Format.decimalBytes(Double(model.bytes)), model.sha256.map { "SHA-256 \($0.prefix(12))…" },
      String(report.conditions.date.prefix(10)),
    ].compactMap { $0 }
  }

  /// What stands in place of a value that was not measured.
  static let absentValue = "not measured"

  /// The row of a value that is absent: why, and what measures it.
  static func missing(_ name: String, _ path: String, _ report: Report) -> Row {
    let known = report.notMeasured.first { path == $0.path || path.hasPrefix($0.path + ".") }
    return Row(
      name: name, value: absentValue,
      detail: Format.sentence(known?.reason ?? "not available from this file in this run"),
      interpretation: known.map { "To measure it: \($0.remedy)" } ?? "")
  }

  /// The row of a figure, or of its absence.
  static func row(_ name: String, _ figure: Figure?, _ path: String, _ report: Report, value: String? = nil)
    -> Row
  {
    guard let figure else { return missing(name, path, report) }
    var detail: [String] = []
    if let interval = figure.interval, let text = figure.intervalText {
      detail.append("\(Format.percent(interval.level, 0)) interval \(text)")
    }
    if let conditions = figure.conditions { detail.append(conditions) }
    return Row(
      name: name, value: value ?? figure.text, detail: detail.joined(separator: "; "),
      interpretation: figure.interpretation ?? "")
  }

  /// Explains an absent section.
  static func absentSection(_ section: Report.Section, _ report: Report, fallback: String) -> [Block] {
    let known = report.notMeasured.filter {
      $0.path == section.rawValue || $0.path.hasPrefix(section.rawValue + ".")
    }
    guard let first = known.first else { return [.paragraph("Not measured. To measure it: \(fallback)")] }
    return [.paragraph("Not measured: \(first.reason). To measure it: \(first.remedy)")]
  }
}
