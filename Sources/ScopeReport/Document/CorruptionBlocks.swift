/// Beyond adversaries: corruptions, small changes, unknown images, guarantees.
enum CorruptionBlocks {
  static func blocks(_ robustness: Report.Robustness) -> [Document.Block] {
    var blocks: [Document.Block] = []
    if let found = robustness.corruptions {
      blocks.append(.heading("Common corruptions"))
      blocks.append(
        .paragraph(CorruptionNarrative.corruptions(found, clean: robustness.cleanAccuracy.value)))
      blocks.append(.table(corruptions(found)))
    }
    if let rows = robustness.stability, !rows.isEmpty {
      blocks.append(.heading("Small changes"))
      if let text = CorruptionNarrative.stability(rows) { blocks.append(.paragraph(text)) }
      blocks.append(.table(stability(rows)))
    }
    if let rows = robustness.unknownInputs, !rows.isEmpty {
      blocks.append(.heading("Images of nothing"))
      if let text = CorruptionNarrative.unknowns(rows) { blocks.append(.paragraph(text)) }
      blocks.append(.table(unknowns(rows)))
    }
    if let found = robustness.certified {
      blocks.append(.heading("Certified"))
      blocks.append(.paragraph(CorruptionNarrative.certified(found)))
      blocks.append(.table(certified(found)))
    }
    return blocks
  }

  private static func certified(_ found: Report.Certified) -> Document.Table {
    Document.Table(
      caption: "No change up to this L2 radius alters the answer (Cohen et al. 2019, arXiv:1902.02918)",
      columns: [
        .init(title: "Radius", isNumber: true), .init(title: "Certified accuracy", isNumber: true),
        .init(title: "95% interval", isNumber: true),
      ],
      rows: found.rows.map {
        [Format.fixed($0.radius, 3), $0.accuracy.text, $0.accuracy.intervalText ?? "–"]
      }, emphasized: nil, summaryRows: nil)
  }

  private static func corruptions(_ found: Report.Corruptions) -> Document.Table {
    let hasOther = found.rows.contains { $0.optimizedMeanAccuracy != nil }
    let severities = found.rows.map(\.accuracies.count).max() ?? 0
    return Document.Table(
      caption: "Accuracy by severity (Hendrycks & Dietterich 2019, arXiv:1903.12261)",
      columns: [.init(title: "Corruption", isNumber: false)]
        + (0..<severities).map { .init(title: "\($0 + 1)", isNumber: true) }
        + [.init(title: "Mean", isNumber: true)]
        + (hasOther ? [.init(title: "Optimized", isNumber: true)] : [])
        + [.init(title: "Calibration error", isNumber: true)],
      rows: found.rows.map { row in
        [row.name] + (0..<severities).map { $0 < row.accuracies.count ? row.accuracies[$0].text : "–" }
          + [Format.percent(row.meanAccuracy, 1)]
          + (hasOther ? [row.optimizedMeanAccuracy.map { Format.percent($0, 1) } ?? "–"] : [])
          + [Format.percent(row.calibrationError, 1)]
      }, emphasized: found.rows.firstIndex { $0.name == found.worst }, summaryRows: nil)
  }

  private static func stability(_ rows: [Report.Stability]) -> Document.Table {
    let hasOther = rows.contains { $0.optimizedChanged != nil }
    return Document.Table(
      caption: "Predictions that a change of the image changes",
      columns: [
        .init(title: "Change", isNumber: false), .init(title: "Other class", isNumber: true),
        .init(title: "Accuracy", isNumber: true),
      ]
        + (hasOther
          ? [
            .init(title: "Optimized: other class", isNumber: true), .init(title: "Accuracy", isNumber: true),
          ] : []),
      rows: rows.map { row in
        [row.name, row.changed.text, row.accuracy.text]
          + (hasOther ? [row.optimizedChanged?.text ?? "–", row.optimizedAccuracy?.text ?? "–"] : [])
      }, emphasized: nil, summaryRows: nil)
  }

  private static func unknowns(_ rows: [Report.UnknownInputs]) -> Document.Table {
    Document.Table(
      caption:
        "Largest softmax probability on images that show nothing known, and how well it tells them from the data",
      columns: [
        .init(title: "Images", isNumber: false), .init(title: "Mean confidence", isNumber: true),
        .init(title: "Of the data", isNumber: true), .init(title: "Above 0.9", isNumber: true),
        .init(title: "AUROC", isNumber: true),
      ],
      rows: rows.map { row in
        [
          row.name, Format.percent(row.meanConfidence, 1), Format.percent(row.knownConfidence, 1),
          row.confident.text, Format.fixed(row.separation, 3),
        ]
      }, emphasized: nil, summaryRows: nil)
  }
}
