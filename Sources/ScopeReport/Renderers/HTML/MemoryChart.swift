/// Live activations over the nodes of the graph, the peak marked, the outermost modules below.
enum MemoryChart {
  private static let width = 900.0
  private static let height = 280.0
  private static let left = 74.0
  private static let right = 12.0
  private static let top = 26.0
  private static let bottom = 46.0
  /// Steps that are drawn; more nodes share one, which shows the largest.
  static let stepLimit = 600

  static func render(_ memory: Report.Memory, _ modules: [String]) -> String {
    let values = memory.timeline.map { max(Double($0.bytes), 0) }
    guard let peak = values.max(), peak > 0, let at = values.firstIndex(of: peak) else { return "" }
    let n = HTMLCharts.number
    let plotWidth = width - left - right
    func x(_ position: Double) -> Double { left + position / Double(values.count) * plotWidth }
    func y(_ bytes: Double) -> Double { top + (1 - bytes / peak) * (height - top - bottom) }

    var svg = ""
    for step in PlotFrame.steps(upTo: scaled(peak).value) {
      let place = y(step * scaled(peak).unit)
      svg += PlotFrame.line(left, place, width - right, place, "var(--line)")
      svg += PlotFrame.text(
        left - 8, place + 4.5, "\(Format.trimmed(Format.fixed(step, 2))) \(scaled(peak).name)", anchor: "end")
    }
    let columns = min(values.count, stepLimit)
    var path = "M\(n(left)) \(n(y(0)))"
    for column in 0..<columns {
      let start = column * values.count / columns
      let end = max(start + 1, (column + 1) * values.count / columns)
      let value = values[start..<min(end, values.count)].max() ?? 0
      path += "V\(n(y(value)))H\(n(x(Double(end))))"
    }
    path += "V\(n(y(0)))Z"
    svg +=
      "<path d=\"\(path)\" fill=\"var(--s1)\" fill-opacity=\".25\" stroke=\"var(--s1)\" stroke-width=\"1.5\"/>"
    svg += bands(modules, x)
    let peakX = x(Double(at) + 0.5)
    let onLeft = peakX > left + plotWidth / 2
    svg += "<path d=\"M\(n(peakX)) \(n(y(peak) - 2))l-6 -10h12z\" fill=\"var(--s2)\"/>"
    let name = memory.peakNode.map { " in \($0)" } ?? ""
    svg += PlotFrame.text(
      peakX + (onLeft ? -11 : 11), y(peak) - 7,
      PlotFrame.fitted("peak \(Format.binaryBytes(peak))\(name)", plotWidth / 2 - 20),
      anchor: onLeft ? "end" : "start", kind: "strong")
    let label =
      "Live activations over \(Format.plural(values.count, "node")) in graph order: at most \(Format.binaryBytes(peak))\(name), "
      + "at the end \(Format.binaryBytes(values.last ?? 0))."
    return HTMLCharts.figure(
      "Live activations while each node runs", PlotFrame.svg(width, height, label: label, kind: "long", svg),
      wide: true)
  }

  /// Names below runs of one module that have room for them.
  private static func bands(_ modules: [String], _ x: (Double) -> Double) -> String {
    let base = height - bottom
    var svg = ""
    var start = 0
    var odd = false
    while start < modules.count {
      var end = start + 1
      while end < modules.count, modules[end] == modules[start] { end += 1 }
      let (from, to) = (x(Double(start)), x(Double(end)))
      if !modules[start].isEmpty {
        svg +=
          "<rect x=\"\(HTMLCharts.number(from))\" y=\"\(HTMLCharts.number(base + 3))\" width=\"\(HTMLCharts.number(max(to - from - 1, 0.5)))\" "
          + "height=\"5\" fill=\"\(odd ? "var(--muted)" : "var(--s1)")\"/>"
        let room = to - from
        let name = modules[start]
        if Double(TerminalText.columns(name)) * 7.2 + 6 <= room {
          svg += PlotFrame.text((from + to) / 2, base + 24, name)
        }
      }
      odd.toggle()
      start = end
    }
    return svg
      + PlotFrame.text(left + (width - left - right) / 2, height - 4, "nodes in graph order, by module")
  }

  /// The unit in which the peak is at least one.
  private static func scaled(_ bytes: Double) -> (value: Double, unit: Double, name: String) {
    for (unit, name) in [(1_073_741_824.0, "GiB"), (1_048_576, "MiB"), (1024, "KiB")] where bytes >= unit {
      return (bytes / unit, unit, name)
    }
    return (bytes, 1, "B")
  }
}
