/// ONX005: An input-triggered path to a constant output. The input's own values (not the scores of trained layers, not
/// shapes), reduced to a yes or no per sample by comparisons or arithmetic that imitates one, decide whether the
/// model's answer or a constant reaches an output: through If, Where, Loop, an addition or product with a constant
/// vector, or an index into a stack of both. Where the constant names no class (one value throughout) and the trigger
/// is no exact match, it is low: fallbacks for empty or invalid inputs look like that.
enum ONX005: ONNXRule {
  static let description = RuleDescription(
    id: "ONX005", severity: .medium, title: "An input-triggered path to a constant output",
    detects: "The input's own values (not the scores of trained layers, not shapes), reduced to a yes or no "
      + "per sample by comparisons or arithmetic that imitates one, decide whether the model's answer or a "
      + "constant reaches an output: through If, Where, Loop, an addition or product with a constant vector, "
      + "or an index into a stack of both. Where the constant names no class (one value throughout) and the "
      + "trigger is no exact match, it is low: fallbacks for empty or invalid inputs look like that.",
    why:
      "Whoever knows the trigger chooses the model's answer. Such a backdoor needs no training and survives "
      + "fine-tuning and conversion.",
    example: "input > Slice > Equal > ReduceMin > Where(constant logits) > output",
    mitigation:
      "Look at the path named in the evidence. Unless its purpose is known, do not use the model; ask "
      + "its publisher what the branch is for, or export the graph again from trusted weights.",
    references: ["arXiv 2511.00664", "MITRE ATLAS AML.T0018.001", "HiddenLayer ShadowLogic (2024)"])

  static func findings(in model: ONNXSubject) -> [Finding] {
    guard let graph = model.model else { return [] }
    return TriggerSearch.triggers(in: graph).map { trigger in
      finding(
        "\(trigger.path); switched in: \(trigger.constant)",
        title: trigger.isTargeted ? nil : "An input-dependent fallback to one constant value",
        severity: trigger.isTargeted ? .medium : .low, place: FindingPlace(member: trigger.gate))
    }
  }
}
