/// Images per second over the batch size, a line per thread count.
enum ThroughputChart {
  private static let width = 740.0
  private static let height = 300.0
  private static let left = 58.0
  private static let right = 18.0
  private static let top = 26.0
  private static let bottom = 46.0

  static func render(_ points: [Report.Throughput]) -> String {
    let points = points.filter { $0.imagesPerSecond.value.isFinite && $0.imagesPerSecond.value >= 0 }
    let batches = Set(points.map(\.batch)).sorted()
    let threads = Set(points.map(\.threads)).sorted()
    guard let largest = points.map(\.imagesPerSecond.value).max(), largest > 0 else { return "" }
    let n = HTMLCharts.number
    let room = (width - left - right) / Double(max(batches.count, 1))
    func x(_ batch: Int) -> Double { left + (Double(batches.firstIndex(of: batch) ?? 0) + 0.5) * room }
    func y(_ rate: Double) -> Double { top + (1 - min(rate / largest, 1.1)) * (height - top - bottom) }

    var svg = ""
    for step in PlotFrame.steps(upTo: largest) {
      svg += PlotFrame.line(left, y(step), width - right, y(step), "var(--line)")
      svg += PlotFrame.text(left - 8, y(step) + 4.5, Format.compact(step), anchor: "end")
    }
    let every = max(1, (batches.count + 11) / 12)
    for (index, batch) in batches.enumerated() where index % every == 0 {
      svg += PlotFrame.text(x(batch), height - bottom + 20, Format.integer(batch))
    }
    svg += PlotFrame.text((left + width - right) / 2, height - 6, "batch size")
    svg += PlotFrame.text(2, 13, "images/s", anchor: "start")
    for (look, count) in threads.enumerated() {
      let colour = "var(--s\(look % 4 + 1))"
      let line = points.filter { $0.threads == count }.sorted { $0.batch < $1.batch }
      let path = line.enumerated().map {
        "\($0 == 0 ? "M" : "L")\(n(x($1.batch))) \(n(y($1.imagesPerSecond.value)))"
      }
      svg +=
        "<path d=\"\(path.joined())\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2.5\" stroke-linejoin=\"round\"/>"
      for point in line {
        // The interval of the median time, as a rate.
        if let interval = point.medianMilliseconds.interval, interval.low > 0, interval.high > 0 {
          let (fast, slow) = (
            1000 * Double(point.batch) / interval.low, 1000 * Double(point.batch) / interval.high
          )
          svg += PlotFrame.line(
            x(point.batch), y(fast), x(point.batch), y(slow), colour, " stroke-width=\"1.5\"")
        }
        svg += CurveChart.marker(look, x(point.batch), y(point.imagesPerSecond.value), colour)
      }
    }
    let told = threads.map { count in
      "\(Format.plural(count, "thread")): "
        + points.filter { $0.threads == count }.sorted { $0.batch < $1.batch }
        .map { "\(Format.significant($0.imagesPerSecond.value)) at batch \($0.batch)" }.joined(
          separator: ", ")
    }
    let legend = threads.enumerated().map { look, count in
      CurveChart.legendItem(look, Format.plural(count, "thread"))
    }
    return HTMLCharts.figure(
      "Images per second",
      PlotFrame.svg(width, height, label: "Images per second. " + told.joined(separator: ". ") + ".", svg)
        + "<ul class=\"legend\">\(legend.joined())</ul>")
  }
}
