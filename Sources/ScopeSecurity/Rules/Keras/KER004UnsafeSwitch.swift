/// KER004: Turns safe loading off. The configuration names enable_unsafe_deserialization, the switch that makes Keras
/// run code of the models it loads.
enum KER004: KerasRule {
  static let description = RuleDescription(
    id: "KER004", severity: .critical, title: "Turns safe loading off",
    detects: "The configuration names enable_unsafe_deserialization, the switch that makes Keras run code "
      + "of the models it loads.",
    why: "Once the configuration has called the switch, the Lambda layers behind it run although "
      + "safe_mode was asked for.",
    example: "{\"module\": \"keras.config\", \"class_name\": \"function\", "
      + "\"config\": \"enable_unsafe_deserialization\"}",
    mitigation: "Do not load this file.",
    references: ["CVE-2025-9906", "CWE-502", "CWE-693"])

  static func findings(in model: KerasSubject) -> [Finding] {
    model.switches.prefix(8).map { finding("the configuration \($0.detail)", place: model.place($0.place)) }
  }
}
