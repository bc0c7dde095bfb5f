/// Recommendations for operation; each quotes the evidence that supports it or is absent.
enum Recommendations {
  private static func percent(_ fraction: Double) -> String { DeploymentAdvisories.percent(fraction) }

  /// The attack that lowers accuracy most; the weakest strength among equals.
  private static func worst(_ evidence: AdvisoryEvidence) -> AdvisoryEvidence.Attack? {
    evidence.attacks.min { ($0.robustAccuracy, $0.epsilon) < ($1.robustAccuracy, $1.epsilon) }
  }

  static func inputValidation(_ evidence: AdvisoryEvidence) -> SecurityRecommendation? {
    var facts: [String] = []
    if let shape = evidence.inputShape {
      facts.append(
        "the model declares the input \(shape)" + (evidence.inputRange.map { " with values in \($0)" } ?? ""))
    }
    if let clean = evidence.cleanAccuracy, let attack = worst(evidence), attack.robustAccuracy < clean - 0.05
    {
      facts.append(
        "accuracy falls from \(percent(clean)) to \(percent(attack.robustAccuracy)) under \(attack.name) (\(attack.norm)) at \(attack.epsilonText)"
      )
    }
    guard !facts.isEmpty else { return nil }
    return SecurityRecommendation(
      title: "Input validation",
      action:
        "Decode and resize inputs on the server, reject other shapes, ranges and file types before they reach the model, and limit how often one client may query.",
      evidence: facts.joined(separator: "; "))
  }

  static func encryption(_ evidence: AdvisoryEvidence) -> SecurityRecommendation? {
    guard let format = evidence.fileFormat, let bytes = evidence.fileBytes else { return nil }
    return SecurityRecommendation(
      title: "Encryption for sensitive deployments",
      action:
        "Where the weights are confidential or the device is not yours, encrypt the file at rest and hand it to the runtime from memory.",
      evidence:
        "the \(format) file holds its \(DeploymentAdvisories.decimal(Double(bytes) / 1_048_576, places: 2)) MiB unencrypted"
        + (evidence.parameters.map { ", \($0) parameters readable by anyone with the file" } ?? ""))
  }

  static func retraining(_ evidence: AdvisoryEvidence) -> SecurityRecommendation? {
    guard let clean = evidence.cleanAccuracy, let images = evidence.evaluationImages else { return nil }
    return SecurityRecommendation(
      title: "Retraining against drift",
      action:
        "Measure again on freshly labelled production data at fixed intervals, and retrain when accuracy leaves the interval measured here.",
      evidence: "accuracy \(percent(clean)) on \(images) images"
        + (evidence.datasetHash.map { " (data SHA-256 \($0.prefix(12)))" } ?? "") + " is the baseline")
  }

  static func monitoring(_ evidence: AdvisoryEvidence) -> SecurityRecommendation? {
    var facts: [String] = []
    if let wrong = evidence.meanConfidenceWhenWrong {
      facts.append("wrong predictions have a mean confidence of \(percent(wrong))")
    }
    if let agreement = evidence.agreement, agreement < 1 {
      facts.append(
        "the optimized model disagrees with the original on \(percent(1 - agreement)) of the images")
    }
    if let clean = evidence.cleanAccuracy, let attack = worst(evidence), clean > 0,
      attack.robustAccuracy / clean < 0.8
    {
      facts.append(
        "\(attack.name) at \(attack.epsilonText) changes \(percent(1 - attack.robustAccuracy / clean)) of the correct predictions"
      )
    }
    guard !facts.isEmpty else { return nil }
    return SecurityRecommendation(
      title: "Monitoring for unusual behaviour",
      action:
        "Log confidence and class frequencies, and alert when their distribution leaves that of the evaluation data or when near-identical inputs get different answers.",
      evidence: facts.joined(separator: "; "))
  }

  static func adversarialTraining(_ evidence: AdvisoryEvidence) -> SecurityRecommendation? {
    guard let clean = evidence.cleanAccuracy, clean > 0, let attack = worst(evidence),
      attack.robustAccuracy / clean < 0.5
    else { return nil }
    return SecurityRecommendation(
      title: "Adversarial training where inputs are hostile",
      action:
        "If somebody gains from misleading the model, train with PGD examples at the strength to be resisted (Madry et al., arXiv 1706.06083) and measure again.",
      evidence:
        "\(attack.name) (\(attack.norm)) at \(attack.epsilonText) leaves \(percent(attack.robustAccuracy)) of \(percent(clean))"
    )
  }
}
