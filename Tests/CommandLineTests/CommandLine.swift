import Foundation
import TestSupport

/// Runs the built tool as a user does.
struct CommandLine {
  struct Result {
    var code: Int32
    var output: String
    var errors: String

    /// The output as JSON.
    func json() throws -> Any { try JSONSerialization.jsonObject(with: Data(output.utf8)) }
  }

  /// The executable beside the test bundle.
  static let tool: URL? = {
    var folder = URL(filePath: Bundle.main.executablePath ?? CommandLine.currentExecutable)
    for _ in 0..<4 {
      folder.deleteLastPathComponent()
      let candidate = folder.appending(path: "neural-scope")
      if FileManager.default.isExecutableFile(atPath: candidate.path()) { return candidate }
    }
    let built = SharedData.repository.appending(path: ".build/release/neural-scope")
    return FileManager.default.isExecutableFile(atPath: built.path()) ? built : nil
  }()

  private static let currentExecutable = ProcessInfo.processInfo.arguments.first ?? ""

  static func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Result {
    try run(arguments, environment: environment)
  }

  /// - Parameter during: called with the running process, before it is waited for.
  static func run(
    _ arguments: [String], environment: [String: String] = [:], during: (Process) -> Void = { _ in }
  ) throws -> Result {
    let process = Process()
    guard let tool else { throw CocoaError(.fileNoSuchFile) }
    process.executableURL = tool
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    let errors = try emptyFile()
    defer { try? FileManager.default.removeItem(at: errors) }
    process.standardOutput = output
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    during(process)
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Result(
      code: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
  }
}

/// A fresh file for standard error: a second pipe could fill up and block the tool.
private func emptyFile() throws -> URL {
  let url = FileManager.default.temporaryDirectory.appending(path: "neural-scope-stderr-\(UUID())")
  try Data().write(to: url)
  return url
}
