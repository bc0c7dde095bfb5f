/// A share of successes with its uncertainty.
public struct Proportion: Sendable, Hashable, Codable {
  public var successes: Int
  public var trials: Int

  public init(successes: Int, trials: Int) {
    self.successes = successes
    self.trials = trials
  }

  /// NaN without trials.
  public var value: Double { Double(successes) / Double(trials) }

  /// 95% score interval, which stays inside [0, 1] and is usable for few trials; [0, 1] without trials.
  public var interval: ClosedRange<Double> {
    guard trials > 0 else { return 0...1 }
    let bounds = Proportion.wilsonInterval(share: value, trials: trials)
    // At none and all successes the bound is exactly 0 or 1; rounding would leave 1e-17 beside it.
    return (successes == 0 ? 0 : bounds.lowerBound)...(successes == trials ? 1 : bounds.upperBound)
  }

  /// The interval of a share whose count of successes is not at hand.
  ///
  /// Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
  public static func wilsonInterval(share: Double, trials: Int) -> ClosedRange<Double> {
    let z = 1.959_963_984_540_054
    let n = Double(trials)
    let centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
    return max(0, centre - half)...min(1, centre + half)
  }
}
