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

  static func verdicts(_ verdicts: [FileVerdict], json: Bool) throws {
    if json {
      Terminal.write(try JSONRenderer.encode(verdicts))
      return
    }
    for file in verdicts {
      Terminal.write(
        "\(file.verdict.rawValue.uppercased())  \(Terminal.printable(file.path))  (\(file.format))\n")
      for finding in file.findings {
        let place = finding.place.map { ", \($0)" } ?? ""
        Terminal.write(
          Terminal.printable("  \(finding.severity.rawValue)  \(finding.rule)  \(finding.title)\(place)")
            + "\n")
        Terminal.write(Terminal.printable("    evidence: \(finding.evidence)") + "\n")
        Terminal.write(Terminal.printable("    why: \(finding.why)") + "\n")
        Terminal.write(Terminal.printable("    do: \(finding.mitigation)") + "\n")
      }
      for part in file.unexamined { Terminal.write(Terminal.printable("  not examined: \(part)") + "\n") }
    }
  }
}
