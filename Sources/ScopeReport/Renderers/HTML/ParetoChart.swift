/// Candidates by median time and size: what was timed beside the original, told apart by shape and colour.
enum ParetoChart {
  private static let width = 900.0
  private static let height = 440.0
  private static let left = 72.0
  private static let right = 26.0
  private static let top = 34.0
  private static let bottom = 54.0
  /// Points that are drawn, that can be reached with the keyboard, that carry a name.
  static let drawn = 300
  static let reachable = 24
  private static let named = 12
  /// Pixels of a letter of bold 13 pixel text, and of a line.
  private static let letter = 7.5
  private static let line = 17.0

  static func render(_ candidates: [Report.Candidate]) -> String {
    let placed = candidates.filter { item in
      [item.p50Milliseconds?.value, item.bytes?.value].allSatisfy {
        $0.map { $0 > 1e-9 && $0 < 1e15 } ?? false
      }
    }.prefix(drawn)
    // One point is no picture.
    guard placed.count > 1 else { return "" }
    let times = PlotAxis(placed.compactMap { $0.p50Milliseconds?.value })
    let sizes = PlotAxis(placed.compactMap { $0.bytes?.value })
    let points = placed.map { item in
      Point(
        item: item, x: x(times.place(item.p50Milliseconds?.value ?? 1)),
        y: y(sizes.place(item.bytes?.value ?? 1)))
    }
    var svg = "<title id=\"pareto-title\">Size and median time of the candidates</title>"
    svg += "<desc id=\"pareto-desc\">\(Escape.html(description(points)))</desc>"
    svg += grid(times, sizes)
    svg += points.filter { $0.item.standing <= .within }.map { whisker($0, times) }.joined()
    // The best last, above the others.
    svg += points.enumerated().reversed().map { dot($0.element, $0.offset) }.joined()
    svg += names(points, times)
    let chart =
      "<svg viewBox=\"0 0 \(HTMLCharts.number(width)) \(HTMLCharts.number(height))\" role=\"group\" "
      + "aria-labelledby=\"pareto-title\" aria-describedby=\"pareto-desc\" class=\"long pareto\">\(svg)</svg>"
    return HTMLCharts.figure(
      "Size over median time, lower left is better", chart + legend(Set(points.map(\.item.standing))),
      wide: true)
  }

  private struct Point {
    let item: Report.Candidate
    let x: Double
    let y: Double
  }

  private struct Box {
    let left: Double
    let top: Double
    let right: Double
    let bottom: Double

    func meets(_ other: Box) -> Bool {
      left < other.right && other.left < right && top < other.bottom && other.top < bottom
    }
  }

  private static func x(_ share: Double) -> Double { left + share * (width - left - right) }
  private static func y(_ share: Double) -> Double { top + (1 - share) * (height - top - bottom) }

  private static func grid(_ times: PlotAxis, _ sizes: PlotAxis) -> String {
    let (scale, unit) =
      sizes.high >= 1e9
      ? (1e9, "GB") : sizes.high >= 1e6 ? (1e6, "MB") : sizes.high >= 1e3 ? (1e3, "kB") : (1, "bytes")
    var svg = ""
    for tick in times.ticks {
      let place = x(times.place(tick))
      svg += PlotFrame.line(place, top, place, height - bottom, "var(--line)")
      svg += PlotFrame.text(place, height - bottom + 19, number(tick))
    }
    for tick in sizes.ticks {
      let place = y(sizes.place(tick))
      svg += PlotFrame.line(left, place, width - right, place, "var(--line)")
      svg += PlotFrame.text(left - 8, place + 4.5, number(tick / scale), anchor: "end")
    }
    let log = { (axis: PlotAxis) in axis.isLogarithmic ? ", logarithmic" : "" }
    return svg
      + PlotFrame.text((left + width - right) / 2, height - 9, "median time, ms\(log(times))")
      + PlotFrame.text(2, 15, "size, \(unit)\(log(sizes))", anchor: "start")
  }

  private static func number(_ value: Double) -> String { Format.trimmed(Format.significant(value)) }

  /// The interval of the median.
  private static func whisker(_ point: Point, _ times: PlotAxis) -> String {
    guard let (from, to) = ends(point, times) else { return "" }
    return PlotFrame.line(from, point.y, to, point.y, "var(--muted)", " stroke-width=\"1.5\"")
  }

  private static func ends(_ point: Point, _ times: PlotAxis) -> (from: Double, to: Double)? {
    guard let interval = point.item.p50Milliseconds?.interval, interval.low > 0,
      interval.low.isFinite, interval.high.isFinite
    else { return nil }
    return (x(max(0, min(1, times.place(interval.low)))), x(max(0, min(1, times.place(interval.high)))))
  }

  private static func dot(_ point: Point, _ rank: Int) -> String {
    let n = HTMLCharts.number
    let candidate = point.item
    let name = CandidateNames.short(candidate.name)
    let facts = facts(candidate)
    let anchor = point.x > width * 0.6 ? "end" : "start"
    let side = anchor == "end" ? -13.0 : 13
    let isReachable = rank < reachable
    let label = Escape.html("\(name) (\(point.item.standing.rawValue)): \(facts)")
    let focus =
      isReachable ? " tabindex=\"0\" role=\"img\" aria-label=\"\(label)\"" : " aria-hidden=\"true\""
    let fade = point.item.standing >= .out ? " opacity=\".55\"" : ""
    return
      "<g class=\"dot\"\(focus)\(fade) transform=\"translate(\(n(point.x)) \(n(point.y)))\"><title>\(label)</title>"
      + marker(point.item.standing)
      + (isReachable
        ? "<text x=\"\(n(side))\" y=\"-4\" text-anchor=\"\(anchor)\" class=\"tip strong\">\(Escape.html(PlotFrame.fitted(name, 420)))</text>"
          + "<text x=\"\(n(side))\" y=\"12\" text-anchor=\"\(anchor)\" class=\"tip\">\(Escape.html(facts))</text>"
        : "") + "</g>"
  }

  private static func facts(_ candidate: Report.Candidate) -> String {
    [
      candidate.p50Milliseconds?.text, candidate.bytes?.text,
      candidate.accuracy.map { "accuracy \($0.text)" } ?? candidate.agreement.map { "agreement \($0.text)" },
    ].compactMap { $0 }.joined(separator: ", ")
  }

  /// Square, diamond, circle, ring, cross: the standing is told without colour too.
  private static func marker(_ standing: Report.Candidate.Standing) -> String {
    switch standing {
    case .original:
      "<rect x=\"-6\" y=\"-6\" width=\"12\" height=\"12\" fill=\"var(--ink)\" stroke=\"var(--card)\"/>"
    case .chosen:
      "<path d=\"M0 -10L10 0L0 10L-10 0Z\" fill=\"var(--good)\" stroke=\"var(--card)\" stroke-width=\"1.5\"/>"
    case .front: "<circle r=\"6.5\" fill=\"var(--s1)\" stroke=\"var(--card)\" stroke-width=\"1.5\"/>"
    case .within: "<circle r=\"5.5\" fill=\"var(--card)\" stroke=\"var(--s1)\" stroke-width=\"2\"/>"
    case .out, .notRun:
      "<path d=\"M-5 -5L5 5M-5 5L5 -5\" fill=\"none\" stroke=\"var(--muted)\" stroke-width=\"2.5\"/>"
    }
  }

  /// Names beside the points that matter, each where it meets neither another name nor a point; a name without such a
  /// place is left to the table.
  private static func names(_ points: [Point], _ times: PlotAxis) -> String {
    let markers = points.map { Box(left: $0.x - 11, top: $0.y - 9, right: $0.x + 11, bottom: $0.y + 9) }
    // A name does not stand on the line of an interval either.
    var taken = points.filter { $0.item.standing <= .within }.compactMap { point -> Box? in
      ends(point, times).map { Box(left: $0.from, top: point.y - 2, right: $0.to, bottom: point.y + 2) }
    }
    var svg = ""
    let ranked = points.enumerated().filter { $0.element.item.standing <= .front }.prefix(named)
    for (index, point) in ranked {
      let name = PlotFrame.fitted(CandidateNames.short(point.item.name), 330, perLetter: letter)
      let room = Double(TerminalText.columns(name)) * letter
      let rows = [0.0, -1, 1, -2, 2, -3, 3, -4, 4]
      let tries: [(row: Double, side: Double)] = rows.flatMap { row in
        [(row: row, side: 1), (row: row, side: -1)]
      }
      for (row, side) in tries {
        let start = side > 0 ? point.x + 15 : point.x - 15 - room
        let middle = point.y + row * line
        let box = Box(left: start, top: middle - 8, right: start + room, bottom: middle + 8)
        guard box.left >= left + 2, box.right <= width - 4, box.top >= top - 12,
          box.bottom <= height - bottom,
          !taken.contains(where: box.meets),
          !markers.enumerated().contains(where: { $0.offset != index && box.meets($0.element) })
        else { continue }
        taken.append(box)
        if row != 0 {
          svg += PlotFrame.line(
            point.x + side * 8, point.y + (row > 0 ? 7 : -7), point.x + side * 13, middle, "var(--muted)",
            " stroke-opacity=\".6\"")
        }
        svg += PlotFrame.text(
          side > 0 ? start : point.x - 15, middle + 4.5, name, anchor: side > 0 ? "start" : "end",
          kind: point.item.standing == .chosen ? "strong" : nil)
        break
      }
    }
    return "<g aria-hidden=\"true\">\(svg)</g>"
  }

  private static func description(_ points: [Point]) -> String {
    let marked = points.filter { $0.item.standing <= .chosen }.map { point in
      "\(CandidateNames.short(point.item.name)) (\(point.item.standing.rawValue)): \(facts(point.item))"
    }
    let counts = Report.Candidate.Standing.allCases.filter { $0 > .chosen }.compactMap {
      standing -> String? in
      let count = points.filter { $0.item.standing == standing }.count
      return count > 0 ? "\(count) \(word(standing))" : nil
    }
    return
      (marked + [counts.isEmpty ? "" : "Beside them \(Format.list(counts))", "The tables below list them"])
      .filter { !$0.isEmpty }.joined(separator: ". ") + "."
  }

  private static func word(_ standing: Report.Candidate.Standing) -> String {
    switch standing {
    case .original: "original"
    case .chosen: "chosen"
    case .front: "on the front"
    case .within: "within the budget"
    case .out, .notRun: "ruled out"
    }
  }

  private static func legend(_ used: Set<Report.Candidate.Standing>) -> String {
    let items = Report.Candidate.Standing.allCases.filter { used.contains($0) && $0 != .notRun }.map {
      standing in
      "<li><svg viewBox=\"-13 -11 26 22\" aria-hidden=\"true\">\(marker(standing))</svg>\(word(standing))</li>"
    }
    return "<ul class=\"legend\">\(items.joined())<li>line: 95% interval of the median</li></ul>"
  }
}
