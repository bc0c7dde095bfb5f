import ScopeBytes
import ScopePolicy
import ScopeReport
import ScopeSecurity

/// The measurements behind `validate` and `init`.
enum ValidationStage {
  /// Sections that can be measured are; what cannot be is listed in `notMeasured`.
  static func measure(
    _ path: String, needs: ValidationNeeds, options: ScopeOptions
  ) throws(ScopeError) -> Report {
    var state = try ScopeRun(path: path, options: options, hash: true)
    try state.analyzeStructure()
    if state.model.graph == nil {
      for section in ["analysis.latency", "optimization", "evaluation", "robustness"] {
        state.skip(
          section, reason: "the file holds weights without a graph",
          remedy: state.model.notExecutable ?? "export the model to ONNX")
      }
    } else {
      if needs.latency {
        try part("analysis.latency", &state) { run throws(ScopeError) in try run.measureLatency() }
      }
      if needs.evaluation || needs.attack || needs.optimization {
        try measureData(&state, needs: needs, options: options)
      }
    }
    if needs.security { try state.scan() }
    return state.finish()
  }

  private static func measureData(
    _ state: inout ScopeRun, needs: ValidationNeeds, options: ScopeOptions
  ) throws(ScopeError) {
    let wanted = [
      ("optimization", needs.optimization), ("evaluation", needs.evaluation), ("robustness", needs.attack),
    ].filter(\.1).map(\.0)
    guard options.data.path != nil else {
      for section in wanted {
        state.skip(section, reason: "labelled images are needed", remedy: "--data DIR")
      }
      return
    }
    if needs.optimization {
      try part("optimization", &state) { run throws(ScopeError) in try run.optimize() }
    }
    if needs.evaluation { try part("evaluation", &state) { run throws(ScopeError) in try run.evaluate() } }
    if needs.attack {
      try part("robustness", &state) { run throws(ScopeError) in try run.attack(sampleCount: 0) }
    }
  }

  private static func part(
    _ path: String, _ state: inout ScopeRun, _ body: (inout ScopeRun) throws(ScopeError) -> Void
  ) throws(ScopeError) {
    do throws(ScopeError) { try body(&state) } catch {
      guard error.leavesTheRest else { throw error }
      state.skip(path, because: error)
    }
  }

  /// The scan without judgement: threshold, policy and baseline are the gate's.
  static func scan(
    _ path: String, policy: Policy, options: ValidationOptions
  ) throws(ScopeError) -> SecurityScan {
    var security = options.security
    security.policyPath = nil
    security.baselinePath = nil
    security.progress = options.run.progress
    if policy.security.signature != .off {
      var wanted = security.signature ?? SignaturePolicy()
      wanted.isRequired = true
      security.signature = wanted
    }
    return try SecurityRun.run(paths: [path], options: security)
  }

  /// A report about a file that could be scanned but not read.
  static func unreadable(_ path: String, _ error: ScopeError, options: ScopeOptions) -> Report? {
    guard let bytes = try? ByteSlice(mappingFile: path) else { return nil }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    var report = Report(
      model: Report.Model(
        name: name, path: path, format: "unreadable", sha256: bytes.sha256, bytes: bytes.count),
      conditions: Report.Conditions(options: options))
    report.model.problem = error.description
    for section in ["analysis", "optimization", "evaluation", "robustness"] {
      report.notMeasured.append(
        Report.NotMeasured(
          path: section, reason: "the file cannot be read: \(error.message)",
          remedy: error.remedy ?? "Repair the file first"))
    }
    return report
  }
}
