import ArgumentParser
import NeuralScope
import ScopeSecurity

struct Security: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Is the file safe to load? Never executes anything.",
    discussion: "Exit codes: 0 every file is safe, 1 one is unsafe, 3 one could not be examined completely.")

  @Argument(help: "Model files, or folders of them.")
  var paths: [String] = []

  @Option(help: ArgumentHelp("Print what a rule detects, why, and what to do.", valueName: "rule"))
  var explain: String?

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard explain != nil || !paths.isEmpty else {
      throw ValidationError("Give the path of a model file or folder")
    }
  }

  func run() throws {
    if let explain {
      Terminal.write(try SecurityRules.explain(explain) + "\n")
      return
    }
    let verdicts = try NeuralScope.security(paths: paths)
    try Output.verdicts(verdicts, json: json)
    if verdicts.contains(where: { $0.verdict == .unsafe }) { throw ExitCode(Exit.unsafe) }
    if verdicts.contains(where: { $0.verdict == .incomplete }) { throw ExitCode(Exit.incomplete) }
  }
}
