/// How bad a finding is if it is real. Ordered: `low < medium < high < critical`.
public enum Severity: String, Sendable, Hashable, Codable, CaseIterable, Comparable {
  case low, medium, high, critical

  private var rank: Int {
    switch self {
    case .low: 0
    case .medium: 1
    case .high: 2
    case .critical: 3
    }
  }

  public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
}

/// Where in a file something was found.
public struct FindingPlace: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The archive member or graph element (`archive/data.pkl`, `graph.initializer[3]`), nil for the file itself.
  public var member: String?
  /// Byte position in the member, or in the file when there is no member.
  public var offset: Int?
  /// The pickle opcode at that byte.
  public var opcode: String?

  public init(member: String? = nil, offset: Int? = nil, opcode: String? = nil) {
    self.member = member
    self.offset = offset
    self.opcode = opcode
  }

  public var description: String {
    var parts: [String] = []
    if let member { parts.append(member) }
    if let offset { parts.append("byte \(offset)") }
    if let opcode { parts.append(opcode) }
    return parts.isEmpty ? "file" : parts.joined(separator: ", ")
  }
}

/// One thing a rule found, with everything a reader needs to judge and fix it.
public struct Finding: Sendable, Hashable, Codable {
  /// Rule id, `PKL001`.
  public var rule: String
  public var severity: Severity
  /// One line naming what this file does.
  public var title: String
  /// What was seen, in the file's own words.
  public var evidence: String
  public var place: FindingPlace?
  /// Why it matters.
  public var why: String
  /// What to do.
  public var mitigation: String
  /// Public records: CWE, CVE, GHSA, MITRE ATLAS, arXiv.
  public var reference: String

  public init(
    rule: String, severity: Severity, title: String, evidence: String, place: FindingPlace? = nil,
    why: String,
    mitigation: String, reference: String
  ) {
    self.rule = rule
    self.severity = severity
    self.title = title
    self.evidence = evidence
    self.place = place
    self.why = why
    self.mitigation = mitigation
    self.reference = reference
  }
}

/// What the scan of one file concludes.
public enum Verdict: String, Sendable, Hashable, Codable {
  /// Everything in the file was read and nothing of severity medium or more was found.
  case safe
  /// At least one finding of severity medium or more.
  case unsafe
  /// Part of the file could not be read, so nothing can be said about it. Never green.
  case incomplete
}

/// The result of scanning one file.
public struct FileVerdict: Sendable, Hashable, Codable {
  /// As the user gave it, or as found below the folder the user gave.
  public var path: String
  /// The format recognised by content.
  public var format: String
  public var verdict: Verdict
  /// Worst first, then by place.
  public var findings: [Finding]
  /// What could not be examined and why; empty when the scan was complete.
  public var unexamined: [String]

  public init(path: String, format: String, verdict: Verdict, findings: [Finding], unexamined: [String]) {
    self.path = path
    self.format = format
    self.verdict = verdict
    self.findings = findings
    self.unexamined = unexamined
  }

  /// Derives the verdict: a finding of medium or more is `unsafe`; otherwise anything unexamined is `incomplete`.
  init(path: String, format: String, findings: [Finding], unexamined: [String]) {
    self.path = path
    self.format = format
    self.findings = findings.sortedForReading()
    self.unexamined = unexamined
    if findings.contains(where: { $0.severity >= .medium && !SecurityRules.reportsIncompleteness($0.rule) }) {
      verdict = .unsafe
    } else {
      verdict = unexamined.isEmpty ? .safe : .incomplete
    }
  }
}

extension [Finding] {
  /// Worst first; ties by member, byte and rule so that the order never depends on how the scan ran.
  func sortedForReading() -> [Finding] {
    sorted { left, right in
      if left.severity != right.severity { return left.severity > right.severity }
      let (a, b) = (left.place, right.place)
      if a?.member != b?.member { return (a?.member ?? "") < (b?.member ?? "") }
      if a?.offset != b?.offset { return (a?.offset ?? -1) < (b?.offset ?? -1) }
      return left.rule < right.rule
    }
  }
}
