/// ONX004: Operators of an unknown domain. Nodes whose domain belongs neither to ONNX nor to ONNX Runtime, unless the
/// model itself defines the operator as a function. Domains of well-known plug-in libraries (onnxruntime-extensions,
/// TensorRT plug-ins) are low.
enum ONX004: ONNXRule {
  static let description = RuleDescription(
    id: "ONX004", severity: .medium, title: "Operators of an unknown domain",
    detects: "Nodes whose domain belongs neither to ONNX nor to ONNX Runtime, unless the model itself "
      + "defines the operator as a function. Domains of well-known plug-in libraries (onnxruntime-extensions, "
      + "TensorRT plug-ins) are low.",
    why: "Such a node runs only with a custom operator library: machine code that has to be loaded "
      + "with the model.",
    example: "domain = com.example",
    mitigation: "Find out which library implements the operators and whether you trust it.",
    references: ["CWE-829"])

  /// Domains of ONNX, ONNX Runtime and its execution providers.
  static let known: Set<String> = [
    "", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training",
    "com.microsoft", "com.microsoft.nchwc",
    "com.microsoft.experimental", "com.microsoft.dml", "com.ms.internal.nhwc",
    "com.microsoft.xnnpack", "com.microsoft.qnn", "org.pytorch.aten", "org.pytorch.prim",
    "pkg.onnxscript.torch_lib",
    "pkg.onnxscript.torch_lib.common", "pkg.torch", "pkg.transformers",
  ]

  /// Domains that need a native library whose publisher is known.
  static let plugins: Set<String> = [
    "ai.onnx.contrib", "com.microsoft.extensions", "com.nvidia", "trt.plugins",
  ]

  static func findings(in model: ONNXSubject) -> [Finding] {
    var seen: Set<String> = []
    var findings: [Finding] = []
    for use in model.operators
    where !known.contains(use.domain) && !model.functions.contains("\(use.domain):\(use.type)") {
      guard seen.insert(use.domain).inserted, findings.count < 20 else { continue }
      findings.append(
        finding(
          "\(PickleAnalysis.printable(String(use.domain.prefix(80)))).\(PickleAnalysis.printable(String(use.type.prefix(80))))",
          title: plugins.contains(use.domain) ? "Operators of a plug-in library" : nil,
          severity: plugins.contains(use.domain) ? .low : nil,
          place: FindingPlace(member: use.place, offset: use.offset)))
    }
    return findings
  }
}
