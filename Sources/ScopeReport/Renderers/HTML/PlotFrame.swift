#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The axes that the plots of the report share.
enum PlotFrame {
  /// Values at which a linear axis from zero is marked: 1, 2 or 5 times a power of ten apart, at most six.
  static func steps(upTo largest: Double) -> [Double] {
    guard largest > 0, largest.isFinite else { return [0] }
    var step = 1.0
    while step * 5 < largest { step *= 10 }
    while step * 5 > largest * 10 { step /= 10 }
    for factor in [0.2, 0.5, 1] where largest / (step * factor) <= 5 {
      step *= factor
      break
    }
    return stride(from: 0, through: largest * 1.0001, by: step).map { $0 }
  }

  static func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String, _ more: String = ""
  ) -> String {
    let n = HTMLCharts.number
    return
      "<line x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\" stroke=\"\(colour)\"\(more)/>"
  }

  static func text(
    _ x: Double, _ y: Double, _ text: String, anchor: String = "middle", kind: String? = nil
  ) -> String {
    let n = HTMLCharts.number
    let type = kind.map { " class=\"\($0)\"" } ?? ""
    return "<text x=\"\(n(x))\" y=\"\(n(y))\" text-anchor=\"\(anchor)\"\(type)>\(Escape.html(text))</text>"
  }

  static func svg(_ width: Double, _ height: Double, label: String, kind: String = "", _ content: String)
    -> String
  {
    let n = HTMLCharts.number
    return
      "<svg viewBox=\"0 0 \(n(width)) \(n(height))\" role=\"img\" aria-label=\"\(Escape.html(label))\"\(kind.isEmpty ? "" : " class=\"\(kind)\"")>\(content)</svg>"
  }

  /// Cut to the columns that fit `room` pixels of 13 pixel text.
  static func fitted(_ text: String, _ room: Double, perLetter: Double = 7.2) -> String {
    TerminalText.cutMiddle(Escape.visible(text), max(0, Int(room / perLetter)))
  }
}

/// Logarithms and angles for the axes; values that have none are treated as one.
enum PlotMath {
  static func log10(_ value: Double) -> Double {
    #if canImport(Glibc)
      value > 0 && value.isFinite ? Glibc.log10(value) : 0
    #else
      value > 0 && value.isFinite ? Musl.log10(value) : 0
    #endif
  }

  static func power10(_ exponent: Double) -> Double {
    #if canImport(Glibc)
      Glibc.pow(10, exponent)
    #else
      Musl.pow(10, exponent)
    #endif
  }

  /// The decade below and above.
  static func floorLog(_ value: Double) -> Double { log10(value).rounded(.down) }
  static func ceilLog(_ value: Double) -> Double { log10(value).rounded(.up) }

  /// Angle of a slope in degrees.
  static func degrees(_ dy: Double, _ dx: Double) -> Double {
    #if canImport(Glibc)
      Glibc.atan2(dy, dx) * 180 / .pi
    #else
      Musl.atan2(dy, dx) * 180 / .pi
    #endif
  }
}
