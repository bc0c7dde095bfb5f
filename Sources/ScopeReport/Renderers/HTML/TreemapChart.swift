/// Modules as tiles: by parameters, by time, by arithmetic. Which one is seen is a choice of radio buttons, without a
/// script.
enum TreemapChart {
  private static let width = 900.0
  private static let height = 360.0
  /// Pixels of a letter of bold 13 pixel text.
  private static let letter = 8.6

  static func render(_ list: LayerList) -> String {
    let tree = ModuleTree(list)
    guard let whole = tree.modules.first else { return "" }
    var maps: [(name: String, id: String, html: String)] = []
    if whole.parameters > 0 {
      let show = { (value: Double) in "\(Format.compact(value)) parameters" }
      maps.append(
        ("Parameters", "parameters", map("parameters", tree, list, whole.parameters, show) { $0.parameters }))
    }
    if whole.milliseconds > 0 {
      maps.append(
        ("Time", "time", map("time", tree, list, whole.milliseconds, Format.milliseconds) { $0.milliseconds })
      )
    }
    if whole.macs > 0 {
      let show = { (value: Double) in "\(Format.compact(value)) MACs" }
      maps.append(("MACs", "macs", map("multiply-accumulates", tree, list, whole.macs, show) { $0.macs }))
    }
    guard !maps.isEmpty else { return "" }
    let inputs = maps.enumerated().map { index, map in
      "<input type=\"radio\" name=\"treemap\" id=\"treemap-\(map.id)\"\(index == 0 ? " checked=\"checked\"" : "")>"
        + "<label for=\"treemap-\(map.id)\">\(map.name)</label>"
    }
    let pictures = maps.map { "<div class=\"map map-\($0.id)\" tabindex=\"0\">\($0.html)</div>" }
    return HTMLCharts.figure(
      "Where the model is large",
      "<fieldset class=\"treemap\"><legend>Area by</legend>\(inputs.joined())\(pictures.joined())</fieldset>",
      wide: true)
  }

  private struct Amount {
    var parameters: Double
    var milliseconds: Double
    var macs: Double
  }

  private static func map(
    _ what: String, _ tree: ModuleTree, _ list: LayerList, _ total: Double, _ show: (Double) -> String,
    _ value: (Amount) -> Double
  ) -> String {
    func amount(_ child: ModuleTree.Child) -> Double {
      switch child {
      case .module(let index):
        let module = tree.modules[index]
        return value(
          Amount(parameters: module.parameters, milliseconds: module.milliseconds, macs: module.macs))
      case .layer(let index):
        let entry = list.entries[index]
        return value(
          Amount(
            parameters: Double(entry.layer.parameters), milliseconds: entry.milliseconds ?? 0,
            macs: Double(entry.layer.macs ?? 0)))
      }
    }
    let shown = Treemap.modules(tree, list, value: amount)
    let tiles = Treemap.tiles(shown.map(amount), width: width, height: height)
    let groups = outermost(shown, tree)
    let svg = tiles.map { tile in
      self.tile(
        tile, name(shown[tile.index], tree, list), amount(shown[tile.index]) / total,
        show(amount(shown[tile.index])),
        groups[tile.index])
    }
    let largest = tiles.prefix(5).map {
      "\(name(shown[$0.index], tree, list)) \(Format.percent(amount(shown[$0.index]) / total))"
    }
    return PlotFrame.svg(
      width, height,
      label: "Tiles by \(what), the largest: \(Format.list(largest)). The table of layers has all of them.",
      kind: "long", svg.joined())
  }

  private static func name(_ child: ModuleTree.Child, _ tree: ModuleTree, _ list: LayerList) -> String {
    switch child {
    case .module(let index):
      return tree.modules[index].path.contains(":") ? tree.modules[index].name : tree.modules[index].path
    case .layer(let index):
      let layer = list.entries[index].layer
      return layer.module.isEmpty ? tree.label[index] : layer.module
    }
  }

  /// Neighbours of one outermost module share a colour.
  private static func outermost(_ children: [ModuleTree.Child], _ tree: ModuleTree) -> [Int] {
    children.map { child in
      var slot: Int
      var module: Int
      switch child {
      case .layer(let index): (slot, module) = (tree.slot[index], tree.owner[index])
      case .module(let index): (slot, module) = (tree.modules[index].slot, tree.modules[index].parent)
      }
      while module > 0 {
        slot = tree.modules[module].slot
        module = tree.modules[module].parent
      }
      return slot
    }
  }

  private static func tile(
    _ tile: Treemap.Tile, _ name: String, _ share: Double, _ value: String, _ group: Int
  ) -> String {
    let n = HTMLCharts.number
    var html =
      "<g transform=\"translate(\(n(tile.x)) \(n(tile.y)))\"><title>\(Escape.html("\(name): \(value), \(Format.percent(share))"))</title>"
      + "<rect width=\"\(n(max(tile.width - 1.5, 0.5)))\" height=\"\(n(max(tile.height - 1.5, 0.5)))\" rx=\"3\" class=\"t\(group % 4 + 1)\"/>"
    let room = tile.width - 14
    let last = name.split(separator: ".").last.map(String.init) ?? name
    let fits = Double(TerminalText.columns(name)) * letter <= room
    let label = PlotFrame.fitted(fits ? name : last, room, perLetter: letter)
    if tile.height > 22, TerminalText.columns(label) > 4 || label == last {
      html += PlotFrame.text(7, 17, label, anchor: "start", kind: "strong")
      if tile.height > 40, room > 42 { html += PlotFrame.text(7, 34, Format.percent(share), anchor: "start") }
    }
    return html + "</g>"
  }
}
