import ArgumentParser
import FoundationEssentials
import NeuralScope
import ScopeBytes
import ScopeReport
import ScopeSecurity

/// What `validate` writes beside what it prints.
struct GateOutputs: ParsableArguments {
  @Option(help: ArgumentHelp("Also write SARIF 2.1.0 of the security findings.", valueName: "file"))
  var sarif: String?

  @Option(help: ArgumentHelp("Also write JUnit XML: a case per check.", valueName: "file"))
  var junit: String?

  @Option(help: ArgumentHelp("Also write GitLab code-quality JSON.", valueName: "file"))
  var gitlab: String?

  @Option(
    help: ArgumentHelp("Also write the body of a sticky pull-request comment, Markdown.", valueName: "file"))
  var prComment: String?

  @Flag(help: "Also append to the job summary of GitHub Actions ($GITHUB_STEP_SUMMARY).")
  var githubSummary = false

  @Option(
    help: ArgumentHelp("Also write the measured report, a baseline for later runs.", valueName: "file"))
  var saveReport: String?

  func write(_ validation: Validation) throws {
    let result = validation.result
    if let sarif {
      let scan =
        validation.scan ?? SecurityScan(tool: result.tool, files: [])
      let rules = SecurityRules.all.map(SecurityScan.Rule.init)
      let folder = FileManager.default.currentDirectoryPath
      try AtomicFile.write(SARIFRenderer.render(scan, rules: rules, below: folder), to: sarif)
    }
    if let junit { try AtomicFile.write(JUnitRenderer.render(result), to: junit) }
    if let gitlab { try AtomicFile.write(GitLabRenderer.render(result), to: gitlab) }
    if let prComment { try AtomicFile.write(GateMarkdownRenderer.comment(result), to: prComment) }
    if let saveReport { try AtomicFile.write(try JSONRenderer.render(validation.report), to: saveReport) }
    if githubSummary { try appendSummary(GateMarkdownRenderer.summary(result)) }
  }

  /// What other steps wrote stays; beyond GitHub's limit nothing is added, as it would drop all of it.
  private func appendSummary(_ text: String) throws {
    guard let path = ProcessInfo.processInfo.environment["GITHUB_STEP_SUMMARY"], !path.isEmpty else {
      return Terminal.writeError("warning: --github-summary: GITHUB_STEP_SUMMARY is not set\n")
    }
    let before = FileManager.default.fileExists(atPath: path) ? try ByteSlice.text(of: path) : ""
    guard before.utf8.count + text.utf8.count < GateMarkdownRenderer.summaryLimit else {
      return Terminal.writeError("warning: --github-summary: the job summary is full (1 MiB)\n")
    }
    try AtomicFile.write(before + text, to: path)
  }
}

extension ByteSlice {
  /// A small text file; empty files have no bytes to map.
  fileprivate static func text(of path: String) throws -> String {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ScopeError(.unreadable, "the job summary cannot be read", file: path)
    }
    return String(decoding: data, as: UTF8.self)
  }
}
