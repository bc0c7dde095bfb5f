/// Charts as inline SVG. Each has a text alternative; its exact figures stand in a table beside it.
enum HTMLCharts {
  static func render(_ chart: Document.Chart) -> String {
    switch chart {
    case .bars(let title, let items): bars(title, items)
    case .candidates(let candidates): ParetoChart.render(candidates)
    case .curves(let title, let clean, let curves): CurveChart.render(title, clean, curves)
    case .memory(let memory, let modules): MemoryChart.render(memory, modules)
    case .roofline(let roofline, let kernels): RooflineChart.render(roofline, kernels)
    case .throughput(let points): ThroughputChart.render(points)
    case .treemap(let list): TreemapChart.render(list)
    case .graph(let analysis): GraphChart.render(analysis)
    }
  }

  /// A ring that is filled as far as the figure's share.
  static func ring(_ gauge: Document.Gauge) -> String {
    let circumference = 2 * 3.14159265 * 38
    let fill = gauge.fill.map { min(max($0, 0), 1) }
    let arc = fill.map {
      $0 <= 0.001
        ? ""
        : "<circle cx=\"44\" cy=\"44\" r=\"38\" fill=\"none\" stroke=\"var(--tone)\" stroke-width=\"7\" stroke-linecap=\"round\" "
          + "stroke-dasharray=\"\(number($0 * circumference)) \(number(circumference))\" transform=\"rotate(-90 44 44)\"/>"
    }
    let dashed = fill == nil ? " stroke-dasharray=\"2 5\"" : ""
    return """
      <svg viewBox="0 0 88 88" aria-hidden="true">\
      <circle cx="44" cy="44" r="38" fill="none" stroke="var(--track)" stroke-width="7"\(dashed)/>\(arc ?? "")\
      \(symbol(gauge))</svg>
      """
  }

  /// The mark inside a ring, so that the tone does not rest on colour alone.
  private static func symbol(_ gauge: Document.Gauge) -> String {
    let path =
      switch gauge.tone {
      case .good: "M32 45l8 8 16-18"
      case .fair: "M44 31v17M44 56v1"
      case .bad: "M34 34l20 20M54 34L34 54"
      case .none: "M36 44h16"
      }
    return
      "<path d=\"\(path)\" fill=\"none\" stroke=\"var(--tone)\" stroke-width=\"4.5\" stroke-linecap=\"round\" "
      + "stroke-linejoin=\"round\"/>"
  }

  private static func bars(_ title: String, _ items: [Document.BarItem]) -> String {
    let largest = max(items.map(\.value).max() ?? 1, 1e-9)
    let lines = items.map { item in
      """
      <li><span class="l">\(Escape.html(item.label))<span class="k">\(Escape.html(item.kind))</span></span>\
      \(bar(item.value / largest, "var(--s1)"))<span class="x">\(Escape.html(item.text))</span></li>
      """
    }
    return figure(title, "<ul class=\"bars\">\(lines.joined(separator: "\n"))</ul>")
  }

  /// One horizontal bar that stretches with its container.
  static func bar(_ share: Double, _ colour: String) -> String {
    let width = share.isFinite ? min(max(share, 0), 1) * 100 : 0
    return "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
      + "<rect width=\"100\" height=\"10\" rx=\"1\" fill=\"var(--track)\"/>"
      + "<rect width=\"\(number(width))\" height=\"10\" rx=\"1\" fill=\"\(colour)\"/></svg>"
  }

  /// - Parameter wide: takes a line of its own.
  static func figure(_ title: String, _ content: String, wide: Bool = false) -> String {
    "<figure class=\"card\(wide ? " wide\" tabindex=\"0" : "")\"><figcaption>\(Escape.html(title))</figcaption>\(content)</figure>"
  }

  /// Coordinates: two decimals are below a tenth of a pixel.
  static func number(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e9 else { return "0" }
    let hundredths = Int((value * 100).rounded())
    let sign = hundredths < 0 ? "-" : ""
    let fraction = hundredths.magnitude % 100
    return sign + "\(hundredths.magnitude / 100)"
      + (fraction == 0 ? "" : fraction < 10 ? ".0\(fraction)" : ".\(fraction)")
  }
}
