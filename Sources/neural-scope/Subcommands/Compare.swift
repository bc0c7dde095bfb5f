import ArgumentParser
import NeuralScope
import ScopeReport

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "How do two models differ? Structure, weights, every figure, and which is faster here.")

  @Argument(help: "The model before.")
  var before: String

  @Argument(help: "The model after.")
  var after: String

  @Option(
    help: ArgumentHelp("Labelled images; accuracy and agreement are then compared too.", valueName: "dir"))
  var data: String?

  @Flag(name: .customLong("no-run"), help: "Compare structure and weights alone; needs no ONNX Runtime.")
  var noRun = false

  @Flag(help: "Print JSON.")
  var json = false

  @Option(help: ArgumentHelp("Time for measuring both models in turn.", valueName: "seconds"))
  var latencySeconds = 6.0

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
    options.progress = line.handler
    let comparison = try NeuralScope.compare(before, after, run: !noRun, options: options)
    line.clear()
    if json {
      Terminal.write(try JSONRenderer.encode(comparison))
    } else {
      Terminal.write(
        TerminalRenderer.render(
          comparison, options: .init(width: Terminal.width, colours: Terminal.colours)))
    }
  }
}
