/// ADV005: The model file is not signed. No .sig, .sigstore or .bundle file lies beside the model.
enum ADV005: DeploymentAdvisory {
  static let description = RuleDescription(
    id: "ADV005", severity: .low, title: "The model file is not signed",
    detects: "No .sig, .sigstore or .bundle file lies beside the model.",
    why: "Without a signature nobody can tell whether the deployed file is the one that was evaluated.",
    example: "model.onnx without model.onnx.sig",
    mitigation: "Record the SHA-256 given here with the evaluation, and sign the file: neural-scope "
      + "sign (OpenSSF Model Signing).",
    references: ["CWE-347", "OpenSSF Model Signing"])

  static func advise(_ evidence: AdvisoryEvidence) -> [Finding] {
    guard evidence.hasSignature == false else { return [] }
    return [
      finding(
        "no .sig, .sigstore or .bundle beside the file" + (evidence.sha256.map { "; SHA-256 \($0)" } ?? ""))
    ]
  }
}
