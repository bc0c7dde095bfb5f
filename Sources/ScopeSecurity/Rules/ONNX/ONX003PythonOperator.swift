/// ONX003: Operators that run Python. PyOp or PythonOp nodes in any graph or function.
enum ONX003: ONNXRule {
  static let description = RuleDescription(
    id: "ONX003", severity: .critical, title: "Operators that run Python",
    detects: "PyOp or PythonOp nodes in any graph or function.",
    why: "The runtime calls Python code named by the model.",
    example: "op_type = PyOp",
    mitigation: "Do not run this model.",
    references: ["CWE-94"])

  static func findings(in model: ONNXSubject) -> [Finding] {
    model.operators.filter { ["PyOp", "PythonOp", "PyCustomOp", "PythonOpGrad"].contains($0.type) }.prefix(20)
      .map {
        finding(
          "\($0.domain.isEmpty ? "" : "\($0.domain).")\($0.type)",
          place: FindingPlace(member: $0.place, offset: $0.offset))
      }
  }
}
