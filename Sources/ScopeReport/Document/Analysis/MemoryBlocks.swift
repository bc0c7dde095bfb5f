/// Where the memory goes over one inference.
enum MemoryBlocks {
  static let shownTensors = 8

  static func blocks(_ report: Report) -> [Document.Block] {
    guard let analysis = report.analysis else { return [] }
    guard let memory = analysis.memory else {
      let absent = AnalysisSection.absentPart("analysis.memory", report)
      return absent.isEmpty ? [] : [.heading("Memory over one inference")] + absent
    }
    var blocks: [Document.Block] = [.heading("Memory over one inference")]
    if let text = MemoryNarrative.timeline(analysis) { blocks.append(.paragraph(text)) }
    if memory.timeline.count > 1 {
      blocks.append(.chart(.memory(memory, modules: modules(memory, analysis.layers))))
    }
    blocks.append(.table(summary(analysis, memory, report)))
    if !memory.peakTensors.isEmpty { blocks.append(.table(peak(memory))) }
    if !memory.batches.isEmpty {
      if let text = MemoryNarrative.batches(analysis) { blocks.append(.paragraph(text)) }
      blocks.append(.table(batches(memory)))
    }
    return blocks
  }

  /// The outermost module that tells blocks apart, for each moment.
  private static func modules(_ memory: Report.Memory, _ layers: [Report.Layer]) -> [String] {
    let paths = memory.timeline.map { moment -> [Substring] in
      guard let layer = moment.layer, layers.indices.contains(layer) else { return [] }
      return layers[layer].module.split(separator: ".", maxSplits: 8)
    }
    let depth = (1...3).first { depth in Set(paths.map { Array($0.prefix(depth)) }).count > 3 } ?? 1
    return paths.map { $0.prefix(depth).joined(separator: ".") }
  }

  private static func summary(
    _ analysis: Report.Analysis, _ memory: Report.Memory, _ report: Report
  ) -> Document.Table {
    func row(_ name: String, _ figure: Figure?, _ path: String, _ fallback: String) -> [String] {
      let known = report.notMeasured.first { $0.path == path }
      let how = figure?.conditions ?? known.map { "\($0.reason); \($0.remedy)" } ?? fallback
      return [name, figure.map { Format.binaryBytes($0.value) } ?? Document.absentValue, how]
    }
    return Document.Table(
      caption: "Memory, each way of measuring it",
      columns: [
        .init(title: "What", isNumber: false), .init(title: "Bytes", isNumber: true),
        .init(title: "How", isNumber: false),
      ],
      rows: [
        row("weights", analysis.weightBytes, "analysis.weightBytes", "as stored"),
        row(
          "peak activations", analysis.peakActivationBytes, "analysis.peakActivationBytes",
          "liveness in graph order"),
        row(
          "the same without reuse", analysis.peakActivationBytesNaive, "analysis.peakActivationBytesNaive",
          "every output its own buffer"),
        row(
          "engine's arena at its peak", memory.enginePeakBytes, "analysis.memory.enginePeakBytes",
          "the engine's profile gave none"),
        row(
          "growth of the process", memory.residentGrowthBytes, "analysis.memory.residentGrowthBytes",
          "nothing was executed"),
      ], emphasized: nil, summaryRows: nil)
  }

  private static func peak(_ memory: Report.Memory) -> Document.Table {
    let total = memory.peakTensors.reduce(0.0) { $0 + Double($1.bytes) }
    return Document.Table(
      caption: "Live at the peak" + (memory.peakNode.map { ", while \($0) runs" } ?? ""),
      columns: [
        .init(title: "Tensor", isNumber: false), .init(title: "Shape", isNumber: false),
        .init(title: "Bytes", isNumber: true), .init(title: "Share", isNumber: true),
      ],
      rows: memory.peakTensors.prefix(shownTensors).map {
        [
          $0.name, $0.shape.map(Format.shape) ?? "unknown", Format.binaryBytes(Double($0.bytes)),
          total > 0 ? Format.percent(Double($0.bytes) / total) : "–",
        ]
      }, emphasized: nil, summaryRows: 5)
  }

  private static func batches(_ memory: Report.Memory) -> Document.Table {
    Document.Table(
      caption: "What larger batches need",
      columns: ["Batch", "Activations", "With weights"].map { .init(title: $0, isNumber: $0 != "Batch") },
      rows: memory.batches.map {
        [
          Format.integer($0.batch), Format.binaryBytes(Double($0.activationBytes)),
          Format.binaryBytes(Double($0.totalBytes)),
        ]
      }, emphasized: nil, summaryRows: nil)
  }
}
