extension Report {
  /// Section 3: what the file and this run's evidence say about risk.
  public struct Security: Codable, Sendable, Hashable {
    public enum Verdict: String, Codable, Sendable {
      case safe, unsafe, incomplete
    }

    public var verdict: Verdict
    /// Findings of the scan and advisories from this run, most severe first.
    public var findings: [Finding]
    /// Each present only when something in this run supports it; written by ``Report/narrated()``.
    public var recommendations: [Assessment]
    public var filesScanned: Int?
    public var rulesApplied: Int?

    public init(verdict: Verdict, findings: [Finding] = []) {
      self.verdict = verdict
      self.findings = findings
      recommendations = []
    }
  }

  public enum Severity: String, Codable, Sendable, CaseIterable, Comparable {
    case critical, high, medium, low

    /// Ordered by weight: `low < critical`.
    public static func < (left: Severity, right: Severity) -> Bool { left.weight < right.weight }

    var weight: Int {
      switch self {
      case .critical: 3
      case .high: 2
      case .medium: 1
      case .low: 0
      }
    }
  }

  public struct Finding: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable {
      /// Seen in the bytes of the file.
      case file
      /// Follows from measurements or facts of this run (robustness of the quantized model, age of the architecture).
      case advisory
    }

    public var rule: String
    public var severity: Severity
    public var kind: Kind
    public var title: String
    public var evidence: String
    public var mitigation: String
    /// Where in the file (member, offset, node).
    public var place: String?
    /// Why it matters.
    public var reason: String?
    /// CVE, GHSA, CWE or paper.
    public var reference: String?
    /// The same on every machine and after unrelated edits of the file; nil for advisories.
    public var fingerprint: String?
    /// Says that something could not be examined; nil and false mean no.
    public var isIncompleteness: Bool?

    public init(
      rule: String, severity: Severity, kind: Kind, title: String, evidence: String, mitigation: String,
      place: String? = nil, reason: String? = nil, reference: String? = nil, fingerprint: String? = nil
    ) {
      self.rule = rule
      self.severity = severity
      self.kind = kind
      self.title = title
      self.evidence = evidence
      self.mitigation = mitigation
      self.place = place
      self.reason = reason
      self.reference = reference
      self.fingerprint = fingerprint
    }
  }
}
