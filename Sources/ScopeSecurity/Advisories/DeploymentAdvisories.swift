/// A statement about deploying a model that follows from evidence, or nothing.
protocol DeploymentAdvisory: SecurityRule {
  /// - Returns: nil when the evidence does not support the advisory.
  static func advise(_ evidence: AdvisoryEvidence) -> [Finding]
}

/// Deployment advisories: pure functions of the evidence. They do not change the verdict on
/// a file.
public enum DeploymentAdvisories {
  static let all: [any DeploymentAdvisory.Type] = [
    ADV001.self, ADV002.self, ADV003.self, ADV004.self, ADV005.self, ADV006.self, ADV007.self, ADV008.self,
    ADV009.self, ADV010.self,
  ]

  static var descriptions: [RuleDescription] { all.map { $0.description } }

  /// The advisories that the evidence supports, worst first.
  public static func findings(_ evidence: AdvisoryEvidence) -> [Finding] {
    all.flatMap { $0.advise(evidence) }.sortedForReading()
  }

  /// `81.4%`; NaN and infinities are written as such.
  static func percent(_ fraction: Double) -> String { "\(decimal(fraction * 100, places: 1))%" }

  /// `3.1`: percentage points.
  static func points(_ fraction: Double) -> String { decimal(fraction * 100, places: 1) }

  static func decimal(_ value: Double, places: Int) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let rounded = (abs(value) * scale).rounded()
    let whole = Int(rounded / scale)
    let fraction = Int(rounded) - whole * Int(scale)
    let digits = "\(fraction)"
    let sign = value < 0 && rounded > 0 ? "-" : ""
    return places == 0
      ? "\(sign)\(whole)" : "\(sign)\(whole)." + String(repeating: "0", count: places - digits.count) + digits
  }
}
