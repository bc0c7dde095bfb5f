import ArgumentParser
import FoundationEssentials
import NeuralScope
import ScopeReport
import ScopeSecurity

struct Security: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Is the file safe to load? Never executes anything.",
    usage: """
      neural-scope security PATH... [--json] [--sarif FILE] [--junit FILE] [--bom FILE]
      neural-scope security --explain RULE
      """,
    discussion: """
      Exit codes: 0 every file is safe, 1 one is unsafe, 2 wrong usage or nothing that can be read, 3 one could not be \
      examined completely. Outputs never change the exit code.
      """)

  @Argument(
    help:
      "Model files, folders of them, https addresses, or Hugging Face repositories: hf:owner/name@revision/file."
  )
  var paths: [String] = []

  @Option(help: ArgumentHelp("Print what a rule detects, why, and what to do.", valueName: "rule"))
  var explain: String?

  @Flag(help: "List the rules.")
  var listRules = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var scan: ScanFlags
  @OptionGroup var judgement: JudgementFlags
  @OptionGroup var signing: SignatureFlags

  func validate() throws {
    guard explain != nil || listRules || !paths.isEmpty else {
      throw ValidationError("Give the path of a model file or folder")
    }
  }

  func run() throws {
    if let explain { return try Output.rule(explain, json: json) }
    if listRules { return try Output.rules(json: json) }
    let line = ProgressLine()
    var options = SecurityOptions(scan, judgement)
    options.signature = try signing.policy()
    options.progress = line.handler
    let result = try NeuralScope.security(paths: paths, options: options)
    line.clear()
    try Output.scan(result, json: json)
    try judgement.write(result, below: FileManager.default.currentDirectoryPath)
    if result.outcome != .pass { throw ExitCode(result.outcome.exitCode) }
  }
}
