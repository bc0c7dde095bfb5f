import ArgumentParser
import NeuralScope
import ScopeReport

struct Optimize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "How much smaller and faster can it get without losing accuracy? Writes that model and proves it.")

  @Argument(help: "An image classifier: ONNX, or a checkpoint of a known architecture.")
  var model: String

  @Option(
    help: ArgumentHelp(
      "Labelled images: a folder per class, a folder with labels.csv, or .npz.", valueName: "dir"))
  var data: String

  @Option(help: ArgumentHelp("Where to write the optimized ONNX model.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("Accuracy the optimized model may lose.", valueName: "points"))
  var maxAccuracyDrop = 1.0

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var engine: EngineOptions
  @OptionGroup var images: ImageOptions

  func validate() throws {
    guard (0...100).contains(maxAccuracyDrop) else {
      throw ValidationError("--max-accuracy-drop takes 0 to 100 points")
    }
  }

  func run() throws {
    let line = ProgressLine()
    var options = ScopeOptions(engine, data: data, images: images)
    options.maximumAccuracyDrop = maxAccuracyDrop / 100
    options.optimizedPath = out
    options.progress = line.handler
    let report = try NeuralScope.optimize(model: model, options: options)
    line.clear()
    try Output.section(report, [.optimization], json: json)
  }
}
