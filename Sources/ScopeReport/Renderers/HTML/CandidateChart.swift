/// Candidates side by side: size, median time and accuracy as bars on common scales.
enum CandidateChart {
  static func render(_ candidates: [Report.Candidate]) -> String {
    let bytes = largest(candidates.map { $0.bytes?.value })
    // One very slow candidate would flatten all others: the scale ends at twice the original, longer bars are full.
    let original = candidates.first { $0.isOriginal }?.p50Milliseconds?.value
    let time = min(
      largest(candidates.map { $0.p50Milliseconds?.value }), original.map { 2 * $0 } ?? .infinity)
    let rows = candidates.map { candidate in
      let colour = candidate.isChosen ? "var(--good)" : candidate.isOriginal ? "var(--muted)" : "var(--s1)"
      let slow = original.map { (candidate.p50Milliseconds?.value ?? 0) > 1.05 * $0 } ?? false
      return """
        <li\(candidate.isChosen ? " class=\"win\"" : "")><span class="l">\(Escape.html(candidate.name))</span>\
        \(cell("Size", candidate.bytes, bytes, colour))\(cell("Time", candidate.p50Milliseconds, time, slow ? "var(--bad)" : colour))\
        \(cell("Accuracy", candidate.accuracy, 1, colour))</li>
        """
    }
    let head =
      "<li class=\"head\" aria-hidden=\"true\"><span>Candidate</span><span>Size</span><span>Median time</span>"
      + "<span>Accuracy</span></li>"
    return HTMLCharts.figure(
      "Size, time and accuracy of the candidates",
      "<ul class=\"cand\">\(head)\(rows.joined(separator: "\n"))</ul>")
  }

  private static func cell(_ name: String, _ figure: Figure?, _ full: Double, _ colour: String) -> String {
    guard let figure else {
      return
        "<span class=\"m\"><span class=\"s\">\(name)</span><span></span><span class=\"x\">–</span></span>"
    }
    return "<span class=\"m\"><span class=\"s\">\(name)</span>\(HTMLCharts.bar(figure.value / full, colour))"
      + "<span class=\"x\">\(Escape.html(figure.text))</span></span>"
  }

  private static func largest(_ values: [Double?]) -> Double {
    max(values.compactMap { $0 }.max() ?? 1, 1e-9)
  }
}
