extension [Double] {
  /// Linear interpolation between order statistics (type 7, NumPy's default); NaN when empty.
  public func quantile(_ fraction: Double) -> Double {
    guard !isEmpty else { return .nan }
    let ordered = sorted()
    let position = fraction * Double(count - 1)
    let low = Int(position.rounded(.down))
    let high = Swift.min(low + 1, count - 1)
    return ordered[low] + (position - Double(low)) * (ordered[high] - ordered[low])
  }

  /// Distribution-free 95% confidence interval of the median: order statistics at n/2 -+ 1.96 sqrt(n)/2.
  ///
  /// Source: Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2.
  public var medianInterval: ClosedRange<Double> {
    guard !isEmpty else { return 0...0 }
    let ordered = sorted()
    let n = Double(count)
    let half = 1.96 * n.squareRoot() / 2
    let low = Swift.max(0, Int((n / 2 - half).rounded(.down)))
    let high = Swift.min(count - 1, Int((n / 2 + half).rounded(.up)))
    return ordered[low]...ordered[high]
  }

  /// Distribution-free 95% confidence interval of a quantile: order statistics at n f -+ 1.96 sqrt(n f (1 - f)).
  ///
  /// Source: as of ``medianInterval``.
  ///
  /// - Returns: nil when there are too few values for a bound on either side.
  public func quantileInterval(_ fraction: Double) -> ClosedRange<Double>? {
    guard fraction > 0, fraction < 1, !isEmpty else { return nil }
    let n = Double(count)
    let half = 1.96 * (n * fraction * (1 - fraction)).squareRoot()
    let low = Int((n * fraction - half).rounded(.down))
    let high = Int((n * fraction + half).rounded(.up))
    guard low >= 0, high < count else { return nil }
    let ordered = sorted()
    return ordered[low]...ordered[high]
  }
}
