/// ADV001: The optimized model is less robust than the original. Under the same attack and strength, measured
/// in this run on the same images, the optimized model loses at least one percentage point more of its
/// accuracy than the original does of its own: low from one point, medium from three, high from ten.
enum ADV001: DeploymentAdvisory {
  static let description = RuleDescription(
    id: "ADV001", severity: .medium, title: "The optimized model is less robust than the original",
    detects: "Under the same attack and strength, measured in this run on the same images, the optimized "
      + "model loses at least one percentage point more of its accuracy than the original does of its "
      + "own: low from one point, medium from three, high from ten.",
    why: "Quantization moves decision boundaries: a model that was tested before optimization is not "
      + "the one that is deployed.",
    example: "original 20.9% under FGSM 1/255, INT8 17.8%",
    mitigation: "Measure robustness on the optimized model, prefer a candidate with higher robust accuracy, "
      + "or quantize with training.",
    references: ["MITRE ATLAS AML.T0043", "arXiv 1904.08444"])

  static func advise(_ evidence: AdvisoryEvidence) -> [Finding] {
    guard let clean = evidence.cleanAccuracy else { return [] }
    let optimizedClean = evidence.optimizedCleanAccuracy ?? clean
    var worst: (loss: Double, attack: AdvisoryEvidence.Attack, original: Double, optimized: Double)?
    for attack in evidence.attacks {
      guard let optimized = attack.optimizedRobustAccuracy else { continue }
      let original = attack.comparedRobustAccuracy ?? attack.robustAccuracy
      let loss = (optimizedClean - optimized) - (clean - original)
      if loss >= 0.01 - 1e-9, loss > (worst?.loss ?? 0) { worst = (loss, attack, original, optimized) }
    }
    guard let worst else { return [] }
    let kind = evidence.isQuantized == false ? "Optimized" : "Quantized"
    return [
      finding(
        "robust accuracy under \(worst.attack.name) (\(worst.attack.norm)) at \(worst.attack.epsilonText): original \(DeploymentAdvisories.percent(worst.original)) of \(DeploymentAdvisories.percent(clean)), \(kind.lowercased()) \(DeploymentAdvisories.percent(worst.optimized)) of \(DeploymentAdvisories.percent(optimizedClean))",
        title:
          "\(kind) model loses \(DeploymentAdvisories.points(worst.loss)) points more under \(worst.attack.name) at \(worst.attack.epsilonText) than the original (measured here)",
        severity: worst.loss >= 0.1 ? .high : worst.loss >= 0.03 ? .medium : .low)
    ]
  }
}
