/// What one run of `neural-scope security` found in all its files: the value that its terminal, JSON, SARIF, JUnit and
/// CycloneDX outputs are rendered from.
///
/// JSON paths are a stable interface: fields are added, never renamed, within one ``schemaVersion``.
public struct SecurityScan: Codable, Sendable, Hashable {
  public static let currentSchemaVersion = 1

  public var schemaVersion: Int
  public var tool: Report.Tool
  /// When the scan began, ISO 8601, UTC; nil where outputs must not differ from run to run.
  public var date: String?
  /// What the bytes say: the worst of the files'.
  public var verdict: Report.Security.Verdict
  /// What counts after threshold, baseline and suppressions; decides the exit code.
  public var outcome: Outcome
  /// Findings of this severity or above fail.
  public var failOn: Report.Severity
  /// The report that known findings were taken from, as the user named it.
  public var baseline: String?
  /// The policy file, as the user named it.
  public var policy: String?
  public var summary: Summary
  /// Those that fail first, the most severe first, then by path.
  public var files: [File]
  /// What the reader should know about the run itself (an expired suppression, one that matches nothing).
  public var notices: [String]
  public var seconds: Double?

  public init(tool: Report.Tool, files: [File], failOn: Report.Severity = .medium) {
    schemaVersion = Self.currentSchemaVersion
    self.tool = tool
    self.failOn = failOn
    self.files = files
    notices = []
    verdict = .safe
    outcome = .pass
    summary = Summary()
    conclude()
  }

  public enum Outcome: String, Codable, Sendable, Hashable {
    /// Everything was examined and nothing counts against the files.
    case pass
    /// At least one finding counts.
    case fail
    /// Nothing counts, but something could not be examined.
    case incomplete

    /// The contract of every command: 0 safe, 1 unsafe, 3 incomplete.
    public var exitCode: Int32 {
      switch self {
      case .pass: 0
      case .fail: 1
      case .incomplete: 3
      }
    }
  }

  public struct Summary: Codable, Sendable, Hashable {
    public var files = 0
    public var safe = 0
    public var unsafe = 0
    public var incomplete = 0
    /// Findings that count, advisories and minor ones included, by severity.
    public var critical = 0
    public var high = 0
    public var medium = 0
    public var low = 0
    /// In the baseline too.
    public var known = 0
    /// Accepted by the policy.
    public var suppressed = 0

    public init() {}
  }

  /// One file, or one member of the repository that was scanned.
  public struct File: Codable, Sendable, Hashable {
    public var path: String
    /// By content.
    public var format: String
    /// What the bytes say.
    public var verdict: Report.Security.Verdict
    /// What counts after threshold, baseline and suppressions.
    public var outcome: Outcome
    /// Worst first.
    public var findings: [Finding]
    /// What could not be examined and why.
    public var unexamined: [String]
    public var bytes: Int?
    /// Hexadecimal; only where an output asks for it.
    public var sha256: String?
    /// SPDX identifiers, or names as the file or its model card states them.
    public var licenses: [String]
    /// Frameworks that the file itself names (its format, its producer).
    public var frameworks: [Framework]

    public init(
      path: String, format: String, verdict: Report.Security.Verdict, findings: [Finding],
      unexamined: [String] = []
    ) {
      self.path = path
      self.format = format
      self.verdict = verdict
      self.findings = findings
      self.unexamined = unexamined
      outcome = .pass
      licenses = []
      frameworks = []
    }

    /// Severity of the worst finding that counts; nil without one.
    var worst: Report.Severity? { findings.filter { $0.status == .new }.map(\.severity).max() }
  }

  public struct Framework: Codable, Sendable, Hashable {
    public var name: String
    public var version: String?
    public init(name: String, version: String? = nil) {
      self.name = name
      self.version = version
    }
  }

  public struct Finding: Codable, Sendable, Hashable {
    public enum Status: String, Codable, Sendable, Hashable {
      case new
      /// In the baseline too.
      case known
      /// Accepted by the policy, with a reason and an end.
      case suppressed
    }

    public struct Place: Codable, Sendable, Hashable {
      /// The archive member or graph element.
      public var member: String?
      /// Byte in the member, or in the file without one.
      public var offset: Int?
      public var opcode: String?

      public init(member: String? = nil, offset: Int? = nil, opcode: String? = nil) {
        self.member = member
        self.offset = offset
        self.opcode = opcode
      }

      /// `archive/data.pkl, byte 12, REDUCE`.
      public var text: String {
        let parts = [member, offset.map { "byte \($0)" }, opcode].compactMap { $0 }
        return parts.isEmpty ? "file" : parts.joined(separator: ", ")
      }
    }

    public struct Suppression: Codable, Sendable, Hashable {
      public var reason: String
      /// ISO date.
      public var expires: String
      public init(reason: String, expires: String) {
        self.reason = reason
        self.expires = expires
      }
    }

    public var rule: String
    public var severity: Report.Severity
    public var title: String
    public var evidence: String
    public var place: Place?
    public var why: String
    public var mitigation: String
    public var reference: String
    /// The same on every machine and after unrelated edits of the file.
    public var fingerprint: String
    /// Says that something could not be examined; makes a file incomplete, never unsafe.
    public var isIncompleteness: Bool
    public var status: Status
    public var suppression: Suppression?

    public init(
      rule: String, severity: Report.Severity, title: String, evidence: String, place: Place? = nil,
      why: String, mitigation: String, reference: String, fingerprint: String, isIncompleteness: Bool = false
    ) {
      self.rule = rule
      self.severity = severity
      self.title = title
      self.evidence = evidence
      self.place = place
      self.why = why
      self.mitigation = mitigation
      self.reference = reference
      self.fingerprint = fingerprint
      self.isIncompleteness = isIncompleteness
      status = .new
    }
  }

  /// A rule as machine-readable outputs describe it.
  public struct Rule: Codable, Sendable, Hashable {
    public var id: String
    public var severity: Report.Severity
    public var title: String
    public var detects: String
    public var why: String
    public var example: String
    public var mitigation: String
    public var references: [String]

    public init(
      id: String, severity: Report.Severity, title: String, detects: String, why: String, example: String,
      mitigation: String, references: [String]
    ) {
      self.id = id
      self.severity = severity
      self.title = title
      self.detects = detects
      self.why = why
      self.example = example
      self.mitigation = mitigation
      self.references = references
    }
  }
}
