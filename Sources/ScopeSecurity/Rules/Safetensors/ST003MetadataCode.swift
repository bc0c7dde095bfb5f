import ScopeBytes

/// ST003: Code in the metadata. Metadata that holds Python imports and calls, shell commands, script elements
/// or a base64 pickle.
enum ST003: SafetensorsRule {
  static let description = RuleDescription(
    id: "ST003", severity: .medium, title: "Code in the metadata",
    detects: "Metadata that holds Python imports and calls, shell commands, script elements or a base64 "
      + "pickle.",
    why: "Metadata is shown by web pages and read by loaders; nothing that executes belongs there.",
    example: "\"init\": \"__import__('os').system(...)\"",
    mitigation: "Remove the metadata, and do not evaluate it.",
    references: ["CWE-94", "CWE-79"])

  static func findings(in file: SafetensorsSubject) -> [Finding] {
    file.metadata.compactMap { key, value in
      telltale(value).map {
        finding("metadata \"\(PickleAnalysis.printable(String(key.prefix(60))))\" contains \($0)")
      }
    }
  }

  private static let telltales = [
    "__import__(", "os.system(", "subprocess.", "eval(", "exec(", "<script", "javascript:",
    "importlib.import_module", "pickle.loads(",
    "marshal.loads(", "powershell", "/bin/sh -c", "bash -c", "curl http", "wget http", "builtins.exec",
    "gASV", "gAJ9cQ", "gAR9", "__globals__", "__subclasses__",
  ]

  private static func telltale(_ text: String) -> String? {
    let bytes = ByteSlice(Array(text.utf8))
    return telltales.first {
      bytes.firstIndex(of: Array($0.utf8)) != nil && (!$0.hasPrefix("gA") || text.hasPrefix($0))
    }
  }
}
