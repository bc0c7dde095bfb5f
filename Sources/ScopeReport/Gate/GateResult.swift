import ScopePolicy

/// What a policy says about a model: the value that every output of `neural-scope validate` is rendered from.
///
/// JSON paths are a stable interface: fields are added, never renamed, within one ``schemaVersion``.
public struct GateResult: Codable, Sendable, Hashable {
  public static let currentSchemaVersion = 1

  /// Nothing fails, something does, or a check that must hold could not be made.
  public typealias Outcome = SecurityScan.Outcome

  public var schemaVersion: Int
  public var tool: Report.Tool
  public var model: Report.Model
  /// The policy file, as the user named it.
  public var policy: String
  /// The report compared with, as the user named it.
  public var baseline: String?
  public var outcome: Outcome
  /// What the process ends with.
  public var exitCode: Int32
  /// What must be looked at first: failed, inconclusive, not measured, passed; errors before warnings.
  public var checks: [GateCheck]
  /// What the reader should know about the run itself (an expired suppression).
  public var notices: [String]
  public var conditions: Report.Conditions

  public init(
    model: Report.Model, policy: String, baseline: String?, checks: [GateCheck], notices: [String],
    conditions: Report.Conditions, inconclusiveFails: Bool
  ) {
    schemaVersion = Self.currentSchemaVersion
    tool = conditions.tool
    self.model = model
    self.policy = policy
    self.baseline = baseline
    self.notices = notices
    self.conditions = conditions
    self.checks = checks.enumerated().sorted {
      ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset)
    }.map(\.element)
    let binding = checks.filter { $0.level == .error }
    outcome =
      binding.contains {
        $0.outcome == .fail || $0.outcome == .inconclusive && inconclusiveFails
      }
      ? .fail : binding.contains { $0.outcome == .notMeasured } ? .incomplete : .pass
    exitCode = outcome.exitCode
  }

  /// How many checks have an outcome.
  public func count(_ outcome: GateCheck.Outcome) -> Int { checks.count { $0.outcome == outcome } }
}

/// One line of a policy held against what was measured.
public struct GateCheck: Codable, Sendable, Hashable {
  public enum Outcome: String, Codable, Sendable, Hashable {
    case pass
    case fail
    /// The confidence interval straddles the limit.
    case inconclusive
    case notMeasured
  }

  /// `size`, `latency-p50`, `size.max-increase`, `security`, `signature`; unique in a result.
  public var id: String
  /// For people: `File size`.
  public var name: String
  public var level: PolicyLevel
  public var outcome: Outcome
  /// What was measured; its interval decides.
  public var figure: Figure?
  /// The limit in the figure's unit; of relative limits in the unit of ``change``.
  public var limit: Double?
  /// `at most 12.00 MB`, `at most 5% above the baseline`.
  public var limitText: String?
  /// The same figure of the baseline.
  public var baseline: Figure?
  /// The change against the baseline that a relative limit is about: a share of the baseline, or a difference of
  /// shares or scores. Positive is an increase.
  public var change: Figure?
  /// Runs or images that would have to be added to decide; nil when it is decided or no number would.
  public var moreSamples: Int?
  /// One sentence with the figures that decided.
  public var evidence: String
  /// What to do now; nil when nothing is to be done.
  public var remedy: String?

  public init(id: String, name: String, level: PolicyLevel, outcome: Outcome, evidence: String) {
    self.id = id
    self.name = name
    self.level = level
    self.outcome = outcome
    self.evidence = evidence
  }

  var rank: Int {
    let order =
      switch outcome {
      case .fail: 0
      case .inconclusive: 2
      case .notMeasured: 4
      case .pass: 6
      }
    return order + (level == .error ? 0 : 1)
  }
}
