import ScopeBytes
import ScopeReport

extension NeuralScope {
  /// Reads a report that `neural-scope report` or `validate --save-report` wrote.
  ///
  /// - Throws: `notFound`, `unreadable`; `malformed` when it is no report.
  public static func savedReport(at path: String) throws(ScopeError) -> Report {
    guard let text = try ByteSlice(mappingFile: path).utf8String else {
      throw ScopeError(.malformed, "the report is not UTF-8 text", file: path)
    }
    let report: Report
    do {
      report = try JSONRenderer.decode(text)
    } catch {
      throw ScopeError(
        .malformed, "this is no report of neural-scope", file: path, expected: "a report.json",
        remedy: "Write one with: neural-scope report MODEL --out DIR")
    }
    guard report.schemaVersion == Report.currentSchemaVersion else {
      throw ScopeError(
        .unsupported, "this version of the report is not known", file: path,
        expected: "schemaVersion \(Report.currentSchemaVersion)", found: "\(report.schemaVersion)")
    }
    return report
  }
}
