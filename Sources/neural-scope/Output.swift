import NeuralScope
import ScopeReport
import ScopeSecurity

/// Prints results on standard output.
enum Output {
  static func section(_ report: Report, _ sections: [Report.Section], json: Bool) throws {
    if json {
      Terminal.write(try JSONRenderer.render(SectionReport(report, sections: sections)))
    } else {
      Terminal.write(
        TerminalRenderer.render(
          report, sections: sections, options: .init(width: Terminal.width, colours: Terminal.colours)))
    }
  }

  static func analysis(_ report: Report, parts: [Report.AnalysisPart], json: Bool) throws {
    if json { return try section(report, [.analysis], json: true) }
    Terminal.write(
      TerminalRenderer.analysis(
        report, parts: parts, options: .init(width: Terminal.width, colours: Terminal.colours)))
  }

  static func scan(_ scan: SecurityScan, json: Bool) throws {
    Terminal.write(
      json
        ? try JSONRenderer.encode(scan)
        : SecurityTerminalRenderer.render(
          scan, options: .init(width: Terminal.width, colours: Terminal.colours)))
  }

  static func gate(_ result: GateResult, json: Bool) throws {
    Terminal.write(
      json
        ? try JSONRenderer.encode(result)
        : GateTerminalRenderer.render(
          result, options: .init(width: Terminal.width, colours: Terminal.colours)))
  }

  /// The documentation of one rule.
  static func rule(_ id: String, json: Bool) throws {
    let text = try SecurityRules.explain(id)
    guard json, let rule = SecurityRules.rule(id) else { return Terminal.write(text + "\n") }
    Terminal.write(try JSONRenderer.encode(rule))
  }

  /// Every rule in a line.
  static func rules(json: Bool) throws {
    if json { return Terminal.write(try JSONRenderer.encode(SecurityRules.all)) }
    for rule in SecurityRules.all {
      let severity = rule.severity.rawValue
      let padding = String(repeating: " ", count: 8 - severity.count)
      Terminal.write("\(rule.id)  \(severity)\(padding)  \(rule.title)\n")
    }
  }
}
