/// `badge.svg`: the verdict and the two figures people ask for first, for a README. No font, image or script is loaded;
/// the widths are fixed, so that every viewer shows the same picture.
public enum BadgeRenderer {
  public static func render(_ report: Report) -> String {
    let report = report.narrated()
    let message = message(report)
    let label = "neural-scope"
    // Verdana at 11 px is 6.6 px a character on the average; `textLength` makes any font fit.
    let left = width(label)
    let right = width(message)
    let title = Escape.html("\(report.model.architecture ?? report.model.name): \(message)")
    let centre = left + right / 2
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(left + right)" height="20" role="img" aria-labelledby="ns-title">
      <title id="ns-title">\(title)</title>
      <rect width="\(left + right)" height="20" rx="3" fill="#3d444f"/>
      <path d="M\(left) 0h\(right - 3)a3 3 0 0 1 3 3v14a3 3 0 0 1 -3 3h-\(right - 3)z" fill="\(colour(report))"/>
      <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
      <text x="\(left / 2)" y="14" textLength="\(left - 12)">\(label)</text>
      <text x="\(centre)" y="14" textLength="\(right - 12)">\(Escape.html(message))</text>
      </g>
      </svg>

      """
  }

  private static func width(_ text: String) -> Int { (text.count * 66 + 9) / 10 + 12 }

  /// White on these has a contrast of at least 4.5 : 1.
  private static func colour(_ report: Report) -> String {
    switch report.conclusion?.decision {
    case .ship, .shipOptimized: "#12703f"
    case .doNotShipYet: report.security?.verdict == .unsafe ? "#b3261e" : "#8a5700"
    case nil: "#5a6370"
    }
  }

  /// `ship optimized · 5.10 MB · 8.14 ms`.
  static func message(_ report: Report) -> String {
    let optimization = report.conclusion?.decision == .shipOptimized ? report.optimization : nil
    let decision =
      switch report.conclusion?.decision {
      case .ship: "ship"
      case .shipOptimized: "ship optimized"
      case .doNotShipYet: report.security?.verdict == .unsafe ? "unsafe" : "do not ship yet"
      case nil: "no verdict"
      }
    let bytes = optimization?.optimizedBytes ?? .bytes(report.model.bytes)
    let time = optimization?.optimizedP50Milliseconds ?? report.analysis?.latency?.p50Milliseconds
    return [decision, bytes.text, time?.text].compactMap { $0 }.joined(separator: " · ")
  }
}
