/// Kernels under the machine's roofs, both axes logarithmic (Williams, Waterman and Patterson 2009).
enum RooflineChart {
  private static let width = 900.0
  private static let height = 420.0
  private static let left = 64.0
  private static let right = 18.0
  private static let top = 30.0
  private static let bottom = 52.0
  /// Kernels that are drawn, slowest first; those that can be reached with the keyboard.
  static let drawn = 400
  static let reachable = 24

  static func render(_ roofline: Report.Roofline, _ kernels: [Report.Kernel]) -> String {
    let peak = roofline.peakCompute.value
    let bandwidth = roofline.bandwidth.value
    guard peak > 0, bandwidth > 0, peak.isFinite, bandwidth.isFinite else { return "" }
    let dots = kernels.prefix(drawn).filter { ($0.intensity ?? 0) > 0 && ($0.gigaflopsPerSecond ?? 0) > 0 }
    let scale = Scale(
      x: dots.compactMap(\.intensity) + [roofline.ridge, roofline.ridge * 3, roofline.ridge / 8],
      y: dots.compactMap(\.gigaflopsPerSecond) + [peak * 1.8, peak / 40])
    var svg = grid(scale)
    svg += roofs(roofline, scale)
    // The slowest last, above the others.
    svg += dots.enumerated().reversed().map { dot($0.element, $0.offset, scale) }.joined()
    let bounds = [Report.Kernel.Bound.compute, .memory, .overhead].map { bound in
      "\(dots.filter { $0.bound == bound }.count) bound by \(RooflineBlocks.word(bound))"
    }
    let label =
      "Roofline: \(roofline.peakCompute.text) and \(roofline.bandwidth.text), \(Format.plural(dots.count, "kernel")), "
      + "\(Format.list(bounds)). The table below lists them."
    let chart =
      "<svg viewBox=\"0 0 \(HTMLCharts.number(width)) \(HTMLCharts.number(height))\" role=\"group\" "
      + "aria-label=\"\(Escape.html(label))\" class=\"long roofline\">\(svg)</svg>"
    return HTMLCharts.figure("Kernels under the roofs of this machine", chart + legend(), wide: true)
  }

  /// Logarithmic axes over whole decades' fractions.
  private struct Scale {
    let lowX: Double
    let highX: Double
    let lowY: Double
    let highY: Double

    init(x: [Double], y: [Double]) {
      lowX = PlotMath.floorLog(x.min() ?? 1)
      highX = max(PlotMath.ceilLog(x.max() ?? 10), lowX + 1)
      lowY = PlotMath.floorLog(y.min() ?? 1)
      highY = max(PlotMath.log10(y.max() ?? 10), lowY + 1)
    }

    func x(_ value: Double) -> Double {
      left + (PlotMath.log10(value) - lowX) / (highX - lowX) * (width - left - right)
    }
    func y(_ value: Double) -> Double {
      top + (1 - (PlotMath.log10(value) - lowY) / (highY - lowY)) * (height - top - bottom)
    }
  }

  private static func grid(_ scale: Scale) -> String {
    var svg = ""
    for (value, name) in decades(scale.lowX, scale.highX) {
      svg += PlotFrame.line(scale.x(value), top, scale.x(value), height - bottom, "var(--line)")
      let isLast = scale.x(value) > width - right - 30
      svg += PlotFrame.text(
        scale.x(value) + (isLast ? right - 2 : 0), height - bottom + 19, name,
        anchor: isLast ? "end" : "middle")
    }
    for (value, name) in decades(scale.lowY, scale.highY) {
      svg += PlotFrame.line(left, scale.y(value), width - right, scale.y(value), "var(--line)")
      svg += PlotFrame.text(left - 8, scale.y(value) + 4.5, name, anchor: "end")
    }
    return svg + PlotFrame.text((left + width - right) / 2, height - 8, "operations per byte")
      + PlotFrame.text(2, 14, "GFLOP/s", anchor: "start")
  }

  private static func decades(_ low: Double, _ high: Double) -> [(Double, String)] {
    stride(from: low, through: high + 1e-9, by: high - low > 7 ? 2 : 1).map { exponent in
      let value = PlotMath.power10(exponent)
      return (value, value >= 1 ? Format.integer(value) : Format.trimmed(Format.fixed(value, 6)))
    }
  }

  private static func roofs(_ roofline: Report.Roofline, _ scale: Scale) -> String {
    let n = HTMLCharts.number
    let peak = roofline.peakCompute.value
    let low = PlotMath.power10(scale.lowX)
    let floor = PlotMath.power10(scale.lowY)
    // The slanted roof starts where it enters the plot.
    let from = max(low, floor / roofline.bandwidth.value)
    let ridge = min(max(roofline.ridge, from), PlotMath.power10(scale.highX))
    let start = (x: scale.x(from), y: scale.y(from * roofline.bandwidth.value))
    let corner = (x: scale.x(ridge), y: scale.y(peak))
    let end = width - right
    var svg =
      "<path d=\"M\(n(start.x)) \(n(start.y))L\(n(corner.x)) \(n(corner.y))H\(n(end))\" fill=\"none\" "
      + "stroke=\"var(--ink)\" stroke-width=\"2\" stroke-linejoin=\"round\"/>"
    svg += PlotFrame.text(
      end - 4, corner.y - 9, "arithmetic \(roofline.peakCompute.text)", anchor: "end", kind: "strong")
    let middle = (x: (start.x + corner.x) / 2, y: (start.y + corner.y) / 2)
    let turn = PlotMath.degrees(corner.y - start.y, corner.x - start.x)
    svg +=
      "<text transform=\"translate(\(n(middle.x)) \(n(middle.y - 9))) rotate(\(n(turn)))\" text-anchor=\"middle\" class=\"strong\">"
      + "memory \(Escape.html(roofline.bandwidth.text))</text>"
    return svg
  }

  private static func dot(_ kernel: Report.Kernel, _ rank: Int, _ scale: Scale) -> String {
    let n = HTMLCharts.number
    let x = scale.x(kernel.intensity ?? 1)
    let y = scale.y(kernel.gigaflopsPerSecond ?? 1)
    let size = 4.5 + 9 * max(0, min(kernel.share.isFinite ? kernel.share : 0, 1)).squareRoot()
    let name = ProfileBlocks.title(kernel)
    let facts = [
      Format.percent(kernel.share) + " of the time",
      "\(Format.significant(kernel.gigaflopsPerSecond ?? 0)) GFLOP/s",
      kernel.gigabytesPerSecond.map { "\(Format.significant($0)) GB/s" },
      kernel.bound.map { "bound by \(RooflineBlocks.word($0))" },
    ].compactMap { $0 }.joined(separator: ", ")
    let anchor = x > width * 0.6 ? "end" : "start"
    let side = anchor == "end" ? -size - 6 : size + 6
    let focus =
      rank < reachable
      ? " tabindex=\"0\" role=\"img\" aria-label=\"\(Escape.html("\(name): \(facts)"))\""
      : " aria-hidden=\"true\""
    return
      "<g class=\"dot\"\(focus) transform=\"translate(\(n(x)) \(n(y)))\"><title>\(Escape.html("\(name): \(facts)"))</title>"
      + marker(kernel.bound, size)
      + (rank < reachable
        ? "<text x=\"\(n(side))\" y=\"-4\" text-anchor=\"\(anchor)\" class=\"tip strong\">\(Escape.html(PlotFrame.fitted(name, 380)))</text>"
          + "<text x=\"\(n(side))\" y=\"12\" text-anchor=\"\(anchor)\" class=\"tip\">\(Escape.html(facts))</text>"
        : "") + "</g>"
  }

  /// Circle, square, triangle: the bound is told without colour too.
  private static func marker(_ bound: Report.Kernel.Bound?, _ size: Double) -> String {
    let n = HTMLCharts.number
    let look = "fill-opacity=\".8\" stroke=\"var(--card)\""
    switch bound {
    case .compute: return "<circle r=\"\(n(size))\" fill=\"var(--s1)\" \(look)/>"
    case .memory:
      let side = size * 0.9
      return
        "<rect x=\"\(n(-side))\" y=\"\(n(-side))\" width=\"\(n(2 * side))\" height=\"\(n(2 * side))\" fill=\"var(--s2)\" \(look)/>"
    case .overhead:
      return
        "<path d=\"M0 \(n(-1.2 * size))L\(n(1.1 * size)) \(n(0.8 * size))H\(n(-1.1 * size))Z\" fill=\"var(--s4)\" \(look)/>"
    case nil:
      return
        "<path d=\"M0 \(n(-size))L\(n(size)) 0L0 \(n(size))L\(n(-size)) 0Z\" fill=\"var(--muted)\" \(look)/>"
    }
  }

  private static func legend() -> String {
    let items = [Report.Kernel.Bound.compute, .memory, .overhead].map { bound in
      "<li><svg viewBox=\"-13 -7 26 14\" aria-hidden=\"true\">\(marker(bound, 5.5))</svg>bound by \(RooflineBlocks.word(bound))</li>"
    }
    return "<ul class=\"legend\">\(items.joined())<li>larger: more of the time</li></ul>"
  }
}
