import ArgumentParser
import NeuralScope

/// The command line: parse, call the library, render, choose the exit code.
@main
struct NeuralScopeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "neural-scope",
    abstract: "Tells whether a trained model is fit to ship, and makes it fitter. Every number is measured.",
    discussion: """
      Exit codes: 0 success or safe, 1 policy failed or unsafe, 2 wrong usage or a model that is unreadable or unsupported, \
      3 evidence incomplete, 130 interrupted.
      """,
    version: NeuralScope.version,
    subcommands: [
      Analyze.self, Compare.self, Optimize.self, Security.self, Sanitize.self, Sign.self, Robustness.self,
      Harden.self, ReportCommand.self, Validate.self, Init.self,
    ])

  static func main() {
    Interruption.watch()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      Exit.report(error, usage: { fullMessage(for: $0) }, code: { exitCode(for: $0).rawValue })
    }
  }
}
