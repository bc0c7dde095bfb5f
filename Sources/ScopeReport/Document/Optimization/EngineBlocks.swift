/// Engines and session options that were tried with the written model.
enum EngineBlocks {
  private static let shownInText = 12

  static func blocks(_ optimization: Report.Optimization) -> [Document.Block] {
    guard let engines = optimization.engines, !engines.best.isEmpty else { return [] }
    var blocks: [Document.Block] = [
      .heading("What to deploy it with"), .paragraph(EngineNarrative.text(engines)),
    ]
    guard !engines.rows.isEmpty else { return blocks }
    let rows = engines.rows.filter(\.isBest) + engines.rows.filter { !$0.isBest }
    blocks.append(
      .table(
        Document.Table(
          caption:
            "Engines, threads and options, each timed side by side with the setting that it is compared with",
          columns: [
            .init(title: "Configuration", isNumber: false), .init(title: "p50", isNumber: true),
            .init(title: "Speedup", isNumber: true), .init(title: "95% interval", isNumber: true),
            .init(title: "Verdict", isNumber: false),
          ],
          rows: rows.map { row in
            [
              row.configuration, row.p50Milliseconds?.text ?? "–", row.speedup?.text ?? "–",
              row.speedup?.intervalText ?? "–", row.isBest ? "deploy; \(row.verdict)" : row.verdict,
            ]
          },
          emphasized: rows.firstIndex(where: \.isBest), summaryRows: shownInText)))
    return blocks
  }
}
