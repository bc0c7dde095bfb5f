/// ADV002: A well-studied architecture. The architecture family was recognised and was introduced at least
/// five years before this run.
enum ADV002: DeploymentAdvisory {
  static let description = RuleDescription(
    id: "ADV002", severity: .low, title: "A well-studied architecture",
    detects: "The architecture family was recognised and was introduced at least five years before this "
      + "run.",
    why: "Attacks, surrogates and pre-trained copies of old families are public, so adversarial "
      + "examples transfer and no reconnaissance is needed.",
    example: "ResNet, 2015",
    mitigation: "Do not rely on the architecture being unknown; measure robustness and limit queries.",
    references: ["MITRE ATLAS AML.T0005", "arXiv 1605.07277"])

  static func advise(_ evidence: AdvisoryEvidence) -> [Finding] {
    guard let architecture = evidence.architecture, let year = evidence.currentYear,
      year - architecture.year >= 5
    else { return [] }
    return [
      finding(
        "\(architecture.family), introduced in \(architecture.year) (\(architecture.source)), \(year - architecture.year) years before this run",
        title:
          "Architecture family introduced in \(architecture.year) (\(architecture.source)): attacks on it are well studied"
      )
    ]
  }
}
