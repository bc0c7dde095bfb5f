import FoundationEssentials
import ScopeBytes
import ScopePolicy
import ScopeRemote
import ScopeReport
import ScopeSecurity

/// How files are scanned and what counts against them.
public struct SecurityOptions: Sendable {
  public var limits = ScanLimits()
  /// Files scanned at once; nil takes every core.
  public var jobs: Int?
  /// Findings of this severity or above fail; nil takes the policy's, else medium.
  public var failOn: Report.Severity?
  /// A policy file with suppressions. Never looked for: it might lie among the files under test.
  public var policyPath: String?
  /// A report of an earlier run; what it has is known.
  public var baselinePath: String?
  /// Whether sizes, hashes, licences and frameworks are looked up too, for bills of materials; reads every byte.
  public var describesFiles = false
  /// What is asked of signatures; nil looks at them without asking for anything.
  public var signature: SignaturePolicy?
  /// How addresses and Hugging Face repositories are fetched.
  public var remote = RemoteOptions()
  public var progress: (@Sendable (ScopeProgress) -> Void)?

  public init() {}
}

/// How remote files are fetched. The library looks at no environment variables: who calls it decides what is sent where.
public struct RemoteOptions: Sendable {
  /// Sent to the Hub's own host only.
  public var token: String?
  public var endpoint = "https://huggingface.co"
  /// Bytes of all files of a source together.
  public var maximumBytes = RemoteLimits().bytes

  public init() {}
}

/// One scan of files and folders, judged by threshold, policy and baseline.
enum SecurityRun {
  static func run(paths: [String], options: SecurityOptions) throws(ScopeError) -> SecurityScan {
    let start = ContinuousClock.now
    let now = Date()
    let policy = try options.policyPath.map { (path: String) throws(ScopeError) in
      try Policy(contentsOf: path, rules: Set(SecurityRules.all.map(\.id)))
    }
    let baseline = try options.baselinePath.map(readBaseline)
    let scanner = SecurityScanner(limits: options.limits)
    var files: [SecurityScan.File] = []
    for (index, path) in paths.enumerated() {
      let fraction = Double(index) / Double(paths.count)
      if let source = try RemoteSource.parse(path) {
        files += try RemoteScan.run(source, scanner: scanner, options: options)
      } else {
        options.progress?(ScopeProgress(stage: "Scanning \(path)", fraction: fraction))
        for verdict in try scan(path, scanner, options) {
          var file = SecurityScan.File(verdict)
          if options.describesFiles { FileProvenance.describe(&file, at: verdict.path) }
          files.append(file)
        }
      }
    }
    let failOn = options.failOn ?? policy?.security.failOn.flatMap(Report.Severity.init) ?? .medium
    var scan = SecurityScan(tool: .init(version: NeuralScope.version), files: files, failOn: failOn)
    if let policy { scan.accept(policy, today: day(of: now)) }
    if let baseline, let path = options.baselinePath { scan.compare(with: baseline, named: path) }
    scan.date = now.formatted(.iso8601)
    let elapsed = (ContinuousClock.now - start).components
    scan.seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
    return scan
  }

  /// The verdicts on a path's files and, as asked for, on its signature.
  static func scan(
    _ path: String, _ scanner: SecurityScanner, _ options: SecurityOptions
  ) throws(ScopeError) -> [FileVerdict] {
    var verdicts = try scanner.scan(path: path, jobs: options.jobs ?? 0)
    if let policy = options.signature {
      // The scan of a folder speaks of the signature too, without anybody's key.
      verdicts.removeAll { ["model signature", "unsigned model"].contains($0.format) }
      if let verdict = try scanner.signatureVerdict(path: path, policy: policy) { verdicts.append(verdict) }
    }
    return verdicts
  }

  private static func readBaseline(_ path: String) throws(ScopeError) -> SecurityBaseline {
    guard let text = try ByteSlice(mappingFile: path).utf8String else {
      throw ScopeError(.malformed, "the baseline is not UTF-8 text", file: path)
    }
    do throws(ScopeError) {
      return try SecurityBaseline(json: text)
    } catch {
      throw error.inFile(path)
    }
  }

  /// The day in UTC.
  static func day(of date: Date) -> CalendarDay? {
    CalendarDay(String(date.formatted(.iso8601).prefix(10)))
  }
}

extension SecurityScan.File {
  init(_ verdict: FileVerdict) {
    self.init(
      path: verdict.path, format: verdict.format, verdict: Report.Security.Verdict(verdict.verdict),
      findings: verdict.findings.map { SecurityScan.Finding($0, in: verdict.path) },
      unexamined: verdict.unexamined)
  }
}

extension SecurityScan.Finding {
  init(_ finding: Finding, in path: String) {
    self.init(
      rule: finding.rule, severity: Report.Severity(rawValue: finding.severity.rawValue) ?? .high,
      title: finding.title, evidence: finding.evidence,
      place: finding.place.map { .init(member: $0.member, offset: $0.offset, opcode: $0.opcode) },
      why: finding.why, mitigation: finding.mitigation, reference: finding.reference,
      fingerprint: finding.fingerprint(in: path),
      isIncompleteness: SecurityRules.reportsIncompleteness(finding.rule))
  }
}

extension SecurityScan.Rule {
  public init(_ rule: RuleDescription) {
    self.init(
      id: rule.id, severity: Report.Severity(rawValue: rule.severity.rawValue) ?? .high, title: rule.title,
      detects: rule.detects, why: rule.why, example: rule.example, mitigation: rule.mitigation,
      references: rule.references)
  }
}
