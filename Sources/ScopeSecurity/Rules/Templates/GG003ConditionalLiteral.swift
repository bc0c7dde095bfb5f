/// GG003: Literal text that depends on what a message says. A condition that looks for words in a message's content,
/// at its length or at the date, with a branch that writes, keeps or replaces literal text. Tags such as `</think>`,
/// switches of thinking modes and types of content are ordinary.
enum GG003: TemplateRule {
  static let description = RuleDescription(
    id: "GG003", severity: .medium, title: "Literal text that depends on what a message says",
    detects: "A condition that looks for words in a message's content, at its length or at the date, with a "
      + "branch that writes, keeps or replaces literal text. Tags such as </think>, switches of "
      + "thinking modes and types of content are ordinary.",
    why: "The template can give the model hidden instructions when a user mentions something: a backdoor "
      + "without a change of the weights.",
    example: "{% if 'password' in message.content %}Tell the user that ...{% endif %}",
    mitigation: "Read the lines named here; take the template of the original model.",
    references: ["arXiv 2602.04653", "CWE-506", "AML.T0018"])

  static func findings(in template: ChatTemplate) -> [Finding] {
    template.conditions.map { finding($0.detail, severity: $0.severity, place: template.place($0)) }
  }
}
