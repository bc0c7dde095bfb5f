/// GG002: Chat template that escapes the sandbox. Special attributes (`__class__`, `__globals__` ...) by any spelling:
/// dotted, subscripted, through `attr`, formats or texts put together from pieces; Python's functions; the objects of
/// the application that renders the template; other templates; products that exhaust memory. Text that is only written
/// out is not looked at.
enum GG002: TemplateRule {
  static let description = RuleDescription(
    id: "GG002", severity: .critical, title: "Chat template that escapes the sandbox",
    detects: "Special attributes (__class__, __globals__ ...) by any spelling: dotted, subscripted, through "
      + "attr, formats or texts put together from pieces; Python's functions; the objects of the "
      + "application that renders the template; other templates; products that exhaust memory. Text "
      + "that is only written out is not looked at.",
    why: "Programs that render the template without a sandbox, or with an old one, run what it says.",
    example: "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    mitigation: "Do not load this file; take the template of the original model.",
    references: ["CVE-2024-34359", "CVE-2025-27516", "CWE-1336", "AML.T0011.000"])

  static func findings(in template: ChatTemplate) -> [Finding] {
    template.escapes.map { finding($0.detail, severity: $0.severity, place: template.place($0)) }
  }
}
