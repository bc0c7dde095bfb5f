import ScopePolicy
import ScopeStatistics

/// Holds a report against a policy. Pure: equal values give equal results.
public enum Gate {
  public struct Options: Sendable {
    /// Whether an inconclusive check of level error fails; otherwise it is shown and changes nothing.
    public var inconclusiveFails = false
    /// Decides which suppressions still hold; nil lets none hold.
    public var today: CalendarDay?
    /// The baseline as the user named it.
    public var baselineName: String?

    public init() {}
  }

  /// - Parameters:
  ///   - baseline: an earlier report; budgets relative to it are not measured without.
  ///   - scan: the scan behind the report's security section, when it is at hand: it also knows what was not examined.
  public static func evaluate(
    _ policy: Policy, on report: Report, baseline: Report? = nil, scan: SecurityScan? = nil,
    options: Options = Options()
  ) -> GateResult {
    let judged = judge(policy, on: report, baseline: baseline, scan: scan, options: options)
    var checks = SecurityGate.checks(policy.security, judged: judged, given: scan, report: report)
    for budget in policy.budgets where budget.level != .off {
      if budget.absolute != nil { checks.append(absolute(budget, report, baseline)) }
      if budget.relative != nil { checks.append(relative(budget, report, baseline)) }
    }
    var notices = judged?.notices ?? []
    if checks.isEmpty { notices.append("\(policy.path) asks for nothing: every check is off or absent") }
    if let before = baseline?.conditions.data, let now = report.conditions.data, before.images != now.images {
      notices.append(
        "The baseline was measured on \(Format.plural(before.images, "image")), this run on \(Format.integer(now.images)); differences of accuracy allow for chance, not for other data"
      )
    }
    return GateResult(
      model: report.model, policy: policy.path,
      baseline: baseline == nil ? nil : options.baselineName ?? baseline?.model.name, checks: checks,
      notices: notices, conditions: report.conditions, inconclusiveFails: options.inconclusiveFails)
  }

  /// The scan with what the policy accepts and the baseline knows marked: the value behind SARIF. The signature is apart.
  public static func judge(
    _ policy: Policy, on report: Report, baseline: Report? = nil, scan: SecurityScan? = nil,
    options: Options = Options()
  ) -> SecurityScan? {
    guard policy.security.level != .off, var judged = scan ?? SecurityScan(report) else { return nil }
    if policy.security.signature != .off { judged.files.removeAll(where: \.isSignature) }
    judged.failOn = policy.security.failOn.flatMap(Report.Severity.init) ?? .medium
    judged.accept(policy, today: options.today)
    if let known = baseline?.security {
      judged.compare(
        with: SecurityBaseline(fingerprints: known.findings.compactMap(\.fingerprint)),
        named: options.baselineName ?? "the baseline")
    } else if baseline != nil {
      judged.notices.append("The baseline has no security section: every finding counts as new")
    }
    return judged
  }

  // MARK: Budgets

  private static func absolute(_ budget: Budget, _ report: Report, _ baseline: Report?) -> GateCheck {
    let metric = budget.metric
    let limit = budget.absolute ?? 0
    let amount = metric == .accuracyDrop ? Format.points(limit) : Figure(limit, metric.unit).text
    let words = "\(metric.isFloor ? "at least" : "at most") \(amount)"
    var figure = report.figure(for: budget)
    // Against a baseline the drop is what this model lost, not what optimizing it would cost.
    if metric == .accuracyDrop, let before = baseline?.accuracyFigure {
      figure = report.accuracyFigure.map {
        GateEstimate(before).difference(from: GateEstimate($0)).figure(
          .fraction, conditions: "accuracy of the baseline minus this model's")
      }
    }
    guard let figure else { return missing(budget, id: metric.rawValue, words, report) }
    let estimate = GateEstimate(figure)
    var check = decided(budget, id: metric.rawValue, estimate, limit, isFloor: metric.isFloor)
    check.figure = figure
    check.baseline = metric == .accuracyDrop ? baseline?.accuracyFigure : baseline?.figure(for: budget)
    check.limit = limit
    check.limitText = words
    check.evidence = "\(metric.title): \(text(figure, metric)) (limit: \(words))"
    return finished(check, metric, metric == .accuracyDrop ? signedPoints(figure.value) : figure.text)
  }

  private static func relative(_ budget: Budget, _ report: Report, _ baseline: Report?) -> GateCheck {
    let metric = budget.metric
    let allowed = budget.relative ?? 0
    let isDifference = metric.dimension == .share || metric.dimension == .score
    let amount =
      metric.dimension == .share
      ? Format.points(allowed)
      : metric.dimension == .score ? "\(Format.significant(allowed)) points" : Format.percent(allowed)
    let words = "at most \(amount) \(metric.isFloor ? "below" : "above") the baseline"
    let id = "\(metric.rawValue).\(metric.relativeKey ?? "")"
    guard let figure = report.figure(for: budget) else { return missing(budget, id: id, words, report) }
    func unknown(_ why: String, _ remedy: String) -> GateCheck {
      var check = GateCheck(
        id: id, name: metric.title, level: budget.level, outcome: .notMeasured, evidence: why)
      check.figure = figure
      check.limit = allowed
      check.limitText = words
      check.remedy = remedy
      return check
    }
    guard let baseline else {
      return unknown(
        "\(metric.title) is \(figure.text); there is no baseline to compare it with",
        "Give one with --baseline REPORT.json, as neural-scope report or validate --save-report writes it"
      )
    }
    guard let before = baseline.figure(for: budget) else {
      return unknown(
        "The baseline does not say its \(metric.title.prefix(1).lowercased() + metric.title.dropFirst())",
        "Measure the baseline again with this policy")
    }
    let machines = (baseline.conditions.machine.fingerprint, report.conditions.machine.fingerprint)
    if metric.dependsOnMachine, machines.0 != machines.1 {
      return unknown(
        "The baseline was measured on another kind of machine (\(baseline.conditions.machine.cpu)); times are not comparable",
        "Measure the baseline on this machine, or use an absolute limit")
    }
    if metric == .robustnessScore || metric == .robustAccuracy && budget.epsilon == nil,
      let now = report.robustness, let then = baseline.robustness,
      now.headlineEpsilon != then.headlineEpsilon || now.headlineNorm != then.headlineNorm
    {
      return unknown(
        "The baseline was attacked at another radius (\(Format.epsilon(then.headlineEpsilon ?? 0)), here \(Format.epsilon(now.headlineEpsilon ?? 0)))",
        "Measure the baseline again with this policy")
    }
    let (now, then) = (GateEstimate(figure), GateEstimate(before))
    guard let change = isDifference ? now.difference(from: then) : now.relativeChange(from: then) else {
      return unknown("The baseline's figure is zero; no change of it can be told", "Use an absolute limit")
    }
    let limit = metric.isFloor ? -allowed : allowed
    var check = decided(budget, id: id, change, limit, isFloor: metric.isFloor)
    check.figure = figure
    check.baseline = before
    check.change = change.figure(metric.dimension == .score ? .score : .fraction)
    check.limit = limit
    check.limitText = words
    func text(_ value: Double) -> String {
      let sign = value < 0 ? "-" : "+"
      switch metric.dimension {
      case .share: return sign + Format.points(abs(value))
      case .score: return sign + Format.significant(abs(value)) + " points"
      default: return sign + Format.percent(abs(value))
      }
    }
    let range =
      change.interval.map { " (95% interval \(text($0.lowerBound)) to \(text($0.upperBound)))" } ?? ""
    check.evidence =
      "\(metric.title) went from \(before.text) to \(figure.text), \(text(change.value))\(range) (limit: \(words))"
    return finished(check, metric, text(change.value))
  }

  /// A difference of shares reads in points, not in percent.
  private static func text(_ figure: Figure, _ metric: Budget.Metric) -> String {
    guard metric == .accuracyDrop else { return figure.fullText }
    let range = figure.interval.map { " (95% interval \(signedPoints($0.low)) to \(signedPoints($0.high)))" }
    return signedPoints(figure.value) + (range ?? "")
  }

  private static func signedPoints(_ value: Double) -> String {
    (value < 0 ? "-" : "") + Format.points(abs(value))
  }

  private static func decided(
    _ budget: Budget, id: String, _ estimate: GateEstimate, _ limit: Double, isFloor: Bool
  ) -> GateCheck {
    var check = GateCheck(
      id: id, name: budget.metric.title, level: budget.level,
      outcome: estimate.outcome(limit: limit, isFloor: isFloor), evidence: "")
    if check.outcome == .inconclusive { check.moreSamples = estimate.moreSamples(limit: limit) }
    return check
  }

  /// Ends the evidence and says what to do.
  private static func finished(_ check: GateCheck, _ metric: Budget.Metric, _ value: String) -> GateCheck {
    var check = check
    // The baseline's own uncertainty stays when only this run grows.
    let isCompared = check.change != nil || metric == .accuracyDrop && check.baseline != nil
    let inBoth = isCompared ? ", in this run and the baseline's," : ""
    switch check.outcome {
    case .pass: break
    case .notMeasured: check.remedy = metric.measuredBy
    case .inconclusive:
      check.evidence += "; the interval straddles the limit"
      if let more = check.moreSamples {
        check.remedy =
          "About \(Format.plural(more, "more \(metric.sampleName)"))\(inBoth) would decide if the value stays \(value)"
          + (metric.dependsOnMachine ? " (--latency-seconds)" : "")
      } else {
        check.remedy = "The value is too close to the limit for any number of \(metric.sampleName)s to decide"
      }
    case .fail: check.remedy = advice(metric)
    }
    return check
  }

  private static func advice(_ metric: Budget.Metric) -> String {
    switch metric {
    case .size, .latencyP50, .latencyP95, .throughput, .peakMemory:
      "neural-scope optimize MODEL --data DIR --out FILE makes it smaller and faster; or change the limit"
    case .parameters, .macs: "Choose a smaller architecture or prune it; or change the limit"
    case .accuracy, .accuracyDrop:
      "Train further or choose another model; check the preprocessing with --preset, --mean and --std"
    case .robustAccuracy, .robustnessScore:
      "Train adversarially; neural-scope robustness MODEL --data DIR shows each attack"
    case .calibrationError:
      "Scale the logits by a temperature; neural-scope robustness MODEL --data DIR fits one"
    }
  }

  private static func missing(
    _ budget: Budget, id: String, _ words: String, _ report: Report
  ) -> GateCheck {
    let metric = budget.metric
    var reason = "it is not in the report"
    var remedy = metric.measuredBy
    if budget.epsilon != nil, report.robustness != nil {
      reason = "no attack was run at \(budget.epsilon ?? "")"
      remedy = "Leave out --epsilon, or name that radius in it"
    } else if let entry = metric.paths.lazy.compactMap({ path in
      report.notMeasured.first {
        $0.path == path || $0.path.hasPrefix(path + ".") || path.hasPrefix($0.path + ".")
      }
    }).first {
      reason = entry.reason
      remedy = entry.remedy
    }
    var check = GateCheck(
      id: id, name: metric.title, level: budget.level, outcome: .notMeasured,
      evidence: "\(metric.title) was not measured: \(reason)")
    check.limitText = words
    check.limit = budget.absolute
    check.remedy = remedy
    return check
  }
}
