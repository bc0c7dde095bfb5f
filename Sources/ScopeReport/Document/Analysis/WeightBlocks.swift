/// What is stored: by type, by module, at other precisions, and what the numbers are like.
enum WeightBlocks {
  static let shownModules = 16
  static let shownTensors = 24

  static func blocks(_ report: Report) -> [Document.Block] {
    guard let analysis = report.analysis else { return [] }
    var blocks: [Document.Block] = []
    let detail = analysis.parameterDetail
    if let detail {
      blocks.append(.rows(rows(detail)))
      if detail.byType.count > 1 { blocks.append(.table(types("By type", detail.byType))) }
    }
    if analysis.moduleSizes.count > 1 { blocks.append(.table(modules(analysis.moduleSizes))) }
    if !analysis.precisions.isEmpty {
      blocks.append(.table(types("The weights at other precisions, plainly converted", analysis.precisions)))
    }
    blocks += tensors(report, count: shownTensors)
    return blocks.isEmpty ? [] : [.heading("Weights")] + blocks
  }

  private static func rows(_ detail: Report.ParameterDetail) -> [Document.Row] {
    func row(_ name: String, _ value: String, _ detail: String) -> Document.Row {
      Document.Row(name: name, value: value, detail: detail, interpretation: "")
    }
    var rows = [
      row("Stored elements", Format.integer(detail.stored), "in the file"),
      row(
        "Logical elements", Format.integer(detail.logical), "equal tensors stored once count once per name"),
    ]
    if detail.shared > 0 {
      rows.append(
        row("Shared elements", Format.integer(detail.shared), "stored once, used under several names"))
    }
    if detail.constants > 0 {
      rows.append(
        row("Constants", Format.integer(detail.constants), "shapes, indices, scales and zero points"))
    }
    if detail.unusedTensors > 0 {
      rows.append(
        row(
          "Unused tensors", Format.integer(detail.unusedTensors),
          "\(Format.binaryBytes(Double(detail.unusedBytes))) that nothing reads"))
    }
    if let sparsity = detail.sparsity {
      rows.append(
        row("Sparsity", Format.percent(sparsity.value, 2), "share of weights that are exactly zero"))
    }
    return rows
  }

  private static func types(_ caption: String, _ items: [Report.TypeSize]) -> Document.Table {
    Document.Table(
      caption: caption,
      columns: [
        .init(title: "Type", isNumber: false), .init(title: "Tensors", isNumber: true),
        .init(title: "Elements", isNumber: true), .init(title: "Size", isNumber: true),
      ],
      rows: items.map {
        [
          $0.type, Format.integer($0.tensors), Format.integer($0.elements),
          Format.binaryBytes(Double($0.bytes)),
        ]
      }, emphasized: nil, summaryRows: 8)
  }

  /// The outermost modules first, then deeper ones while there is room.
  private static func modules(_ sizes: [Report.ModuleSize]) -> Document.Table {
    func depth(_ path: String) -> Int { path.isEmpty ? 0 : path.split(separator: ".").count }
    var limit = 1
    while limit < 8, sizes.filter({ depth($0.path) <= limit + 1 }).count <= shownModules { limit += 1 }
    let shown = sizes.filter { depth($0.path) <= limit }
    return Document.Table(
      caption: "Parameters by module"
        + (shown.count > shownModules ? ", the first \(shownModules) of \(Format.integer(shown.count))" : ""),
      columns: [
        .init(title: "Module", isNumber: false), .init(title: "Tensors", isNumber: true),
        .init(title: "Parameters", isNumber: true), .init(title: "Size", isNumber: true),
      ],
      rows: shown.prefix(shownModules).map {
        [
          $0.path.isEmpty ? "(whole model)" : $0.path, Format.integer($0.tensors),
          Format.integer($0.parameters),
          Format.binaryBytes(Double($0.bytes)),
        ]
      }, emphasized: nil, summaryRows: 8)
  }

  /// - Parameter count: tensors to list, the largest first; nil lists all in the order of the file.
  static func tensors(_ report: Report, count: Int?) -> [Document.Block] {
    guard let analysis = report.analysis else { return [] }
    guard !analysis.tensors.isEmpty else { return AnalysisSection.absentPart("analysis.tensors", report) }
    let all = analysis.tensors
    let shown =
      count.map { Array(all.sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }.prefix($0)) } ?? all
    var table = Document.Table(
      caption: shown.count < all.count
        ? "The \(shown.count) largest of \(Format.integer(all.count)) tensors" : "Every stored tensor",
      columns: [
        .init(title: "Tensor", isNumber: false), .init(title: "Type", isNumber: false),
        .init(title: "Shape", isNumber: false), .init(title: "Min", isNumber: true),
        .init(title: "Max", isNumber: true), .init(title: "Mean", isNumber: true),
        .init(title: "Std", isNumber: true), .init(title: "Zero", isNumber: true),
      ],
      rows: shown.map { tensor in
        func number(_ value: Double?) -> String { value.map(Format.signed) ?? "–" }
        return [
          tensor.name, tensor.dataType, Format.dimensions(tensor.shape), number(tensor.minimum),
          number(tensor.maximum), number(tensor.mean), number(tensor.standardDeviation),
          tensor.zeroFraction.map { Format.percent($0) } ?? "–",
        ]
      }, emphasized: nil, summaryRows: count == nil ? nil : 8)
    table.isDense = true
    var blocks: [Document.Block] = []
    if let text = WeightNarrative.tensors(all) { blocks.append(.paragraph(text)) }
    blocks.append(.table(table))
    return blocks
  }
}
