/// PKL012: Breaks off after something has been called. The stream is malformed or truncated, and before that
/// point a callable that is not known to be harmless has been called.
enum PKL012: PickleRule {
  static let description = RuleDescription(
    id: "PKL012", severity: .high, title: "Breaks off after something has been called",
    detects: "The stream is malformed or truncated, and before that point a callable that is not known to "
      + "be harmless has been called.",
    why: "Python calls as it reads: the payload has run by the time the error is raised, while tools "
      + "that parse first report a broken file and stop (\"nullifAI\").",
    example: "GLOBAL os system; ...; REDUCE; <garbage>",
    mitigation: "Do not load this file. Ask its publisher for safetensors or ONNX, or load it with a reader "
      + "that calls nothing (torch.load(weights_only=True)).",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    guard let problem = pickle.run.problem, pickle.hasDangerousUse else { return [] }
    let calls = pickle.uses.prefix(3).map(\.path).joined(separator: ", ")
    return [
      finding(
        "\(problem.message) at byte \(pickle.run.endOffset), after calls of \(calls.isEmpty ? "computed names" : calls)",
        place: pickle.place(pickle.run.endOffset))
    ]
  }
}
