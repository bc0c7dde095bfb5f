/// Accuracy over the radius of an attack, one line per attack, the clean accuracy as the start of each.
enum CurveChart {
  private static let width = 520.0
  private static let height = 300.0
  private static let left = 46.0
  private static let right = 16.0
  private static let top = 12.0
  private static let bottom = 44.0

  static func render(_ title: String, _ clean: Double, _ curves: [Document.Curve]) -> String {
    let largest = max(curves.flatMap { $0.points.map(\.epsilon) }.max() ?? 1, 1e-12)
    func x(_ epsilon: Double) -> Double { left + epsilon / largest * (width - left - right) }
    func y(_ accuracy: Double) -> Double { top + (1 - min(max(accuracy, 0), 1)) * (height - top - bottom) }
    let n = HTMLCharts.number

    var svg = ""
    for step in 0...4 {
      let level = Double(step) / 4
      svg +=
        "<line x1=\"\(n(left))\" x2=\"\(n(width - right))\" y1=\"\(n(y(level)))\" y2=\"\(n(y(level)))\" "
        + "stroke=\"var(--line)\"/><text x=\"\(n(left - 8))\" y=\"\(n(y(level) + 4.5))\" text-anchor=\"end\">"
        + "\(step * 25)%</text>"
    }
    svg += ticks(curves, x)
    svg +=
      "<line x1=\"\(n(left))\" x2=\"\(n(width - right))\" y1=\"\(n(y(clean)))\" y2=\"\(n(y(clean)))\" "
      + "stroke=\"var(--muted)\" stroke-dasharray=\"4 4\"/><text x=\"\(n(width - right))\" y=\"\(n(y(clean) - 7))\" "
      + "text-anchor=\"end\">clean \(Format.percent(clean))</text>"
    for curve in curves {
      let colour = "var(--s\(curve.look % 4 + 1))"
      let points = [(0.0, clean)] + curve.points.map { ($0.epsilon, $0.accuracy) }
      let path = points.enumerated().map { "\($0 == 0 ? "M" : "L")\(n(x($1.0))) \(n(y($1.1)))" }.joined()
      svg +=
        "<path d=\"\(path)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2.5\" stroke-linejoin=\"round\"/>"
      svg += curve.points.map { marker(curve.look, x($0.epsilon), y($0.accuracy), colour) }.joined()
    }
    let label = Escape.html("\(title). " + curves.map { describe($0) }.joined(separator: " "))
    let chart =
      "<svg viewBox=\"0 0 \(n(width)) \(n(height))\" role=\"img\" aria-label=\"\(label)\">\(svg)</svg>"
    return HTMLCharts.figure(title, chart + legend(curves))
  }

  /// Radii on the axis; those that would overlap are left out.
  private static func ticks(_ curves: [Document.Curve], _ x: (Double) -> Double) -> String {
    var labels: [(Double, String)] = [(0, "0")]
    for point in curves.flatMap(\.points) where !labels.contains(where: { abs($0.0 - point.epsilon) < 1e-12 })
    {
      labels.append((point.epsilon, point.label))
    }
    var svg = ""
    // The largest radius is always named; then from the left while there is room.
    var taken: [Double] = []
    for (epsilon, label) in labels.sorted(by: { $0.0 < $1.0 }).reversed().prefix(1)
      + labels.sorted(by: { $0.0 < $1.0 })
    {
      let place = x(epsilon)
      guard taken.allSatisfy({ abs($0 - place) > 44 }) else { continue }
      taken.append(place)
      svg +=
        "<text x=\"\(HTMLCharts.number(place))\" y=\"\(HTMLCharts.number(height - 22))\" text-anchor=\"middle\">"
        + "\(Escape.html(label))</text>"
    }
    return svg
      + "<text x=\"\(HTMLCharts.number((left + width - right) / 2))\" y=\"\(HTMLCharts.number(height - 2))\" "
      + "text-anchor=\"middle\">radius ε</text>"
  }

  /// Circle, square, triangle, diamond: lines are told apart without colour.
  static func marker(_ index: Int, _ x: Double, _ y: Double, _ colour: String) -> String {
    let n = HTMLCharts.number
    let look = "fill=\"\(colour)\" stroke=\"var(--card)\" stroke-width=\"1.5\""
    switch index % 4 {
    case 0: return "<circle cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"5\" \(look)/>"
    case 1: return "<rect x=\"\(n(x - 4.5))\" y=\"\(n(y - 4.5))\" width=\"9\" height=\"9\" \(look)/>"
    case 2:
      return "<path d=\"M\(n(x)) \(n(y - 6))L\(n(x + 6)) \(n(y + 5))L\(n(x - 6)) \(n(y + 5))Z\" \(look)/>"
    default:
      return
        "<path d=\"M\(n(x)) \(n(y - 6.5))L\(n(x + 6.5)) \(n(y))L\(n(x)) \(n(y + 6.5))L\(n(x - 6.5)) \(n(y))Z\" \(look)/>"
    }
  }

  private static func legend(_ curves: [Document.Curve]) -> String {
    "<ul class=\"legend\">\(curves.map { legendItem($0.look, $0.name) }.joined())</ul>"
  }

  static func legendItem(_ look: Int, _ name: String) -> String {
    let colour = "var(--s\(look % 4 + 1))"
    return
      "<li><svg viewBox=\"0 0 26 14\" aria-hidden=\"true\"><path d=\"M0 7h26\" stroke=\"\(colour)\" stroke-width=\"2.5\"/>"
      + "\(marker(look, 13, 7, colour))</svg>\(Escape.html(name))</li>"
  }

  private static func describe(_ curve: Document.Curve) -> String {
    "\(curve.name): "
      + curve.points.map { "\(Format.percent($0.accuracy)) at \($0.label)" }.joined(separator: ", ") + "."
  }
}
