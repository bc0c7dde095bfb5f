/// Images per second over batch sizes and thread counts, and what serving costs.
enum ThroughputBlocks {
  static func blocks(_ report: Report) -> [Document.Block] {
    guard let analysis = report.analysis else { return [] }
    guard !analysis.throughput.isEmpty else {
      let absent = AnalysisSection.absentPart("analysis.throughput", report)
      return absent.isEmpty ? [] : [.heading("Throughput")] + absent
    }
    var blocks: [Document.Block] = [.heading("Throughput")]
    if let text = ThroughputNarrative.scaling(analysis) { blocks.append(.paragraph(text)) }
    blocks.append(.chart(.throughput(analysis.throughput)))
    blocks.append(.table(table(analysis)))
    if let text = ThroughputNarrative.deployment(analysis) { blocks.append(.paragraph(text)) }
    return blocks
  }

  static func best(_ analysis: Report.Analysis) -> Report.Throughput? {
    analysis.throughput.filter { $0.imagesPerSecond.value.isFinite }
      .max { $0.imagesPerSecond.value < $1.imagesPerSecond.value }
  }

  static func row(_ analysis: Report.Analysis, _ figure: Figure) -> Document.Row {
    let best = best(analysis)
    return Document.Row(
      name: "Throughput", value: figure.text,
      detail: best.map { "the best of \(analysis.throughput.count) points: \(point($0.batch, $0.threads))" }
        ?? "",
      interpretation: ThroughputNarrative.scaling(analysis) ?? "")
  }

  static func deployment(_ analysis: Report.Analysis, _ figure: Figure) -> Document.Row {
    let deployment = analysis.deployment
    let cost = deployment?.costPerMillion.map { "\($0.text) per million inferences" }
    return Document.Row(
      name: "Deployment", value: ["\(figure.text) per core", cost].compactMap { $0 }.joined(separator: ", "),
      detail: deployment.map { "at \(point($0.batch, $0.threads))" } ?? "",
      interpretation: ThroughputNarrative.deployment(analysis) ?? "")
  }

  static func point(_ batch: Int, _ threads: Int) -> String {
    "batch \(batch), \(Format.plural(threads, "thread"))"
  }

  /// A row per batch size, a column per thread count.
  private static func table(_ analysis: Report.Analysis) -> Document.Table {
    let batches = Set(analysis.throughput.map(\.batch)).sorted()
    let threads = Set(analysis.throughput.map(\.threads)).sorted()
    let best = best(analysis)
    return Document.Table(
      caption: "Images per second and the median time of a run, by batch size and threads",
      columns: [.init(title: "Batch", isNumber: false)]
        + threads.map { .init(title: Format.plural($0, "thread"), isNumber: true) },
      rows: batches.map { batch in
        [Format.integer(batch)]
          + threads.map { count in
            analysis.throughput.first { $0.batch == batch && $0.threads == count }
              .map { "\(Format.significant($0.imagesPerSecond.value)) (\($0.medianMilliseconds.text))" }
              ?? "–"
          }
      }, emphasized: best.flatMap { batches.firstIndex(of: $0.batch) }, summaryRows: nil)
  }
}
