/// What quantizing each layer alone costs.
enum SensitivityBlocks {
  static let shown = 20
  private static let shownInText = 10

  static func blocks(_ optimization: Report.Optimization) -> [Document.Block] {
    let layers = SensitivityNarrative.ordered(optimization.sensitivity)
    guard !layers.isEmpty else { return [] }
    var blocks: [Document.Block] = [.heading("Which layers INT8 hurts")]
    if let text = SensitivityNarrative.text(layers) { blocks.append(.paragraph(text)) }
    let rows = layers.prefix(shown)
    let title =
      layers.count > shown
      ? "The \(shown) most sensitive of \(Format.integer(layers.count)) layers, signal-to-noise ratio of the scores"
      : "Signal-to-noise ratio of the scores with one layer in INT8"
    blocks.append(
      .chart(
        .bars(
          title: "\(title); shorter hurts more",
          items: rows.map { layer in
            Document.BarItem(
              label: layer.layer,
              kind: "\(layer.opType), \(Format.percent(layer.parameterShare)) of parameters",
              value: layer.sqnr, text: SensitivityNarrative.decibel(layer.sqnr))
          })))
    var table = Document.Table(
      caption: title,
      columns: [
        .init(title: "Layer", isNumber: false), .init(title: "Operator", isNumber: false),
        .init(title: "Parameters", isNumber: true), .init(title: "SQNR", isNumber: true),
        .init(title: "Noise", isNumber: true),
      ],
      rows: rows.map { layer in
        [
          layer.layer, layer.opType, Format.percent(layer.parameterShare),
          SensitivityNarrative.decibel(layer.sqnr),
          Format.percent(SensitivityNarrative.amplitude(layer.sqnr)),
        ]
      }, emphasized: nil, summaryRows: shownInText, isDense: true)
    table.isSupplement = true
    blocks.append(.table(table))
    return blocks
  }
}
