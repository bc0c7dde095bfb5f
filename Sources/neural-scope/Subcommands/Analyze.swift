import ArgumentParser
import NeuralScope
import ScopeReport

struct Analyze: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What is it? Parameters, layers, architecture, MACs, memory, latency, where the time goes.")

  @Argument(help: "A model of any format: a file, an index.json, or a Hugging Face folder.")
  var model: String

  @Option(
    help: ArgumentHelp(
      "Labelled images; the latency is then measured on the first of them.", valueName: "dir"))
  var data: String?

  @Flag(name: .customLong("no-run"), help: "Answer from structure alone; needs no ONNX Runtime.")
  var noRun = false

  @Flag(help: "Print JSON.")
  var json = false

  @Option(help: ArgumentHelp("Upper bound of the latency measurement.", valueName: "seconds"))
  var latencySeconds = 3.0

  @OptionGroup var details: DetailFlags
  @OptionGroup var engine: EngineOptions
  @OptionGroup var images: ImageOptions

  func validate() throws {
    guard latencySeconds > 0, latencySeconds <= 3600 else {
      throw ValidationError("--latency-seconds takes more than 0, at most 3600")
    }
  }

  func run() throws {
    let line = ProgressLine()
    var options = ScopeOptions(engine, data: data, images: images)
    options.latencyBudget = .seconds(latencySeconds)
    try options.look(into: details)
    options.progress = line.handler
    let report = try NeuralScope.analyze(model: model, run: !noRun, options: options)
    line.clear()
    try Output.analysis(report, parts: details.parts, json: json)
    // What can be said has been said; the program itself could not be followed.
    if let problem = report.model.problem { throw Unreadable(problem: problem) }
  }
}
