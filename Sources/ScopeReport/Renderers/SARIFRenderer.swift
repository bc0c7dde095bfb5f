/// SARIF 2.1.0 (OASIS standard, errata 01) as GitHub code scanning reads it: rules with help and `security-severity`,
/// results with a level, a relative place and stable fingerprints, and what was not examined as notifications.
public enum SARIFRenderer {
  /// - Parameters:
  ///   - rules: all that ran; each is described in the output.
  ///   - folder: paths below it are written relative to it, as code scanning wants them relative to the repository.
  public static func render(_ scan: SecurityScan, rules: [SecurityScan.Rule], below folder: String? = nil)
    -> String
  {
    let indices = Dictionary(
      rules.enumerated().map { ($0.element.id, $0.offset) }, uniquingKeysWith: { first, _ in first })
    let context = Context(scan: scan, indices: indices, folder: folder)
    let driver = JSONTree.members([
      "name": .text(scan.tool.name), "version": .text(scan.tool.version),
      "semanticVersion": .text(scan.tool.version), "rules": .array(rules.map(descriptor)),
      "notifications": .array([
        .members([
          "id": .text("not-examined"),
          "shortDescription": message("Part of a file could not be examined"),
          "defaultConfiguration": .members(["level": .text("warning")]),
        ])
      ]),
    ])
    let run = JSONTree.members([
      "tool": .members(["driver": driver]),
      "invocations": .array([invocation(context)]),
      "artifacts": .array(scan.files.map { artifact($0, context) }),
      "results": .array(
        scan.files.enumerated().flatMap { index, file in results(of: file, at: index, context) }),
      "columnKind": .text("utf16CodeUnits"),
    ])
    return JSONTree.members([
      "$schema": .text(
        "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"),
      "version": .text("2.1.0"), "runs": .array([run]),
    ]).document
  }

  private struct Context {
    let scan: SecurityScan
    let indices: [String: Int]
    let folder: String?
  }

  private static func message(_ text: String) -> JSONTree { .members(["text": .text(text)]) }

  private static func level(_ severity: Report.Severity) -> String {
    switch severity {
    case .critical, .high: "error"
    case .medium: "warning"
    case .low: "note"
    }
  }

  /// The middle of the band that code scanning shows under the same word: over 9.0 critical, 7.0 high, 4.0 medium.
  private static func score(_ severity: Report.Severity) -> String {
    switch severity {
    case .critical: "9.5"
    case .high: "8.0"
    case .medium: "5.5"
    case .low: "2.0"
    }
  }

  private static func descriptor(_ rule: SecurityScan.Rule) -> JSONTree {
    let records = rule.references.flatMap(PublicRecord.identifiers)
    let cwes = records.compactMap(PublicRecord.cwe)
    let tags = ["security"] + cwes.map { "external/cwe/cwe-\($0 < 100 ? "0" : "")\($0)" }
    let markdown = """
      ### \(rule.id): \(Escape.markdown(rule.title))

      **What it detects.** \(Escape.markdown(rule.detects))

      **Why it matters.** \(Escape.markdown(rule.why))

      **Example.**

      ```
      \(rule.example)
      ```

      **What to do.** \(Escape.markdown(rule.mitigation))

      **References.** \(rule.references.map { reference($0) }.joined(separator: ", "))
      """
    let text = """
      \(rule.detects) \(rule.why) What to do: \(rule.mitigation) References: \
      \(rule.references.joined(separator: ", "))
      """
    return .members([
      "id": .text(rule.id),
      "name": .text(camelCase(rule.title)),
      "shortDescription": message(rule.title),
      "fullDescription": message(rule.detects),
      "help": .members(["text": .text(text), "markdown": .text(markdown)]),
      "helpUri": records.compactMap(PublicRecord.address).first.map { .text($0) },
      "defaultConfiguration": .members(["level": .text(level(rule.severity))]),
      "properties": .members([
        "tags": .texts(tags), "security-severity": .text(score(rule.severity)),
        "problem.severity": .text(rule.severity == .low ? "recommendation" : level(rule.severity)),
      ]),
    ])
  }

  /// A link where the reference is a public record.
  private static func reference(_ text: String) -> String {
    PublicRecord.address(text).map { "[\(Escape.markdown(text))](\($0))" } ?? Escape.markdown(text)
  }

  /// `Callable that executes` as `CallableThatExecutes`, the form of names that SARIF recommends.
  private static func camelCase(_ title: String) -> String {
    title.split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
      .map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  private static func artifactLocation(_ path: String, _ index: Int?, _ context: Context) -> JSONTree {
    .members([
      "uri": .text(FileAddress.uri(path, below: context.folder)), "index": index.map { .integer($0) },
    ])
  }

  private static func artifact(_ file: SecurityScan.File, _ context: Context) -> JSONTree {
    .members([
      "location": artifactLocation(file.path, nil, context),
      "length": file.bytes.map { .integer($0) },
      "roles": .texts(["analysisTarget"]),
      "hashes": file.sha256.map { .members(["sha-256": .text($0)]) },
      "properties": .members(["format": .text(file.format), "verdict": .text(file.verdict.rawValue)]),
    ])
  }

  private static func invocation(_ context: Context) -> JSONTree {
    let scan = context.scan
    let missing = scan.files.enumerated().flatMap { index, file in
      file.unexamined.map { text in
        JSONTree.members([
          "descriptor": .members(["id": .text("not-examined"), "index": .integer(0)]),
          "level": .text("warning"),
          "message": message(Escape.visible(text)),
          "locations": .array([
            .members([
              "physicalLocation": .members(["artifactLocation": artifactLocation(file.path, index, context)])
            ])
          ]),
        ])
      }
    }
    let notices = scan.notices.map {
      JSONTree.members(["level": .text("note"), "message": message(Escape.visible($0))])
    }
    return .members([
      "executionSuccessful": .bool(true),
      "exitCode": .integer(Int(scan.outcome.exitCode)),
      "exitCodeDescription": .text(scan.outcome.rawValue),
      "startTimeUtc": scan.date.map { .text($0) },
      "toolExecutionNotifications": .array(missing + notices),
    ])
  }

  private static func results(
    of file: SecurityScan.File, at index: Int, _ context: Context
  ) -> [JSONTree] {
    var occurrences: [String: Int] = [:]
    return file.findings.map { finding in
      let occurrence = occurrences[finding.fingerprint, default: 0] + 1
      occurrences[finding.fingerprint] = occurrence
      var text = "\(finding.title): \(finding.evidence)"
      if let place = finding.place { text += " (\(place.text))" }
      // Files of models have no lines. Code scanning needs one to show a result; the byte says where it really is.
      let offset = finding.place?.member == nil ? finding.place?.offset : nil
      let region = JSONTree.members([
        "startLine": .integer(1),
        "byteOffset": offset.map { .integer($0) }, "byteLength": offset.map { _ in .integer(1) },
      ])
      let member = finding.place?.member.map { name in
        JSONTree.array([
          .members([
            "fullyQualifiedName": .text(Escape.visible(name)), "kind": .text("member"),
          ])
        ])
      }
      let suppressions: JSONTree? =
        context.scan.policy == nil
        ? nil
        : .array(
          finding.suppression.map {
            [
              .members([
                "kind": .text("external"), "status": .text("accepted"),
                "justification": .text("\($0.reason) (until \($0.expires))"),
              ])
            ]
          } ?? [])
      return .members([
        "ruleId": .text(finding.rule),
        "ruleIndex": context.indices[finding.rule].map { .integer($0) },
        "level": .text(level(finding.severity)),
        "message": message(Escape.visible(text)),
        "locations": .array([
          .members([
            "physicalLocation": .members([
              "artifactLocation": artifactLocation(file.path, index, context), "region": region,
            ]),
            "logicalLocations": member,
          ])
        ]),
        "partialFingerprints": .members([
          "primaryLocationLineHash": .text("\(finding.fingerprint.prefix(16)):\(occurrence)"),
          "neuralScope/v1": .text("\(finding.fingerprint):\(occurrence)"),
        ]),
        "baselineState": context.scan.baseline.map { _ in
          .text(finding.status == .known ? "unchanged" : "new")
        },
        "suppressions": suppressions,
        "properties": .members([
          "severity": .text(finding.severity.rawValue), "security-severity": .text(score(finding.severity)),
          "evidence": .text(Escape.visible(finding.evidence)), "why": .text(finding.why),
          "mitigation": .text(finding.mitigation), "references": .text(finding.reference),
          "place": finding.place.map { .text(Escape.visible($0.text)) },
        ]),
      ])
    }
  }
}
