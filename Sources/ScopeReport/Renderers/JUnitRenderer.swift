/// JUnit XML as Jenkins, GitLab and Azure Pipelines read it: a case per file, failed by findings that count, in error when
/// it could not be examined, and skipped when all it has is known or accepted.
public enum JUnitRenderer {
  public static func render(_ scan: SecurityScan) -> String {
    let failures = scan.files.filter { $0.outcome == .fail }.count
    let errors = scan.files.filter { $0.outcome == .incomplete }.count
    let skipped = scan.files.filter(isSkipped).count
    let counts =
      "tests=\"\(scan.files.count)\" failures=\"\(failures)\" errors=\"\(errors)\" skipped=\"\(skipped)\""
    let time = scan.seconds.map { " time=\"\(plain($0))\"" } ?? ""
    var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    text += "<testsuites name=\"neural-scope\" \(counts)\(time)>\n"
    text += "  <testsuite name=\"neural-scope security\" \(counts)\(time)"
    text +=
      scan.date.map { " timestamp=\"\(escaped($0.hasSuffix("Z") ? String($0.dropLast()) : $0))\"" } ?? ""
    text += ">\n"
    for file in scan.files {
      text += "    <testcase classname=\"security.\(escaped(file.format))\" name=\"\(escaped(file.path))\""
      let body = self.body(file, scan)
      text += body.isEmpty ? "/>\n" : ">\n\(body)    </testcase>\n"
    }
    return text + "  </testsuite>\n</testsuites>\n"
  }

  private static func isSkipped(_ file: SecurityScan.File) -> Bool {
    file.outcome == .pass && file.verdict == .unsafe
  }

  private static func body(_ file: SecurityScan.File, _ scan: SecurityScan) -> String {
    let counting = file.findings.filter {
      $0.status == .new && !$0.isIncompleteness && $0.severity >= scan.failOn
    }
    var text = ""
    if file.outcome == .fail, let first = counting.first {
      text += "      <failure message=\"\(escaped("\(first.rule): \(first.title)"))\" type=\"\(first.rule)\">"
      text += escaped(counting.map(lines).joined(separator: "\n"), keepingLines: true) + "</failure>\n"
    } else if file.outcome == .incomplete {
      text += "      <error message=\"not examined completely\" type=\"incomplete\">"
      text += escaped(file.unexamined.joined(separator: "\n"), keepingLines: true) + "</error>\n"
    } else if isSkipped(file) {
      text += "      <skipped message=\"only known, accepted or minor findings\"/>\n"
    }
    let others = file.findings.filter { !counting.contains($0) && !$0.isIncompleteness }
    if !others.isEmpty {
      text += "      <system-out>"
      text += escaped(others.map(lines).joined(separator: "\n"), keepingLines: true) + "</system-out>\n"
    }
    return text
  }

  private static func lines(_ finding: SecurityScan.Finding) -> String {
    let state = finding.status == .new ? "" : " [\(finding.status.rawValue)]"
    return """
      \(finding.severity.rawValue) \(finding.rule)\(state): \(Escape.visible(finding.title))
        at: \(Escape.visible(finding.place?.text ?? "file"))
        evidence: \(Escape.visible(finding.evidence))
        fix: \(Escape.visible(finding.mitigation))
      """
  }

  private static func plain(_ seconds: Double) -> String {
    var text = Format.fixed(seconds, 3)
    text.removeAll { $0 == "," }
    return text
  }

  /// XML 1.0 text: markup is escaped, what the standard does not allow becomes a space.
  static func escaped(_ text: String, keepingLines: Bool = false) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n" where keepingLines: result += "\n"
      default:
        let isAllowed = !Escape.isControl(scalar) && scalar.value != 0xFFFE && scalar.value != 0xFFFF
        result.unicodeScalars.append(isAllowed ? scalar : " ")
      }
    }
    return result
  }
}
