import ArgumentParser
import FoundationEssentials
import NeuralScope
import ScopeBytes
import ScopeReport
import ScopeSecurity

/// What counts against the files, and what is written where.
struct JudgementFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Least severity that fails: critical, high, medium or low. Default: the policy's, else medium.",
      valueName: "severity"))
  var failOn: Report.Severity?

  @Option(
    help: ArgumentHelp("A policy file with suppressions; never looked for by itself.", valueName: "file"))
  var policy: String?

  @Option(
    help: ArgumentHelp(
      "Fail only on findings that this earlier report (--json) does not have.", valueName: "file"))
  var baseline: String?

  @Option(help: ArgumentHelp("Also write SARIF 2.1.0, for code scanning.", valueName: "file"))
  var sarif: String?

  @Option(help: ArgumentHelp("Also write JUnit XML.", valueName: "file"))
  var junit: String?

  @Option(help: ArgumentHelp("Also write a CycloneDX 1.6 bill of materials.", valueName: "file"))
  var bom: String?

  /// Writes the files that were asked for.
  func write(_ scan: SecurityScan, below folder: String) throws {
    if let sarif {
      let rules = SecurityRules.all.map(SecurityScan.Rule.init)
      try AtomicFile.write(SARIFRenderer.render(scan, rules: rules, below: folder), to: sarif)
    }
    if let junit { try AtomicFile.write(JUnitRenderer.render(scan), to: junit) }
    if let bom { try AtomicFile.write(CycloneDXRenderer.render(scan, below: folder), to: bom) }
  }
}

/// How far and how fast the scan goes.
struct ScanFlags: ParsableArguments {
  @Flag(help: "Read the weights too: hidden payloads and embedded files in tensors.")
  var deep = false

  @Option(help: ArgumentHelp("Files scanned at once; 0 takes every core.", valueName: "n"))
  var jobs = 0

  @Option(help: ArgumentHelp("Files examined below a folder.", valueName: "n"))
  var maxFiles = ScanLimits().files

  @Option(help: ArgumentHelp("Containers examined inside containers.", valueName: "n"))
  var maxNesting = ScanLimits().nesting

  @Option(help: ArgumentHelp("MiB that one compressed member may expand to.", valueName: "n"))
  var maxExpanded = ScanLimits().expandedBytes >> 20

  @Option(help: ArgumentHelp("MiB that a remote source may have.", valueName: "n"))
  var maxDownload = RemoteOptions().maximumBytes >> 20

  func validate() throws {
    try check("--max-download", maxDownload, 1...1_073_741_824)
    try check("--jobs", jobs, 0...1024)
    try check("--max-files", maxFiles, 1...10_000_000)
    try check("--max-nesting", maxNesting, 0...64)
    try check("--max-expanded", maxExpanded, 1...1_048_576)
  }

  private func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
    guard range.contains(value) else {
      throw ValidationError("\(name) takes \(range.lowerBound) to \(range.upperBound), not \(value)")
    }
  }
}

extension Report.Severity: ExpressibleByArgument {}

extension SecurityOptions {
  init(_ scan: ScanFlags, _ judgement: JudgementFlags) {
    self.init()
    limits.readsWeights = scan.deep
    limits.files = scan.maxFiles
    limits.nesting = scan.maxNesting
    limits.expandedBytes = scan.maxExpanded << 20
    remote.maximumBytes = scan.maxDownload << 20
    // The variables that Hugging Face's own tools read.
    let environment = ProcessInfo.processInfo.environment
    if let token = environment["HF_TOKEN"], !token.isEmpty { remote.token = token }
    if let endpoint = environment["HF_ENDPOINT"], !endpoint.isEmpty { remote.endpoint = endpoint }
    jobs = scan.jobs > 0 ? scan.jobs : nil
    failOn = judgement.failOn
    policyPath = judgement.policy
    baselinePath = judgement.baseline
    describesFiles = judgement.bom != nil
  }
}
