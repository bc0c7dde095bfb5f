/// The table of layers. Without a script it shows every layer of a small graph, or the costliest; with it, all, sorted
/// and searched, from compact data.
enum LayerTable {
  /// Rows without a script.
  static let plainLimit = 60
  /// Rows with it.
  static let limit = 4000

  static func render(_ list: LayerList) -> String {
    let count = list.entries.count
    let few = count <= plainLimit
    let positions = few ? Array(0..<count) : list.costliest(30)
    let order = list.isProfiled ? "most time" : "most arithmetic"
    let caption =
      few
      ? "Every layer in graph order"
      : "The \(positions.count) layers with the \(order), of \(Format.integer(count))"
    var plain = LayerBlocks.table(list, positions, caption: caption, withModules: true)
    plain.isDense = false
    let rest =
      count > limit ? " This table holds the first \(Format.integer(limit)); report.json has all." : ""
    return """
      <div class="card layers"><div id="layer-tools" class="tools" hidden="hidden"><label for="layer-search">Search</label>\
      <input type="search" id="layer-search" placeholder="name, module, operator, shape" autocomplete="off">\
      <span id="layer-count" role="status"></span></div>
      \(HTMLBlocks.table(plain, id: "layer-table", region: "Layers"))
      </div>
      \(JSONData.script(id: "layer-data", json(list, rest)))
      <noscript><p>With JavaScript this table has every layer, sorted and searched. report.json has them too.</p></noscript>

      """
  }

  private static func json(_ list: LayerList, _ rest: String) -> String {
    var modules = Names()
    var operators = Names()
    let rows = list.entries.prefix(limit).map { entry -> String in
      let layer = entry.layer
      var cells = [
        JSONData.string(layer.name), String(modules.number(layer.module)),
        String(operators.number(layer.opType)),
        JSONData.string(layer.outputShape.map { $0.joined(separator: " × ") } ?? "unknown"),
        JSONData.number(layer.parameters), JSONData.number(layer.macs),
      ]
      if list.isProfiled {
        cells.append(JSONData.number(entry.milliseconds))
        cells.append(JSONData.number(entry.share, decimals: 5))
        if let other = entry.computedWith { cells.append(JSONData.string(other)) }
      }
      return JSONData.array(cells)
    }
    let caption = "Layers. The headings sort." + rest
    return "{\"timed\":\(list.isProfiled),\"caption\":\(JSONData.string(caption)),"
      + "\"modules\":\(JSONData.array(modules.all.map(JSONData.string))),"
      + "\"operators\":\(JSONData.array(operators.all.map(JSONData.string))),\"rows\":\(JSONData.array(rows))}"
  }

  /// Texts that repeat, by number.
  private struct Names {
    private(set) var all: [String] = []
    private var numbers: [String: Int] = [:]

    mutating func number(_ name: String) -> Int {
      if let known = numbers[name] { return known }
      numbers[name] = all.count
      all.append(name)
      return all.count - 1
    }
  }
}
