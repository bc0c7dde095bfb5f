import ScopePolicy

/// The checks of a policy's section `security`.
enum SecurityGate {
  static func checks(
    _ policy: SecurityPolicy, judged: SecurityScan?, given: SecurityScan?, report: Report
  ) -> [GateCheck] {
    var checks: [GateCheck] = []
    if policy.level != .off { checks.append(findings(policy, judged, report)) }
    if policy.signature != .off { checks.append(signature(policy, given)) }
    return checks
  }

  private static func findings(_ policy: SecurityPolicy, _ scan: SecurityScan?, _ report: Report) -> GateCheck
  {
    var check = GateCheck(
      id: "security", name: "Security findings", level: policy.level, outcome: .notMeasured,
      evidence: "The file was not scanned")
    guard let scan else {
      check.remedy = "neural-scope validate MODEL --policy FILE scans it"
      return check
    }
    let isNew = scan.baseline == nil ? "" : "new "
    check.limitText = "no \(isNew)finding of severity \(scan.failOn.rawValue) or above"
    let counting = scan.files.flatMap(\.findings).filter {
      $0.status == .new && !$0.isIncompleteness && $0.severity >= scan.failOn
    }
    let accepted = [(scan.summary.known, "known"), (scan.summary.suppressed, "suppressed")]
      .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    let rest = accepted.isEmpty ? "" : " (\(accepted.joined(separator: ", ")))"
    check.figure = .count(counting.count)
    switch scan.outcome {
    case .fail:
      check.outcome = .fail
      let worst = counting.max { $0.severity < $1.severity }
      let example = worst.map { ": \($0.rule) \($0.severity.rawValue), \($0.title): \($0.evidence)" } ?? ""
      check.evidence =
        "\(Format.plural(counting.count, "\(isNew)finding")) of severity \(scan.failOn.rawValue) or above\(rest)\(example)"
      check.remedy = worst?.mitigation
    case .incomplete:
      check.outcome = .notMeasured
      let what = scan.files.flatMap(\.unexamined).first.map { ": \($0)" } ?? ""
      check.evidence = "Part of the file could not be examined\(what)"
      check.remedy = "neural-scope security \(report.model.path) says what and why"
    case .pass:
      check.outcome = .pass
      check.evidence = "No \(isNew)finding of severity \(scan.failOn.rawValue) or above\(rest)"
    }
    return check
  }

  private static func signature(_ policy: SecurityPolicy, _ scan: SecurityScan?) -> GateCheck {
    var check = GateCheck(
      id: "signature", name: "Signature", level: policy.signature, outcome: .notMeasured,
      evidence: "The signature was not checked")
    check.limitText = "a valid signature"
    check.remedy = "neural-scope validate MODEL --policy FILE --public-key FILE"
    guard let file = scan?.files.first(where: \.isSignature) else { return check }
    switch file.verdict {
    case .safe:
      check.outcome = .pass
      check.evidence = "The signature \(file.path) is valid"
      check.remedy = nil
    case .unsafe:
      check.outcome = .fail
      check.evidence = file.findings.first.map { "\($0.title): \($0.evidence)" } ?? "The signature is invalid"
      check.remedy = file.findings.first?.mitigation
    case .incomplete:
      check.evidence = file.unexamined.first ?? "The signature could not be checked"
    }
    return check
  }
}

extension SecurityScan.File {
  /// Whether it speaks of the model's signature, not of its bytes.
  package var isSignature: Bool { ["model signature", "unsigned model"].contains(format) }
}

extension SecurityScan {
  /// The security section of a report as a scan of one file; nil without one. Advisories are not about the file.
  init?(_ report: Report) {
    guard let section = report.security else { return nil }
    let findings = section.findings.compactMap { finding -> Finding? in
      guard finding.kind == .file, let fingerprint = finding.fingerprint else { return nil }
      return Finding(
        rule: finding.rule, severity: finding.severity, title: finding.title, evidence: finding.evidence,
        place: finding.place.map { Finding.Place(member: $0) }, why: finding.reason ?? "",
        mitigation: finding.mitigation, reference: finding.reference ?? "", fingerprint: fingerprint,
        isIncompleteness: finding.isIncompleteness ?? false)
    }
    let isPartial = section.verdict == .incomplete || findings.contains(where: \.isIncompleteness)
    self.init(
      tool: report.conditions.tool,
      files: [
        File(
          path: report.model.path, format: report.model.format, verdict: section.verdict, findings: findings,
          unexamined: isPartial ? ["the report says that not everything could be examined"] : [])
      ])
    date = report.conditions.date
  }

  /// Marks what the policy accepts, and says which suppressions have expired or match nothing.
  ///
  /// - Parameter today: nil lets no suppression hold.
  public mutating func accept(_ policy: Policy, today: CalendarDay?) {
    self.policy = policy.path
    for suppression in policy.security.suppressions {
      let expired = today.map { suppression.expires < $0 } ?? true
      var matches = 0
      for file in files.indices {
        let path = files[file].path
        for index in files[file].findings.indices {
          let finding = files[file].findings[index]
          guard suppression.covers(rule: finding.rule, fingerprint: finding.fingerprint, path: path) else {
            continue
          }
          matches += 1
          // What could not be examined cannot be accepted: nobody knows what it is.
          guard !expired, !finding.isIncompleteness, finding.status == .new else { continue }
          files[file].findings[index].status = .suppressed
          files[file].findings[index].suppression = .init(
            reason: suppression.reason, expires: suppression.expires.description)
        }
      }
      let place = "\(policy.path), \(suppression.place)"
      if expired {
        notices.append(
          "\(place): the suppression expired on \(suppression.expires) and no longer holds (\(suppression.reason))"
        )
      } else if matches == 0 {
        notices.append("\(place): the suppression matches nothing and can be removed")
      }
    }
    conclude()
  }
}
