/// One section of a report with its model, conditions and what was not measured: what `--json` prints for
/// `analyze`, `optimize` and `robustness`. The section sits under its own key, in the same form as in `report.json`.
public struct SectionReport: Codable, Sendable, Hashable {
  public var schemaVersion: Int
  public var model: Report.Model?
  public var analysis: Report.Analysis?
  public var optimization: Report.Optimization?
  public var security: Report.Security?
  public var robustness: Report.Robustness?
  public var conditions: Report.Conditions?
  public var notMeasured: [Report.NotMeasured]

  /// Keeps `sections` of `report` and the absent values below them.
  public init(_ report: Report, sections: [Report.Section]) {
    let report = report.narrated()
    schemaVersion = report.schemaVersion
    model = report.model
    analysis = sections.contains(.analysis) ? report.analysis : nil
    optimization = sections.contains(.optimization) ? report.optimization : nil
    security = sections.contains(.security) ? report.security : nil
    robustness = sections.contains(.robustness) ? report.robustness : nil
    conditions = report.conditions
    notMeasured = report.notMeasured.filter { entry in
      sections.contains { entry.path == $0.rawValue || entry.path.hasPrefix($0.rawValue + ".") }
    }
  }
}
