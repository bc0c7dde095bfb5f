/// The picture of the graph. The outermost level is drawn here; the script opens the others from the data beside it.
enum GraphChart {
  static func render(_ analysis: Report.Analysis) -> String {
    let picture = GraphPicture(analysis)
    guard let first = picture.levels.first else { return "" }
    let share = picture.showsTime ? "time" : "multiply-accumulates"
    return """
      <figure class="card wide graph"><figcaption>The graph, collapsed by module</figcaption>
      <div id="graph-tools" class="tools" hidden="hidden"><nav aria-label="Place in the graph"><ol id="graph-path"></ol></nav>\
      <div class="keys"><button type="button" id="graph-up">Up</button>\
      <button type="button" id="graph-out" aria-label="Zoom out">−</button>\
      <button type="button" id="graph-in" aria-label="Zoom in">+</button>\
      <button type="button" id="graph-fit">Whole</button></div></div>
      <div id="graph-picture">\(still(first))</div>
      <p class="note">A double box is a module; the bar in a box is its share of the \(share). Data flows downwards.</p>
      <p class="note" id="graph-help" hidden="hidden">Click a module, or press Enter on it, to open it; Escape goes up. \
      Drag, or use the arrow keys, to move; + and −, or Ctrl and the wheel, zoom; 0 shows the whole level.</p></figure>
      \(JSONData.script(id: "graph-data", JSONData.array(picture.levels.map(json))))

      """
  }

  /// `M x y V y ...`, a curve where there is nothing to go around.
  static func path(_ route: LayeredLayout.Route) -> String {
    guard let first = route.points.first, let last = route.points.last else { return "" }
    guard route.points.count > 2 else {
      let bend = (last.y - first.y) / 2
      return first.x == last.x
        ? "M\(first.x) \(first.y)V\(last.y)"
        : "M\(first.x) \(first.y)C\(first.x) \(first.y + bend) \(last.x) \(last.y - bend) \(last.x) \(last.y)"
    }
    var text = "M\(first.x) \(first.y)"
    var previous = first
    for point in route.points.dropFirst() {
      text += point.x == previous.x ? "V\(point.y)" : "H\(point.x)"
      previous = point
    }
    return text
  }

  private static func still(_ level: GraphPicture.Level) -> String {
    let edges = level.layout.routes.map {
      "<path class=\"edge\($0.goesUp ? " up" : "")\" d=\"\(path($0))\"/>"
    }
    let boxes = zip(level.boxes, level.layout.boxes).map { box, place in
      let middle = Double(place.width) / 2
      let kind = ["layer", "module", "outside"][box.kind.rawValue]
      let back =
        box.kind == .module
        ? "<rect class=\"back\" x=\"4\" y=\"4\" width=\"\(place.width)\" height=\"\(place.height)\" rx=\"8\"/>"
        : ""
      let share = box.share.map { min(max($0, 0), 1) } ?? 0
      let bar =
        share > 0
        ? "<rect class=\"share\" x=\"8\" y=\"40\" height=\"3\" rx=\"1.5\" width=\"\(HTMLCharts.number(max(2, share * Double(place.width - 16))))\"/>"
        : ""
      return
        "<g class=\"\(kind)\" transform=\"translate(\(place.x) \(place.y))\"><title>\(Escape.html(box.tip))</title>\(back)"
        + "<rect class=\"box\" width=\"\(place.width)\" height=\"\(place.height)\" rx=\"8\"/>\(bar)"
        + PlotFrame.text(middle, 18, box.label, kind: "name") + PlotFrame.text(middle, 34, box.detail)
        + "</g>"
    }
    let label = "The graph from top to bottom: \(Format.list(level.boxes.map(\.label)))."
    return
      "<svg viewBox=\"0 0 \(level.layout.width) \(level.layout.height)\" width=\"\(level.layout.width)\" role=\"img\" "
      + "aria-label=\"\(Escape.html(label))\">\(edges.joined())\(boxes.joined())</svg>"
  }

  private static func json(_ level: GraphPicture.Level) -> String {
    let boxes = zip(level.boxes, level.layout.boxes).map { box, place in
      JSONData.array([
        String(box.kind.rawValue), JSONData.string(box.label), JSONData.string(box.detail), String(place.x),
        String(place.y), String(place.width),
        JSONData.number(box.share.map { min(max($0, 0), 1) }, decimals: 3),
        String(box.level ?? -1),
        // The script has a listed layer's figures from the table's data.
        box.layer.flatMap { $0 < LayerTable.limit ? String($0) : nil } ?? JSONData.string(box.tip),
      ])
    }
    let edges = level.layout.routes.map { route in
      "[\"\(path(route))\",\(route.edge.from),\(route.edge.to)\(route.goesUp ? ",1" : "")]"
    }
    // Where the first row is, for the first look at a level that is wider than the picture.
    let top = level.layout.boxes.filter { $0.row == 0 }
    let middle = top.isEmpty ? 0 : top.reduce(0) { $0 + $1.x + $1.width / 2 } / top.count
    return
      "{\"n\":\(JSONData.string(level.name)),\"path\":\(JSONData.string(level.path)),\"p\":\(level.parent),"
      + "\"w\":\(level.layout.width),\"h\":\(level.layout.height),\"middle\":\(middle),"
      + "\"b\":\(JSONData.array(boxes)),\"e\":\(JSONData.array(edges))}"
  }
}
