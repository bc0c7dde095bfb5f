/// The machine's roofs and what bounds each kernel.
enum RooflineBlocks {
  static let shownKernels = 12

  /// - Parameter kernels: how many to list; nil lists all.
  static func blocks(_ report: Report, kernels count: Int? = shownKernels) -> [Document.Block] {
    guard let analysis = report.analysis else { return [] }
    guard let roofline = analysis.roofline else {
      let absent = AnalysisSection.absentPart("analysis.roofline", report)
      return absent.isEmpty ? [] : [.heading("What limits the speed")] + absent
    }
    var blocks: [Document.Block] = [.heading("What limits the speed")]
    if let text = ProfileNarrative.roofline(analysis) { blocks.append(.paragraph(text)) }
    let profile = analysis.profile
    let kernels = profile.map { profile in ProfileBlocks.slowest(profile).map { profile.kernels[$0] } } ?? []
    let placed = kernels.filter { $0.intensity != nil && $0.gigaflopsPerSecond != nil }
    blocks.append(.chart(.roofline(roofline, placed)))
    blocks.append(.table(roofs(roofline)))
    let sentences = analysis.bottlenecks.map { Format.ended($0.sentence) }
    if !sentences.isEmpty { blocks.append(.list("Bottlenecks", sentences)) }
    if !kernels.isEmpty {
      var table = table(Array(kernels.prefix(count ?? kernels.count)))
      table.isDense = true
      table.summaryRows = count == nil ? nil : 6
      blocks.append(.table(table))
    }
    return blocks
  }

  private static func roofs(_ roofline: Report.Roofline) -> Document.Table {
    Document.Table(
      caption: "What this machine can do at most, measured with \(Format.plural(roofline.threads, "thread"))",
      columns: [
        .init(title: "Roof", isNumber: false), .init(title: "Measured", isNumber: true),
        .init(title: "How", isNumber: false),
      ],
      rows: [
        ["arithmetic", roofline.peakCompute.text, roofline.peakCompute.conditions ?? "large matrix product"],
        ["memory", roofline.bandwidth.text, roofline.bandwidth.conditions ?? "triad a = b + s × c"],
        [
          "they meet at", "\(Format.significant(roofline.ridge)) op/byte",
          "below it memory limits, above it arithmetic",
        ],
      ], emphasized: nil, summaryRows: nil)
  }

  private static func table(_ kernels: [Report.Kernel]) -> Document.Table {
    Document.Table(
      caption: "Kernels under the roofs, slowest first",
      columns: [
        .init(title: "Layers", isNumber: false), .init(title: "Share", isNumber: true),
        .init(title: "GFLOP/s", isNumber: true), .init(title: "GB/s", isNumber: true),
        .init(title: "op/byte", isNumber: true), .init(title: "of the roof", isNumber: true),
        .init(title: "Bound by", isNumber: false),
      ],
      rows: kernels.map { kernel in
        [
          ProfileBlocks.title(kernel), Format.percent(kernel.share),
          kernel.gigaflopsPerSecond.map(Format.significant) ?? "–",
          kernel.gigabytesPerSecond.map(Format.significant) ?? "–",
          kernel.intensity.map(Format.significant) ?? "–",
          kernel.roofShare.map { Format.percent($0, 0) } ?? "–", kernel.bound.map(word) ?? "unknown",
        ]
      }, emphasized: nil, summaryRows: nil)
  }

  static func word(_ bound: Report.Kernel.Bound) -> String {
    switch bound {
    case .compute: "arithmetic"
    case .memory: "memory"
    case .overhead: "overhead"
    }
  }
}
