extension JUnitRenderer {
  /// A case per check of a policy: failed where it fails, skipped where it could not be decided.
  public static func render(_ result: GateResult) -> String {
    func isFailure(_ check: GateCheck) -> Bool { check.outcome == .fail && check.level == .error }
    let failures = result.checks.count(where: isFailure)
    let skipped = result.checks.count { $0.outcome != .pass && !isFailure($0) }
    let counts =
      "tests=\"\(result.checks.count)\" failures=\"\(failures)\" errors=\"0\" skipped=\"\(skipped)\""
    var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    text += "<testsuites name=\"neural-scope\" \(counts)>\n"
    text += "  <testsuite name=\"neural-scope validate\" \(counts)>\n"
    for check in result.checks {
      let name = escaped("\(check.name) (\(check.id))")
      text += "    <testcase classname=\"validate.\(escaped(result.model.name))\" name=\"\(name)\">\n"
      let message = escaped(check.evidence)
      let detail = escaped(check.remedy ?? "")
      if isFailure(check) {
        text += "      <failure message=\"\(message)\" type=\"\(escaped(check.id))\">\(detail)</failure>\n"
      } else if check.outcome != .pass {
        let word = check.outcome == .fail ? "warning" : GateTerminalRenderer.word(check.outcome)
        text += "      <skipped message=\"\(word): \(message)\"/>\n"
        if !detail.isEmpty { text += "      <system-out>\(detail)</system-out>\n" }
      } else {
        text += "      <system-out>\(message)</system-out>\n"
      }
      text += "    </testcase>\n"
    }
    return text + "  </testsuite>\n</testsuites>\n"
  }
}
