import FoundationEssentials
import ScopeBytes

/// `report.json`: keys sorted, indented, slashes plain, non-finite numbers as text.
public enum JSONRenderer {
  /// - Throws: only what an `Encodable` of the caller's own throws; report values always encode.
  public static func render(_ report: Report) throws -> String { try encode(report.narrated()) }

  /// One section in the same form, for `--json` on a command of its own.
  public static func render(_ section: SectionReport) throws -> String { try encode(section) }

  /// Any other value in the same style (the file list of `security --json`).
  public static func encode(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
  }

  /// Reads what ``render(_:)-(Report)`` wrote.
  public static func decode(_ text: String) throws -> Report {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return try decoder.decode(Report.self, from: Data(text.utf8))
  }
}

extension Report {
  /// Reads a `report.json` of an earlier run.
  ///
  /// - Throws: `malformed` when the text is no report, `unsupported` when a newer version wrote it.
  public init(json text: String, file: String) throws(ScopeError) {
    do {
      self = try JSONRenderer.decode(text)
    } catch {
      throw ScopeError(
        .malformed, "the baseline is no report of neural-scope", file: file,
        expected: "the report.json that `neural-scope report` wrote",
        remedy: "Write it with: neural-scope report MODEL --out DIR")
    }
    guard schemaVersion <= Report.currentSchemaVersion else {
      throw ScopeError(
        .unsupported, "a newer version wrote this report", file: file,
        expected: "schema version up to \(Report.currentSchemaVersion)", found: "\(schemaVersion)")
    }
  }
}
