/// ADV003: Small perturbations defeat the model. The share of correct predictions that survive an attack of
/// at most 8/255 (Linf) or 0.5 (L2) is below one half. Below one fifth it is high, otherwise medium.
enum ADV003: DeploymentAdvisory {
  static let description = RuleDescription(
    id: "ADV003", severity: .high, title: "Small perturbations defeat the model",
    detects: "The share of correct predictions that survive an attack of at most 8/255 (Linf) or 0.5 (L2) "
      + "is below one half. Below one fifth it is high, otherwise medium.",
    why: "Perturbations of this size cannot be seen; whoever controls inputs controls the answers.",
    example: "FGSM 8/255: 7% of 81%",
    mitigation: "Do not let the model decide alone where inputs can be hostile; train adversarially or add "
      + "checks, then measure again.",
    references: ["MITRE ATLAS AML.T0043", "arXiv 1412.6572", "arXiv 1706.06083"])

  static func advise(_ evidence: AdvisoryEvidence) -> [Finding] {
    guard let clean = evidence.cleanAccuracy, clean > 0 else { return [] }
    let small = evidence.attacks.filter {
      $0.norm.lowercased() == "l2" ? $0.epsilon <= 0.5 + 1e-9 : $0.epsilon <= 8.0 / 255 + 1e-9
    }
    guard let worst = small.min(by: { ($0.robustAccuracy, $0.epsilon) < ($1.robustAccuracy, $1.epsilon) }),
      worst.robustAccuracy / clean < 0.5
    else { return [] }
    let isHigh = worst.robustAccuracy / clean < 0.2
    return [
      finding(
        "accuracy \(DeploymentAdvisories.percent(clean)) without attack, \(DeploymentAdvisories.percent(worst.robustAccuracy)) under \(worst.name) (\(worst.norm)) at \(worst.epsilonText)"
          + (evidence.evaluationImages.map { ", \($0) images" } ?? ""),
        title:
          "\(isHigh ? "No adversarial robustness" : "Weak adversarial robustness"): \(DeploymentAdvisories.percent(worst.robustAccuracy)) left under \(worst.name) at \(worst.epsilonText)",
        severity: isHigh ? .high : .medium)
    ]
  }
}
