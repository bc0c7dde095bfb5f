import ArgumentParser
import NeuralScope
import ScopeReport

struct Robustness: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What is left of its accuracy under attack?")

  @Argument(help: "An image classifier: ONNX, or a checkpoint of a known architecture.")
  var model: String

  @Option(
    help: ArgumentHelp(
      "Labelled images: a folder per class, a folder with labels.csv, or .npz.", valueName: "dir"))
  var data: String

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var attack: AttackFlags
  @OptionGroup var engine: EngineOptions
  @OptionGroup var images: ImageOptions

  func run() throws {
    let line = ProgressLine()
    var options = ScopeOptions(engine, data: data, images: images, attack: attack)
    options.progress = line.handler
    let report = try NeuralScope.robustness(model: model, options: options)
    line.clear()
    try Output.section(report, [.robustness], json: json)
  }
}
