/// The level a robustness score falls in: low below 40, medium to 70, high above.
///
/// The thresholds are this program's own, stated so that the word can be checked: an undefended network scores near 0 at
/// the literature's budgets, adversarially trained ones on CIFAR-10 between 50 and 75 (RobustBench, Croce et al. 2021).
public enum RobustnessLevel: String, Sendable, Codable, CaseIterable {
  case low = "Low"
  case medium = "Medium"
  case high = "High"

  public init(score: Double) {
    self = score > 70 ? .high : score >= 40 ? .medium : .low
  }
}

/// A letter for tables: A from 85, B from 70, C from 55, D from 40, E from 20, else F.
public enum RobustnessGrade: String, Sendable, Codable, CaseIterable {
  case a = "A"
  case b = "B"
  case c = "C"
  case d = "D"
  case e = "E"
  case f = "F"

  public init(score: Double) {
    self =
      switch score {
      case 85...: .a
      case 70...: .b
      case 55...: .c
      case 40...: .d
      case 20...: .e
      default: .f
      }
  }
}
