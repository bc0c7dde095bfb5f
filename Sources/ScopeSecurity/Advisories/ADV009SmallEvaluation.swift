import ScopeStatistics

/// ADV009: Few images stand behind the figures. The accuracies were measured on fewer than 200 images, so
/// their 95% interval is wider than seven points.
enum ADV009: DeploymentAdvisory {
  static let description = RuleDescription(
    id: "ADV009", severity: .low, title: "Few images stand behind the figures",
    detects: "The accuracies were measured on fewer than 200 images, so their 95% interval is wider than "
      + "seven points.",
    why: "Robustness and accuracy of so few images do not carry a decision to deploy.",
    example: "20 images",
    mitigation: "Evaluate on at least 1,000 images from production.",
    references: ["Wilson 1927 (binomial interval)"])

  static func advise(_ evidence: AdvisoryEvidence) -> [Finding] {
    guard let images = evidence.evaluationImages, images > 0, images < 200,
      let accuracy = evidence.cleanAccuracy,
      (0...1).contains(accuracy)
    else { return [] }
    let interval = Proportion.wilsonInterval(share: accuracy, trials: images)
    return [
      finding(
        "\(images) images: accuracy \(DeploymentAdvisories.percent(accuracy)), 95% interval \(DeploymentAdvisories.percent(interval.lowerBound)) to \(DeploymentAdvisories.percent(interval.upperBound))",
        title: "Figures rest on \(images) images")
    ]
  }
}
