/// ADV006: The optimized model is less accurate. Accuracy drops by at least one percentage point from the
/// original to the optimized model on the same images. Three points or more are high.
enum ADV006: DeploymentAdvisory {
  static let description = RuleDescription(
    id: "ADV006", severity: .medium, title: "The optimized model is less accurate",
    detects: "Accuracy drops by at least one percentage point from the original to the optimized model on "
      + "the same images. Three points or more are high.",
    why: "Errors of the optimized model are not the errors that were reviewed.",
    example: "88.4% to 86.9%",
    mitigation: "Keep the drop below the budget (--max-accuracy-drop), calibrate with more images, or deploy "
      + "the folded FP32 model.",
    references: ["CWE-1357"])

  static func advise(_ evidence: AdvisoryEvidence) -> [Finding] {
    guard let clean = evidence.originalAccuracy, let optimized = evidence.optimizedAccuracy,
      clean - optimized >= 0.01 - 1e-9
    else { return [] }
    return [
      finding(
        "accuracy \(DeploymentAdvisories.percent(clean)) before, \(DeploymentAdvisories.percent(optimized)) after optimization"
          + (evidence.optimizationImages.map { ", \($0) images" } ?? ""),
        title: "Optimized model loses \(DeploymentAdvisories.points(clean - optimized)) points of accuracy",
        severity: clean - optimized >= 0.03 ? .high : .medium)
    ]
  }
}
