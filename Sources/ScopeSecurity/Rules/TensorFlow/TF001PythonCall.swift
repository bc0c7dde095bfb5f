/// TF001: Calls Python. PyFunc, PyFuncStateless or EagerPyFunc in a graph or in a function of its library.
enum TF001: TensorFlowRule {
  static let description = RuleDescription(
    id: "TF001", severity: .critical, title: "Calls Python",
    detects: "PyFunc, PyFuncStateless or EagerPyFunc in a graph or in a function of its library.",
    why: "The operator runs a Python function of the process that runs the model; which one, a token in "
      + "the graph says.",
    example: "node { name: \"f\" op: \"PyFunc\" }",
    mitigation: "Do not run this model; export it again without tf.py_function and tf.numpy_function.",
    references: ["CWE-94", "AML.T0011.000"])

  static func findings(in model: TensorFlowSubject) -> [Finding] {
    var findings: [Finding] = []
    for scope in model.scopes {
      for node in scope.nodes where FileOperator.python.contains(node.type) {
        findings.append(finding("operator \(node.type)", place: model.place(node)))
        if findings.count >= 32 { return findings }
      }
    }
    return findings
  }
}
