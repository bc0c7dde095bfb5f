/// ST003: Code in the metadata. Metadata that holds Python imports and calls, shell commands, script elements, a
/// pickle in any spelling, or the address of a program.
enum ST003: SafetensorsRule {
  static let description = RuleDescription(
    id: "ST003", severity: .medium, title: "Code in the metadata",
    detects: "Metadata that holds Python imports and calls, shell commands, script elements, a pickle in "
      + "any spelling, or the address of a program.",
    why: "Metadata is shown by web pages and read by loaders; nothing that executes belongs there.",
    example: "\"init\": \"__import__('os').system(...)\"",
    mitigation: "Remove the metadata, and do not evaluate it.",
    references: ["CWE-94", "CWE-79"])

  static func findings(in file: SafetensorsSubject) -> [Finding] {
    file.metadata.compactMap { key, value in
      let found = CodeTelltale.find(value) ?? CodeTelltale.find(key)
      return found.map {
        finding("metadata \"\(PickleAnalysis.printable(String(key.prefix(60))))\" contains \($0)")
      }
    }
  }
}
