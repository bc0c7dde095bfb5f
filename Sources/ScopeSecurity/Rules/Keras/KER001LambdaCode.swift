/// KER001: Python code in the configuration. A Lambda layer, wrapper, loss, metric, initializer or any other part of
/// the configuration that holds marshalled byte code or a serialized lambda, at any depth. A Lambda layer that only
/// names a function is low.
enum KER001: KerasRule {
  static let description = RuleDescription(
    id: "KER001", severity: .critical, title: "Python code in the configuration",
    detects: "A Lambda layer, wrapper, loss, metric, initializer or any other part of the configuration "
      + "that holds marshalled byte code or a serialized lambda, at any depth. A Lambda layer that "
      + "only names a function is low.",
    why: "The code runs when the model is loaded or called; in HDF5 files safe_mode does not stop it "
      + "(before Keras 3.11.3).",
    example: "{\"class_name\": \"Lambda\", \"config\": {\"function\": [\"4wEAAAAA...\", null, null], "
      + "\"function_type\": \"lambda\"}}",
    mitigation: "Do not load this file. Ask for a model whose Lambda layers are replaced by Layer classes.",
    references: ["CVE-2025-9905", "CVE-2024-3660", "CWE-502", "AML.T0011.000"])

  static func findings(in model: KerasSubject) -> [Finding] {
    var seen: Set<String> = []
    var findings: [Finding] = []
    for code in model.code.prefix(64) where seen.insert(code.place).inserted {
      findings.append(finding(code.detail, place: model.place(code.place)))
    }
    for lambda in model.namedLambdas.prefix(16) where seen.insert(lambda.place).inserted {
      findings.append(
        finding(
          "the function \"\(PickleAnalysis.printable(String(lambda.name.prefix(80))))\" is looked up by name",
          title: "Lambda layer without code", severity: .low, place: model.place(lambda.place),
          why: "The layer calls a function that whoever loads the model provides under that name."))
    }
    return findings
  }
}
