/// ADV008: Few images stand behind the quantization. Fewer than 100 calibration images were used for a
/// quantized model.
enum ADV008: DeploymentAdvisory {
  static let description = RuleDescription(
    id: "ADV008", severity: .low, title: "Few images stand behind the quantization",
    detects: "Fewer than 100 calibration images were used for a quantized model.",
    why: "Ranges of activations taken from few images clip on inputs that were not seen; whoever "
      + "supplies such inputs degrades the model.",
    example: "10 calibration images",
    mitigation: "Calibrate with a few hundred images from production.",
    references: ["arXiv 2004.09602"])

  static func advise(_ evidence: AdvisoryEvidence) -> [Finding] {
    guard evidence.isQuantized != false, let images = evidence.calibrationImages, images > 0, images < 100
    else { return [] }
    return [
      finding("\(images) calibration images", title: "Quantization calibrated on \(images) images only")
    ]
  }
}
