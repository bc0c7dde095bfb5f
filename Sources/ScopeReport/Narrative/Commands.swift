/// Command lines of the real tool, with the paths of this run, quoted for a POSIX shell.
struct Commands {
  let model: String
  let data: String?
  let optimized: String

  init(_ report: Report) {
    model = Commands.quoted(report.model.path)
    data = report.conditions.data.map { Commands.quoted($0.path) }
    optimized = Commands.quoted(report.optimization?.optimizedPath ?? "optimized.onnx")
  }

  private var withData: String { "--data \(data ?? "DIR")" }

  var analyze: String { "neural-scope analyze \(model)" }
  var security: String { "neural-scope security \(model)" }

  func optimize(budget: Double? = nil) -> String {
    let limit = budget.map { " --max-accuracy-drop \(Format.trimmed(Format.fixed($0 * 100, 2)))" } ?? ""
    return "neural-scope optimize \(model) \(withData) --out \(optimized)\(limit)"
  }

  func robustness(
    _ target: String? = nil, attacks: String = "fgsm,pgd", epsilons: String = "1/255,2/255,4/255,8/255"
  ) -> String {
    "neural-scope robustness \(target ?? model) \(withData) --attack \(attacks) --epsilon \(epsilons)"
  }

  func report(_ target: String? = nil) -> String {
    "neural-scope report \(target ?? model) \(withData) --out report"
  }

  /// Quotes what a shell would interpret; control characters (from a hostile path) become `?`, and a leading dash
  /// cannot become an option.
  static func quoted(_ path: String) -> String {
    var text = String(String.UnicodeScalarView(path.unicodeScalars.map { Escape.isControl($0) ? "?" : $0 }))
    if text.hasPrefix("-") { text = "./" + text }
    let plain = text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || "/._-+=:,@%".utf8.contains(byte)
    }
    if plain, !text.isEmpty { return text }
    return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}
