import ArgumentParser
import NeuralScope
import ScopeReport

struct Optimize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "How much smaller and faster can it get without losing accuracy? Writes that model and proves it.")

  @Argument(help: "ONNX, or a checkpoint of a known architecture.")
  var model: String

  @Option(
    help: ArgumentHelp(
      "What to calibrate on and judge by: images (a folder per class, a folder with labels.csv, a folder of images without labels) or .npz (x and y, or an array per input). Without it only exact passes and rewrites of weights are tried.",
      valueName: "path"))
  var data: String?

  @Option(help: ArgumentHelp("Where to write the optimized ONNX model.", valueName: "file"))
  var out: String

  @OptionGroup var search: SearchOptions

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var engine: EngineOptions
  @OptionGroup var images: ImageOptions

  func run() throws {
    let line = ProgressLine()
    var options = ScopeOptions(engine, data: data, images: images)
    try options.search(as: search)
    options.optimizedPath = out
    options.progress = line.handler
    let report = try NeuralScope.optimize(model: model, options: options)
    line.clear()
    try Output.section(report, [.optimization], json: json)
  }
}
