extension Report {
  /// Parts of the analysis that `analyze` prints on request.
  public enum AnalysisPart: String, Sendable, CaseIterable {
    case layers, memory, roofline, throughput, tensors
  }
}

extension Document {
  /// The blocks of one part in full.
  static func part(_ part: Report.AnalysisPart, _ report: Report, wide: Bool) -> [Block] {
    guard let analysis = report.analysis else { return [] }
    let blocks: [Block]
    switch part {
    case .layers:
      let list = LayerList(analysis)
      blocks =
        list.entries.isEmpty
        ? []
        : [.heading("Layers")]
          + [
            .table(
              LayerBlocks.table(
                list, Array(list.entries.indices), caption: "In graph order", withModules: wide))
          ]
          + (analysis.profile.map { profile in
            profile.byModule.count > 1 ? [.table(ProfileBlocks.shares("By module", profile.byModule))] : []
          } ?? []) + WorkBlocks.blocks(analysis)
    case .memory: blocks = MemoryBlocks.blocks(report)
    case .roofline: blocks = RooflineBlocks.blocks(report, kernels: nil)
    case .throughput: blocks = ThroughputBlocks.blocks(report)
    case .tensors:
      let tensors = WeightBlocks.tensors(report, count: nil)
      blocks = tensors.isEmpty ? [] : [.heading("Tensors")] + tensors
    }
    guard blocks.isEmpty else { return blocks }
    let reason =
      part == .layers ? "the file holds weights without a graph" : "it was not measured in this run"
    return [.heading(Format.sentence(part.rawValue)), .paragraph("Not measured: \(reason).")]
  }
}
