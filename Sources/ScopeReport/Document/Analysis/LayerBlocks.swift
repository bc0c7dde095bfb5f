/// The layers: treemap, table, picture of the graph.
enum LayerBlocks {
  /// Rows in forms that cannot be sorted and searched.
  static let shownLayers = 12

  static func blocks(_ analysis: Report.Analysis) -> [Document.Block] {
    guard !analysis.layers.isEmpty else { return [] }
    let list = LayerList(analysis)
    return [
      .heading("Layers"), .chart(.treemap(list)), .layers(list), .heading("Graph"),
      .chart(.graph(analysis)),
    ]
  }

  /// - Parameter withModules: a column that wide forms have room for.
  static func table(
    _ list: LayerList, _ positions: [Int], caption: String, withModules: Bool = false
  ) -> Document.Table {
    var columns: [Document.Table.Column] = [
      .init(title: "Layer", isNumber: false), .init(title: "Operator", isNumber: false),
      .init(title: "Output", isNumber: false), .init(title: "Params", isNumber: true),
      .init(title: "MACs", isNumber: true),
    ]
    if withModules { columns.insert(.init(title: "Module", isNumber: false), at: 1) }
    if list.isProfiled {
      columns += [.init(title: "Time", isNumber: true), .init(title: "Share", isNumber: true)]
    }
    return Document.Table(
      caption: caption, columns: columns,
      rows: positions.filter(list.entries.indices.contains).map { position in
        let entry = list.entries[position]
        let layer = entry.layer
        var cells = [
          title(layer), layer.opType, layer.outputShape.map { $0.joined(separator: "×") } ?? "unknown",
          layer.parameters > 0 ? Format.compact(layer.parameters) : "0",
          layer.macs.map { Format.compact($0) } ?? "unknown",
        ]
        if withModules { cells.insert(layer.module, at: 1) }
        if list.isProfiled {
          cells += [
            entry.milliseconds.map { Format.milliseconds($0) } ?? (entry.computedWith == nil ? "–" : "fused"),
            entry.share.map { Format.percent($0) } ?? "–",
          ]
        }
        return cells
      }, emphasized: nil, summaryRows: nil, isDense: true)
  }

  /// The name without what other columns say: no leading slash, no operator at the end.
  static func title(_ layer: Report.Layer) -> String {
    var name = layer.name[...]
    if name.hasPrefix("/") { name = name.dropFirst() }
    let ending = "/" + layer.opType
    if name.hasSuffix(ending), name.count > ending.count { name = name.dropLast(ending.count) }
    return name.isEmpty ? layer.opType : String(name)
  }

  /// The costliest layers, for forms that show a few.
  static func short(_ list: LayerList, _ count: Int = shownLayers) -> Document.Table {
    let order = list.isProfiled ? "most time" : "most arithmetic"
    return table(
      list, list.costliest(count),
      caption: list.entries.count <= count
        ? "Layers, \(order) first"
        : "The \(count) layers with the \(order), of \(Format.integer(list.entries.count))")
  }
}
