/// Chooses the range of an activation from its statistics.
enum RangeSelection {
  /// Share of values inside the range of ``RangeMethod/percentile``.
  static let percentile = 0.9999

  static func range(_ statistics: ActivationStatistics, _ method: RangeMethod) -> (minimum: Float, maximum: Float) {
    guard statistics.count > 0, statistics.limit > 0 else { return (0, 0) }
    let extremes = (minimum: min(statistics.minimum, 0), maximum: max(statistics.maximum, 0))
    switch method {
    case .minMax: return extremes
    case .percentile: return percentileRange(statistics, extremes)
    case .leastSquares: return leastSquaresRange(statistics, extremes)
    }
  }

  /// The smallest range that leaves at most half of `1 - percentile` on each side (all of it on one side when the
  /// other has no values).
  private static func percentileRange(
    _ statistics: ActivationStatistics, _ extremes: (minimum: Float, maximum: Float)
  ) -> (minimum: Float, maximum: Float) {
    let total = statistics.positive.reduce(0, +) + statistics.negative.reduce(0, +)
    let sides = extremes.minimum < 0 && extremes.maximum > 0 ? 2.0 : 1.0
    let allowed = Double(total) * (1 - percentile) / sides
    let width = statistics.limit / Float(ActivationStatistics.bins)
    func bound(_ bins: [Int], _ extreme: Float) -> Float {
      var outside = 0
      for bin in bins.indices.reversed() {
        outside += bins[bin]
        if Double(outside) > allowed { return min(Float(bin + 1) * width, extreme) }
      }
      return 0
    }
    return (-bound(statistics.negative, -extremes.minimum), bound(statistics.positive, extremes.maximum))
  }

  /// Searches clipping points on a grid for the least rounding plus clipping error over the histogram.
  private static func leastSquaresRange(
    _ statistics: ActivationStatistics, _ extremes: (minimum: Float, maximum: Float)
  ) -> (minimum: Float, maximum: Float) {
    let width = Double(statistics.limit) / Double(ActivationStatistics.bins)
    let positive = ClippingError(statistics.positive, width: width)
    let negative = ClippingError(statistics.negative, width: width)
    let total = positive.total + negative.total
    let steps = 48
    let fractions = (steps / 4...steps).map { Double($0) / Double(steps) }
    var best = (error: Double.infinity, minimum: extremes.minimum, maximum: extremes.maximum)
    let lows = extremes.minimum < 0 ? fractions.map { Double(-extremes.minimum) * $0 } : [0]
    let highs = extremes.maximum > 0 ? fractions.map { Double(extremes.maximum) * $0 } : [0]
    for low in lows {
      let lowError = negative.beyond(low)
      for high in highs {
        let step = (low + high) / 255
        let error = lowError + positive.beyond(high) + total * step * step / 12
        if error < best.error { best = (error, Float(-low), Float(high)) }
      }
    }
    return (best.minimum, best.maximum)
  }
}

/// Sums over one side of a histogram that give the squared error of clipping at any point in constant time.
private struct ClippingError {
  let width: Double
  var total = 0.0
  /// Per bin, the count and the first two moments of everything from that bin on.
  private var counts: [Double]
  private var first: [Double]
  private var second: [Double]

  init(_ bins: [Int], width: Double) {
    self.width = width
    counts = [Double](repeating: 0, count: bins.count + 1)
    first = counts
    second = counts
    for bin in bins.indices.reversed() {
      let center = (Double(bin) + 0.5) * width
      let count = Double(bins[bin])
      counts[bin] = counts[bin + 1] + count
      first[bin] = first[bin + 1] + count * center
      second[bin] = second[bin + 1] + count * center * center
    }
    total = counts[0]
  }

  /// Sum of (x - point)^2 over the values above `point`.
  func beyond(_ point: Double) -> Double {
    let bin = min(Int(point / width) + (point > 0 ? 1 : 0), counts.count - 1)
    return max(0, second[bin] - 2 * point * first[bin] + point * point * counts[bin])
  }
}
