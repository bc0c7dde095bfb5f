/// An interval for a fraction counted on a sample.
public struct ProportionInterval: Sendable, Hashable, Codable {
  public var lower: Double
  public var upper: Double

  /// Wilson's score interval at 95% (Wilson 1927), which stays inside [0, 1] and holds for small counts.
  public static func wilson(successes: Int, of count: Int) -> ProportionInterval {
    guard count > 0 else { return ProportionInterval(lower: 0, upper: 1) }
    let z = 1.959_963_984_540_054
    let n = Double(count)
    let p = Double(successes) / n
    let denominator = 1 + z * z / n
    let centre = (p + z * z / (2 * n)) / denominator
    let half = z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot() / denominator
    return ProportionInterval(
      lower: successes == 0 ? 0 : max(0, centre - half), upper: successes == count ? 1 : min(1, centre + half)
    )
  }
}

/// The level a robustness score falls in.
///
/// The thresholds are this program's own, stated so that the word can be checked: an undefended network scores near 0 at
/// the headline budget, the best defended ImageNet networks of RobustBench about 75 (59% robust of 79% clean).
public enum RobustnessLevel: String, Sendable, Codable, CaseIterable {
  case veryLow = "Very Low"
  case low = "Low"
  case moderate = "Moderate"
  case high = "High"
  case veryHigh = "Very High"

  /// Upper bound of the score (exclusive): below 10, 30, 60, 85, and the rest.
  public init(score: Double) {
    self =
      switch score {
      case ..<10: .veryLow
      case ..<30: .low
      case ..<60: .moderate
      case ..<85: .high
      default: .veryHigh
      }
  }
}
