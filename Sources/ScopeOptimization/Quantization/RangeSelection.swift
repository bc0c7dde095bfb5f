#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Chooses the range of an activation from its statistics.
package enum RangeSelection {
  /// - Returns: a range that holds zero; empty for constant zero.
  package static func range(_ statistics: ActivationStatistics, _ method: RangeMethod) -> (
    minimum: Float, maximum: Float
  ) {
    guard statistics.count > 0, statistics.limit > 0, !statistics.hasInvalidValues else { return (0, 0) }
    let extremes = (minimum: min(statistics.minimum, 0), maximum: max(statistics.maximum, 0))
    switch method {
    case .minMax: return extremes
    case .percentile: return percentileRange(statistics, extremes, 0.9999)
    case .percentile999: return percentileRange(statistics, extremes, 0.999)
    case .percentile99999: return percentileRange(statistics, extremes, 0.99999)
    case .entropy: return entropyRange(statistics, extremes)
    case .leastSquares: return leastSquaresRange(statistics, extremes)
    }
  }

  /// The smallest range that leaves at most half of `1 - share` on each side (all of it on one side when the other has
  /// no values).
  private static func percentileRange(
    _ statistics: ActivationStatistics, _ extremes: (minimum: Float, maximum: Float), _ share: Double
  ) -> (minimum: Float, maximum: Float) {
    let total = statistics.positive.reduce(0, +) + statistics.negative.reduce(0, +)
    let sides = extremes.minimum < 0 && extremes.maximum > 0 ? 2.0 : 1.0
    let allowed = Double(total) * (1 - share) / sides
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

  // MARK: Entropy

  /// The magnitude at which clipping and 8-bit codes together keep most of the distribution's information, cut to the
  /// extremes on either side. One-sided values have 256 codes, others 128 for the magnitudes.
  private static func entropyRange(
    _ statistics: ActivationStatistics, _ extremes: (minimum: Float, maximum: Float)
  ) -> (minimum: Float, maximum: Float) {
    var bins = zip(statistics.positive, statistics.negative).map { $0 + $1 }
    // Exact zeros have a code of their own and lose nothing; their peak would drown the rest.
    bins[0] = max(bins[0] - statistics.zeros, 0)
    let isOneSided = extremes.minimum == 0 || extremes.maximum == 0
    let levels = isOneSided ? 256 : 128
    // A handful of numbers in 2048 bins says nothing about a distribution.
    guard bins.reduce(0, +) >= 16 * levels else { return extremes }
    let kept = entropyBins(bins, levels: levels)
    let bound = Float(kept) * (statistics.limit / Float(ActivationStatistics.bins))
    return (max(extremes.minimum, -bound), min(extremes.maximum, bound))
  }

  /// How many of the first bins to keep so that the Kullback-Leibler divergence from the clipped distribution P to its
  /// coarse form Q is least (S. Migacz, 8-bit inference with TensorRT, GTC 2017).
  ///
  /// For every candidate i, P is the first i bins with everything beyond added to the last of them; Q merges the first i
  /// bins into `levels` groups [j i / levels, (j + 1) i / levels) and spreads each group's count evenly over those of its
  /// bins that are not empty. A candidate whose last bin is empty although values lie beyond it has infinite divergence.
  /// Ties go to the smaller i. Group sums come from prefix sums, so a candidate costs `levels` logarithms.
  package static func entropyBins(_ bins: [Int], levels: Int) -> Int {
    guard levels > 0, bins.count > levels, let last = bins.lastIndex(where: { $0 > 0 }) else {
      return bins.count
    }
    let end = last + 1
    guard end > levels else { return end }
    var counts = [Double](repeating: 0, count: end + 1)
    var filled = [Double](repeating: 0, count: end + 1)
    // Sum of p ln p over whole bins.
    var entropy = [Double](repeating: 0, count: end + 1)
    for bin in 0..<end {
      let count = Double(bins[bin])
      counts[bin + 1] = counts[bin] + count
      filled[bin + 1] = filled[bin] + (count > 0 ? 1 : 0)
      entropy[bin + 1] = entropy[bin] + (count > 0 ? count * log(count) : 0)
    }
    let total = counts[end]
    var best = (divergence: Double.infinity, bins: end)
    for kept in levels...end {
      let own = Double(bins[kept - 1])
      let beyond = total - counts[kept]
      if own == 0, beyond > 0 { continue }
      // sum P ln P with the outliers in the last bin, over counts; dividing by `total` cancels against Q's own sum.
      var sum = entropy[kept]
      if beyond > 0 { sum += (own + beyond) * log(own + beyond) - own * log(own) }
      for level in 0..<levels {
        let from = level * kept / levels
        let to = (level + 1) * kept / levels
        var share = counts[to] - counts[from]
        guard share > 0 else { continue }
        let each = share / (filled[to] - filled[from])
        if to == kept { share += beyond }
        sum -= share * log(each)
      }
      // KL = sum P/T ln((P/T) / (Q/S)) with T the total and S the count inside.
      let divergence = sum / total + log(counts[kept] / total)
      if divergence < best.divergence - 1e-12 { best = (divergence, kept) }
    }
    return best.bins
  }

  // MARK: Least squares

  /// Searches clipping points on a grid for the least rounding plus clipping error over the histogram. Exact zeros have
  /// a code of their own and count no rounding error.
  private static func leastSquaresRange(
    _ statistics: ActivationStatistics, _ extremes: (minimum: Float, maximum: Float)
  ) -> (minimum: Float, maximum: Float) {
    let width = Double(statistics.limit) / Double(ActivationStatistics.bins)
    let positive = ClippingError(statistics.positive, width: width)
    let negative = ClippingError(statistics.negative, width: width)
    let rounded = max(positive.total + negative.total - Double(statistics.zeros), 0)
    var best = (error: Double.infinity, minimum: extremes.minimum, maximum: extremes.maximum)
    let lows = extremes.minimum < 0 ? fractions.map { Double(-extremes.minimum) * $0 } : [0]
    let highs = extremes.maximum > 0 ? fractions.map { Double(extremes.maximum) * $0 } : [0]
    let highErrors = highs.map { positive.beyond($0) }
    for low in lows {
      let lowError = negative.beyond(low)
      for (index, high) in highs.enumerated() {
        let step = (low + high) / 255
        let error = lowError + highErrors[index] + rounded * step * step / 12
        if error < best.error { best = (error, Float(-low), Float(high)) }
      }
    }
    return (best.minimum, best.maximum)
  }

  /// Clipping points tried, as shares of the extremes: geometric, so that a far outlier can be cut off.
  package static let fractions: [Double] = {
    var result: [Double] = []
    var share = 1.0
    while share > 0.01 {
      result.append(share)
      share *= share > 0.5 ? 0.98 : 0.93
    }
    return result
  }()
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
