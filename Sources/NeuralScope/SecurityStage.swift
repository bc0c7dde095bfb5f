import FoundationEssentials
import ScopeBytes
import ScopeOptimization
import ScopeReport
import ScopeSecurity

/// Section 3: the scan of the file, and advisories that rest on what this run measured.
enum SecurityStage {
  static func run(
    _ model: LoadedModel, report: Report, optimization: OptimizationResult?
  ) throws(ScopeError) -> Report.Security {
    let scan = try SecurityScanner().scan(file: model.file.path)
    let evidence = evidence(model, report: report, optimization: optimization)
    let findings =
      scan.findings.map { finding($0, kind: .file, fingerprint: $0.fingerprint(in: model.file.path)) }
      + DeploymentAdvisories.findings(evidence).map { finding($0, kind: .advisory) }
    var section = Report.Security(
      verdict: Report.Security.Verdict(scan.verdict),
      findings: findings)
    section.filesScanned = 1
    section.rulesApplied = SecurityRules.all.count
    return section
  }

  private static func finding(
    _ finding: Finding, kind: Report.Finding.Kind, fingerprint: String? = nil
  ) -> Report.Finding {
    var described = Report.Finding(
      rule: finding.rule, severity: Report.Severity(rawValue: finding.severity.rawValue) ?? .high, kind: kind,
      title: finding.title, evidence: finding.evidence, mitigation: finding.mitigation,
      place: finding.place?.description, reason: finding.why, reference: finding.reference,
      fingerprint: fingerprint)
    if SecurityRules.reportsIncompleteness(finding.rule) { described.isIncompleteness = true }
    return described
  }

  private static func evidence(
    _ model: LoadedModel, report: Report, optimization: OptimizationResult?
  ) -> AdvisoryEvidence {
    var evidence = AdvisoryEvidence()
    evidence.fileFormat = model.file.format.rawValue
    evidence.sha256 = report.model.sha256
    evidence.hasSignature = hasSignature(model.file.path)
    if case .graph(let graph) = model.file.content {
      evidence.openInputs = AdvisoryEvidence.openInputs(of: graph.graph)
    }
    if let architecture = model.architecture {
      evidence.architecture = .init(
        family: architecture.family, year: architecture.year, source: architecture.citation)
    }
    evidence.currentYear = Calendar(identifier: .gregorian).component(.year, from: Date())
    if let optimization {
      if optimization.isLabelled {
        evidence.cleanAccuracy = optimization.originalAccuracy
        evidence.originalAccuracy = optimization.originalAccuracy
        evidence.optimizedAccuracy = optimization.optimizedAccuracy
      }
      evidence.agreement = optimization.agreement.value
      evidence.isQuantized = optimization.isApproximate
      evidence.calibrationImages = optimization.calibrationImages
      evidence.evaluationImages = optimization.evaluationImages
      evidence.optimizationImages = optimization.evaluationImages
    }
    if let robustness = report.robustness {
      evidence.cleanAccuracy = robustness.cleanAccuracy.value
      evidence.optimizedCleanAccuracy = robustness.optimizedCleanAccuracy?.value
      evidence.evaluationImages = robustness.images
      evidence.attacks = robustness.attacks.map { attack in
        let own = robustness.optimizedComparison.first {
          $0.attack == attack.name && $0.norm == attack.norm && $0.epsilon == attack.epsilon
        }
        return AdvisoryEvidence.Attack(
          name: attack.name, norm: attack.norm, epsilon: attack.epsilon,
          epsilonText: attack.epsilonText ?? "\(attack.epsilon)",
          robustAccuracy: attack.robustAccuracy.value,
          comparedRobustAccuracy: own?.originalRobustAccuracy.value,
          optimizedRobustAccuracy: own?.optimizedRobustAccuracy.value)
      }
    }
    return evidence
  }

  /// Whether a detached signature lies beside the file (OpenSSF Model Signing, GPG, cosign).
  private static func hasSignature(_ path: String) -> Bool {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    let candidates = ["\(path).sig", "\(path).sigstore", "\(path).asc", "\(folder)model.sig"]
    return candidates.contains { FileManager.default.fileExists(atPath: $0) }
  }
}

extension Report.Security.Verdict {
  init(_ verdict: ScopeSecurity.Verdict) {
    self =
      switch verdict {
      case .safe: .safe
      case .unsafe: .unsafe
      case .incomplete: .incomplete
      }
  }
}
