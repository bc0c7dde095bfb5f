import ArgumentParser
import NeuralScope
import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Ends a subcommand whose results have been printed as far as they go.
struct Unreadable: Error {
  /// What could not be read, file and place included.
  var problem: String
}

/// What the process ends with; the contract of every subcommand.
enum Exit {
  static let unsafe: Int32 = 1
  static let usageOrUnreadable: Int32 = 2
  static let incomplete: Int32 = 3
  static let interrupted: Int32 = 130

  /// Prints an error on standard error (help and version on standard output) and ends the process.
  static func report(_ error: any Error, usage: (any Error) -> String, code: (any Error) -> Int32) -> Never {
    if let error = error as? ScopeError {
      Terminal.writeError("error: \(Terminal.printable(error.description))\n")
      exit(error.code == .interrupted ? interrupted : usageOrUnreadable)
    }
    if let error = error as? Unreadable {
      Terminal.writeError("error: \(Terminal.printable(error.problem))\n")
      exit(usageOrUnreadable)
    }
    if let exitCode = error as? ExitCode { exit(exitCode.rawValue) }
    let text = usage(error)
    if code(error) == 0 {
      Terminal.write(text + "\n")
      exit(0)
    }
    Terminal.writeError(text + "\n")
    exit(usageOrUnreadable)
  }
}
