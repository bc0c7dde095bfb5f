/// ONX004: Operators of an unknown domain. Nodes whose domain belongs neither to ONNX nor to ONNX Runtime nor
/// to a function defined in the model.
enum ONX004: ONNXRule {
  static let description = RuleDescription(
    id: "ONX004", severity: .medium, title: "Operators of an unknown domain",
    detects: "Nodes whose domain belongs neither to ONNX nor to ONNX Runtime nor to a function defined in "
      + "the model.",
    why: "Such a node runs only with a custom operator library: machine code that has to be loaded "
      + "with the model.",
    example: "domain = com.example",
    mitigation: "Find out which library implements the operators and whether you trust it.",
    references: ["CWE-829"])

  /// Domains of ONNX, ONNX Runtime and its execution providers.
  static let known: Set<String> = [
    "", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training",
    "com.microsoft", "com.microsoft.nchwc",
    "com.microsoft.experimental", "com.microsoft.dml", "com.microsoft.extensions", "com.ms.internal.nhwc",
    "ai.onnx.contrib",
    "com.microsoft.xnnpack", "com.microsoft.qnn", "org.pytorch.aten", "org.pytorch.prim", "com.nvidia",
    "trt.plugins", "pkg.onnxscript.torch_lib",
    "pkg.onnxscript.torch_lib.common", "pkg.torch", "pkg.transformers",
  ]

  static func findings(in model: ONNXSubject) -> [Finding] {
    var seen: Set<String> = []
    var findings: [Finding] = []
    for use in model.operators
    where !known.contains(use.domain) && !model.functionDomains.contains(use.domain) {
      guard seen.insert(use.domain).inserted, findings.count < 20 else { continue }
      findings.append(
        finding(
          "\(PickleAnalysis.printable(String(use.domain.prefix(80)))).\(PickleAnalysis.printable(String(use.type.prefix(80))))",
          place: FindingPlace(member: use.place, offset: use.offset)))
    }
    return findings
  }
}
