import Glibc
import ScopeBytes
import ScopeStatistics

/// A change of one image whose effect on predictions is measured.
public enum ImageChange: Sendable, Hashable {
  case corruption(Corruption, severity: Int)
  /// By whole pixels; what comes in repeats the edge.
  case shift(right: Int, down: Int)
  case flip
  /// Degrees, about the centre, the edge repeated.
  case rotation(Double)
  /// Stored as JPEG in this quality.
  case jpeg(quality: Int)
  /// Every value by this much.
  case brightness(Double)

  /// Changes that nobody would notice or mind; what a stable model does not react to.
  public static let harmless: [ImageChange] = [
    .shift(right: 1, down: 0), .shift(right: -1, down: 0), .shift(right: 0, down: 1),
    .shift(right: 0, down: -1),
    .shift(right: 2, down: 2), .shift(right: -4, down: 4), .flip, .rotation(3), .rotation(-3),
    .brightness(0.05), .brightness(-0.05), .jpeg(quality: 95), .jpeg(quality: 75), .jpeg(quality: 50),
  ]

  /// Name for tables.
  public var title: String {
    switch self {
    case .corruption(let corruption, let severity): return "\(corruption.title) \(severity)"
    case .shift(let right, let down):
      let parts = [
        right == 0 ? nil : "\(right.magnitude) \(right > 0 ? "right" : "left")",
        down == 0 ? nil : "\(down.magnitude) \(down > 0 ? "down" : "up")",
      ]
      return "Shift \(parts.compactMap { $0 }.joined(separator: ", "))"
    case .flip: return "Mirrored"
    case .rotation(let degrees): return "Turned by \(Int(degrees))°"
    case .jpeg(let quality): return "JPEG quality \(quality)"
    case .brightness(let amount):
      return "\(amount > 0 ? "Brighter" : "Darker") by \(Int((amount.magnitude * 100).rounded()))%"
    }
  }

  /// - Throws: what the JPEG encoder says.
  package func apply(_ image: Picture, _ generator: inout SplitMix64) throws(ScopeError) -> Picture {
    switch self {
    case .corruption(let corruption, let severity):
      return try corruption.apply(image, severity: severity, &generator)
    case .jpeg(let quality): return try Distortion.jpeg(image, quality: quality)
    case .shift(let right, let down):
      return Self.mapped(image) { row, column in (row - Double(down), column - Double(right)) }
    case .flip: return Self.mapped(image) { row, column in (row, Double(image.width - 1) - column) }
    case .rotation(let degrees): return Self.turned(image, degrees)
    case .brightness(let amount):
      var result = image
      for index in result.values.indices { result.values[index] += Float(amount) }
      return result.clipped()
    }
  }

  private static func mapped(
    _ image: Picture, _ source: (_ row: Double, _ column: Double) -> (Double, Double)
  ) -> Picture {
    var result = image
    for y in 0..<image.height {
      for x in 0..<image.width {
        let (row, column) = source(Double(y), Double(x))
        for channel in 0..<image.channels {
          result[channel, y, x] = Blur.sample(image, channel, row, column, .nearest)
        }
      }
    }
    return result
  }

  private static func turned(_ image: Picture, _ degrees: Double) -> Picture {
    let angle = degrees * .pi / 180
    let (sine, cosine) = (sin(angle), cos(angle))
    let (middleY, middleX) = (Double(image.height - 1) / 2, Double(image.width - 1) / 2)
    return mapped(image) { row, column in
      let (dy, dx) = (row - middleY, column - middleX)
      return (middleY + cosine * dy - sine * dx, middleX + sine * dy + cosine * dx)
    }
  }
}
