import ScopeBytes

/// GitLab code-quality JSON (the Code Climate issue format as GitLab reads it): an entry per check that does not pass.
public enum GitLabRenderer {
  public static func render(_ result: GateResult) -> String {
    let issues = result.checks.filter { $0.outcome != .pass }.map { check in
      let identity = "\(check.id)\n\(result.model.path)"
      return JSONTree.members([
        "description": .text(
          Escape.visible("\(check.name): \(check.evidence)" + (check.remedy.map { ". \($0)" } ?? ""))),
        "check_name": .text("neural-scope/\(check.id)"),
        "fingerprint": .text(ByteSlice(Array(identity.utf8)).sha256),
        "severity": .text(severity(check)),
        "location": .members([
          "path": .text(Escape.visible(result.model.path)), "lines": .members(["begin": .integer(1)]),
        ]),
      ])
    }
    return JSONTree.array(issues).document
  }

  private static func severity(_ check: GateCheck) -> String {
    switch (check.outcome, check.level) {
    case (.fail, .error): check.id == "security" ? "blocker" : "critical"
    case (.fail, _), (.notMeasured, .error): "major"
    case (.inconclusive, .error): "minor"
    default: "info"
    }
  }
}
