/// The level a robustness score falls in.
///
/// The thresholds are this program's own, stated so that the word can be checked: an undefended network scores near 0 at
/// the headline budget, and adversarially trained ones lie well above it.
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
