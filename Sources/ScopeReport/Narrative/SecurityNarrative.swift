/// Recommendations of section 3; each is present only when something in this run supports it.
enum SecurityNarrative {
  static func recommendations(_ report: Report) -> [Report.Assessment] {
    [
      format(report), inputValidation(report), adversarialTraining(report), encryption(report), drift(report),
      monitoring(report),
    ]
    .compactMap { $0 }
  }

  static func verdict(_ security: Report.Security) -> String {
    let seen = security.findings.filter { $0.kind == .file }
    let scope = security.rulesApplied.map { " under \(Format.plural($0, "rule"))" } ?? ""
    switch security.verdict {
    case .safe:
      return seen.isEmpty
        ? "Nothing dangerous was found in the file\(scope); the scan executes nothing."
        : "The file holds nothing that would stop its use\(scope); \(Format.plural(seen.count, "minor finding")) below."
    case .unsafe:
      let top = seen.max { $0.severity < $1.severity }
      return "Do not load this file"
        + (top.map { ": \($0.title) (\($0.rule), \($0.severity.rawValue))." } ?? ".")
    case .incomplete: return "Part of the file could not be examined, so nothing can be said about that part."
    }
  }

  /// `2 high, 1 low`, or `none`.
  static func counts(_ findings: [Report.Finding]) -> String {
    let parts = Report.Severity.allCases.compactMap { severity -> String? in
      let count = findings.filter { $0.severity == severity }.count
      return count > 0 ? "\(count) \(severity.rawValue)" : nil
    }
    return parts.isEmpty ? "none" : parts.joined(separator: ", ")
  }

  private static func format(_ report: Report) -> Report.Assessment? {
    let format = report.model.format.lowercased()
    guard format.contains("pickle") || format.contains("torch"),
      // The scanner's own advisory on the format says the same.
      report.security?.findings.contains(where: { $0.rule == "ADV004" }) != true
    else { return nil }
    return Report.Assessment(
      title: "Ship a format that cannot run code",
      text:
        "The model comes as \(report.model.format), a format in which loading can execute code. Deploy the ONNX file "
        + "written by optimize (or safetensors) and verify its SHA-256 before loading.",
      basis: ["model.format"])
  }

  private static func inputValidation(_ report: Report) -> Report.Assessment? {
    guard let robustness = report.robustness,
      let (attack, lost) = RobustnessNarrative.worstInvisible(robustness),
      lost >= Thresholds.noticeableLoss
    else { return nil }
    return Report.Assessment(
      title: "Input validation",
      text:
        "\(attack.name) at \(attack.epsilonText ?? Format.epsilon(attack.epsilon)), invisible to people, flips "
        + "\(Format.percent(lost, 0)) of the correct predictions. Accept images only from sources you trust, re-encode and "
        + "resize them before inference, and limit how often one client may query.",
      basis: ["robustness.attacks"])
  }

  private static func adversarialTraining(_ report: Report) -> Report.Assessment? {
    guard let robustness = report.robustness,
      let (attack, lost) = RobustnessNarrative.worstInvisible(robustness),
      lost >= Thresholds.fragileLoss
    else { return nil }
    return Report.Assessment(
      title: "Adversarial training where inputs are hostile",
      text:
        "\(attack.name) at \(attack.epsilonText ?? Format.epsilon(attack.epsilon)) leaves \(attack.robustAccuracy.text) of "
        + "\(robustness.cleanAccuracy.text) accuracy. If somebody gains from misleading the model, train it with PGD examples of "
        + "the size to be resisted (Madry et al., arXiv 1706.06083) and measure again.",
      basis: ["robustness.attacks"])
  }

  private static func encryption(_ report: Report) -> Report.Assessment? {
    guard let architecture = report.model.architecture, let hash = report.model.sha256, report.security != nil
    else {
      return nil
    }
    return Report.Assessment(
      title: "Encryption for sensitive deployments",
      text:
        "\(architecture) and all its weights were recovered from the file alone, without a key. Whoever obtains the "
        + "file owns the model: encrypt it at rest where it must stay private, and pin SHA-256 "
        + "\(hash.prefix(16))….",
      basis: ["model.architecture", "model.sha256"])
  }

  private static func drift(_ report: Report) -> Report.Assessment? {
    guard let accuracy = report.robustness?.cleanAccuracy ?? report.optimization?.originalAccuracy,
      accuracy.value < 1
    else { return nil }
    let skipped = report.conditions.data?.skippedCount ?? 0
    let extra =
      skipped > 0
      ? " \(Format.plural(skipped, "file")) of this data could not be read and \(skipped == 1 ? "was" : "were") left out."
      : ""
    return Report.Assessment(
      title: "Retraining against drift",
      text:
        "\(Format.percent(1 - accuracy.value)) of the images are already misclassified today. Label a sample of "
        + "production images regularly and retrain when accuracy leaves "
        + "\(accuracy.intervalText ?? accuracy.text).\(extra)",
      basis: ["robustness.cleanAccuracy", "optimization.originalAccuracy"])
  }

  private static func monitoring(_ report: Report) -> Report.Assessment? {
    guard let robustness = report.robustness else { return nil }
    let fooled = robustness.samples.filter {
      $0.perturbedPrediction != $0.label && $0.cleanPrediction == $0.label
    }
    let confident = fooled.filter { ($0.perturbedConfidence ?? 0) >= Thresholds.confidentMistake }
    if let example = confident.max(by: { ($0.perturbedConfidence ?? 0) < ($1.perturbedConfidence ?? 0) }) {
      return Report.Assessment(
        title: "Monitoring for unusual behaviour",
        text: "A perturbed \(example.label) was called \(example.perturbedPrediction) with "
          + "\(Format.percent(example.perturbedConfidence ?? 0)) confidence: a confidence threshold alone would not notice. "
          + "Watch the distribution of predicted classes and repeated near-identical inputs.",
        basis: ["robustness.samples"])
    }
    guard let score = robustness.score?.value, score < Thresholds.strongScore else { return nil }
    return Report.Assessment(
      title: "Monitoring for unusual behaviour",
      text:
        "With a robustness score of \(Format.fixed(score, 0)) attacks succeed. Log predicted classes and confidence, "
        + "and alert on bursts of near-identical inputs whose predictions differ.",
      basis: ["robustness.score"])
  }
}
