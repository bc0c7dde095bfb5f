import FoundationEssentials
import ScopeBytes
import ScopePolicy
import ScopeReport
import ScopeSecurity

/// How a model is held against a policy.
public struct ValidationOptions: Sendable {
  /// Data, engine, attacks and time of the measurements.
  public var run = ScopeOptions()
  /// How the file is scanned and whose signature is believed; policy and baseline come from ``NeuralScope/validate``.
  public var security = SecurityOptions()
  public var inconclusiveFails = false
  /// The baseline as the user named it.
  public var baselineName: String?

  public init() {}
}

/// What was measured and what the policy says about it.
public struct Validation: Sendable {
  public var report: Report
  /// The scan with accepted and known findings marked; nil where the policy does not ask for security.
  public var scan: SecurityScan?
  public var result: GateResult
}

extension NeuralScope {
  /// Reads a policy file.
  ///
  /// - Throws: `notFound`, `unreadable`; `malformed`, `unsupported` with line and column.
  public static func policy(at path: String) throws(ScopeError) -> Policy {
    try Policy(contentsOf: path, rules: Set(SecurityRules.all.map(\.id)))
  }

  /// Does the model keep to the policy? Measures what the policy needs and nothing else.
  ///
  /// - Parameter baseline: an earlier report; budgets relative to it are not measured without.
  /// - Throws: `ScopeError` when the model or the data cannot be read; a file that is unsafe to load is a result, even
  ///   when nothing else can be read from it.
  public static func validate(
    model path: String, policy: Policy, baseline: Report? = nil,
    options: ValidationOptions = ValidationOptions()
  ) throws(ScopeError) -> Validation {
    let needs = ValidationNeeds(policy, baseline: baseline)
    var options = options
    if needs.attack { options.run.attack = needs.attack(options.run.attack) }
    if needs.tail { options.run.leastLatencySamples = max(options.run.leastLatencySamples, 200) }
    if needs.attack { _ = try RobustnessStage.specifications(options.run, height: 224, width: 224) }
    var scan: SecurityScan?
    if needs.security {
      scan = try ValidationStage.scan(path, policy: policy, options: options)
    }
    let report: Report
    do throws(ScopeError) {
      report = try ValidationStage.measure(path, needs: needs, options: options.run)
    } catch {
      // A malicious file is often one that no reader understands: that it is unsafe is the answer.
      guard [.malformed, .unsupported, .truncated, .limitExceeded].contains(error.code), let scan,
        let partial = ValidationStage.unreadable(path, error, options: options.run)
      else { throw error }
      let verdict = evaluate(partial, policy: policy, baseline: baseline, scan: scan, options: options)
      guard verdict.result.checks.contains(where: { $0.id == "security" && $0.outcome == .fail }) else {
        throw error
      }
      return verdict
    }
    return evaluate(report, policy: policy, baseline: baseline, scan: scan, options: options)
  }

  /// Holds a finished report against a policy; measures nothing.
  public static func validate(
    report: Report, policy: Policy, baseline: Report? = nil,
    options: ValidationOptions = ValidationOptions()
  ) -> Validation {
    evaluate(report, policy: policy, baseline: baseline, scan: nil, options: options)
  }

  private static func evaluate(
    _ report: Report, policy: Policy, baseline: Report?, scan: SecurityScan?, options: ValidationOptions
  ) -> Validation {
    var gate = Gate.Options()
    gate.inconclusiveFails = options.inconclusiveFails
    gate.today = SecurityRun.day(of: Date())
    gate.baselineName = options.baselineName
    return Validation(
      report: report,
      scan: Gate.judge(policy, on: report, baseline: baseline, scan: scan, options: gate),
      result: Gate.evaluate(policy, on: report, baseline: baseline, scan: scan, options: gate))
  }
}

/// What a policy needs to be measured.
struct ValidationNeeds {
  var security = false
  var latency = false
  /// Enough runs for a high percentile.
  var tail = false
  var evaluation = false
  var optimization = false
  var attack = false
  /// Radii of `robust-accuracy`; empty takes the usual ones.
  private var epsilons: [String] = []
  private var needsHeadline = false

  init(_ policy: Policy, baseline: Report?) {
    security = policy.security.level != .off || policy.security.signature != .off
    for budget in policy.budgets where budget.level != .off {
      switch budget.metric {
      case .size, .parameters, .macs, .peakMemory: break
      case .latencyP50, .throughput: latency = true
      case .latencyP95:
        latency = true
        tail = true
      case .accuracy, .calibrationError: evaluation = true
      case .accuracyDrop:
        if baseline?.accuracyFigure == nil { optimization = true } else { evaluation = true }
      case .robustAccuracy:
        attack = true
        if let epsilon = budget.epsilon { epsilons.append(epsilon) } else { needsHeadline = true }
      case .robustnessScore:
        attack = true
        needsHeadline = true
      }
    }
    // The attacks measure the accuracy and the calibration of the same images.
    if attack { evaluation = false }
  }

  /// The user's radii, else the policy's, else the usual ones.
  func attack(_ options: AttackOptions) -> AttackOptions {
    guard options.epsilons == nil, !epsilons.isEmpty else { return options }
    var options = options
    let usual = needsHeadline ? ["1/255", "2/255", "4/255", "8/255"] : []
    options.epsilons = (usual + epsilons.filter { !usual.contains($0) }).joined(separator: ",")
    return options
  }
}
