/// ADV007: Original and optimized model disagree. The two models predict different classes on at least 2% of
/// the images, whatever the accuracy. Ten percent or more are medium.
enum ADV007: DeploymentAdvisory {
  static let description = RuleDescription(
    id: "ADV007", severity: .low, title: "Original and optimized model disagree",
    detects: "The two models predict different classes on at least 2% of the images, whatever the "
      + "accuracy. Ten percent or more are medium.",
    why: "Equal accuracy can hide that other inputs are now wrong: reviews, thresholds and audits of "
      + "the original do not carry over.",
    example: "agreement 94%",
    mitigation: "Review the images on which they differ before replacing the original.",
    references: ["arXiv 1911.05248"])

  static func advise(_ evidence: AdvisoryEvidence) -> [Finding] {
    guard let agreement = evidence.agreement, agreement <= 0.98 + 1e-9 else { return [] }
    return [
      finding(
        "agreement \(DeploymentAdvisories.percent(agreement))"
          + (evidence.optimizationImages.map { " on \($0) images" } ?? ""),
        title:
          "Optimized model answers differently on \(DeploymentAdvisories.percent(1 - agreement)) of the images",
        severity: agreement <= 0.9 ? .medium : .low)
    ]
  }
}
