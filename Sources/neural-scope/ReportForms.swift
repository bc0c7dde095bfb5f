import ArgumentParser
import NeuralScope
import ScopeBytes
import ScopeReport

/// What `report` compares with, and the forms it writes beside the page.
struct ReportForms: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "An earlier report.json; what changed since then becomes the headline.", valueName: "file"))
  var baseline: String?

  @Option(help: ArgumentHelp("Also write a Hugging Face model card.", valueName: "file"))
  var modelCard: String?

  @Option(
    help: ArgumentHelp(
      "Where every figure goes as CSV; measurements.csv in the folder when not given.", valueName: "file"))
  var csv: String?

  @Option(
    help: ArgumentHelp("Where the badge goes; badge.svg in the folder when not given.", valueName: "file"))
  var badge: String?

  /// Read before the long work, so that a wrong path costs nothing.
  func readBaseline() throws -> Report? {
    guard let baseline else { return nil }
    let bytes = try ByteSlice(mappingFile: baseline)
    guard let text = bytes.utf8String else {
      throw ScopeError(.malformed, "the baseline is not text", file: baseline)
    }
    return try Report(json: text, file: baseline)
  }

  func write(_ report: Report, baseline: Report?, to folder: String) throws {
    try AtomicFile.write(try JSONRenderer.render(report), to: "\(folder)/report.json")
    try AtomicFile.write(MarkdownRenderer.render(report, baseline: baseline), to: "\(folder)/report.md")
    try AtomicFile.write(HTMLRenderer.render(report, baseline: baseline), to: "\(folder)/report.html")
    try AtomicFile.write(CSVRenderer.render(report), to: csv ?? "\(folder)/measurements.csv")
    try AtomicFile.write(BadgeRenderer.render(report), to: badge ?? "\(folder)/badge.svg")
    if let modelCard { try AtomicFile.write(ModelCardRenderer.render(report), to: modelCard) }
  }
}
