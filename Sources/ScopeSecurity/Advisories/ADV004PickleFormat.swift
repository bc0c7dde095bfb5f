/// ADV004: The checkpoint is a format that can execute code. The model file is a pickle or a PyTorch
/// checkpoint, which is a pickle inside.
enum ADV004: DeploymentAdvisory {
  static let description = RuleDescription(
    id: "ADV004", severity: .low, title: "The checkpoint is a format that can execute code",
    detects: "The model file is a pickle or a PyTorch checkpoint, which is a pickle inside.",
    why: "Nothing harmful need be in this file for the format to be a risk: whoever can replace the "
      + "file can run code wherever it is loaded.",
    example: "model.pth",
    mitigation: "Convert it to safetensors (weights) or ONNX (graph), or load it only with "
      + "torch.load(weights_only=True).",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000"])

  static func advise(_ evidence: AdvisoryEvidence) -> [Finding] {
    guard let format = evidence.fileFormat,
      ["pickle", "pytorch-zip", "pytorch-legacy", "pytorch-tar", "torchscript"].contains(format)
    else { return [] }
    return [
      finding(
        "file format \(format)",
        title: "Checkpoint is a pickle-based format: convert it to safetensors or ONNX")
    ]
  }
}
