/// Arithmetic by kind, and what was not counted.
enum WorkBlocks {
  static let shownMissing = 12

  static func blocks(_ analysis: Report.Analysis) -> [Document.Block] {
    var blocks: [Document.Block] = []
    if !analysis.work.isEmpty {
      var items: [(name: String, operations: Double, nodes: String)] = analysis.work.map {
        ($0.kind.rawValue, Double($0.operations), Format.integer($0.nodes))
      }
      if let macs = analysis.macs {
        items.insert(("multiply-accumulates", 2 * macs.value, "–"), at: 0)
      }
      items = items.sorted { $0.operations > $1.operations }
      let total = items.reduce(0) { $0 + $1.operations }
      func share(_ value: Double) -> Double { total > 0 ? value / total : 0 }
      blocks.append(.heading("Work by kind"))
      blocks.append(.paragraph(CoverageNarrative.work(analysis)))
      blocks.append(
        .table(
          Document.Table(
            caption: "Operations by kind, two for each multiply-accumulate",
            columns: [
              .init(title: "Kind", isNumber: false), .init(title: "Operations", isNumber: true),
              .init(title: "Share", isNumber: true), .init(title: "Nodes", isNumber: true),
            ],
            rows: items.map {
              [$0.name, Format.integer($0.operations), Format.percent(share($0.operations), 2), $0.nodes]
            }, emphasized: nil, summaryRows: 6)))
    }
    if let coverage = analysis.coverage, coverage.nodesNotCounted > 0 {
      let missing = Document.Table(
        caption: "\(Format.plural(coverage.nodesNotCounted, "node")) not counted",
        columns: ["Node", "Operator", "Why"].map { .init(title: $0, isNumber: false) },
        rows: coverage.missing.prefix(shownMissing).map { [$0.node, $0.opType, $0.reason] },
        emphasized: nil, summaryRows: 6)
      blocks.append(.table(missing))
    }
    return blocks
  }
}
