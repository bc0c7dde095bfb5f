import ArgumentParser
import FoundationEssentials
import NeuralScope
import ScopeBytes

struct Init: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a commented policy that this model keeps today, with headroom.",
    discussion: """
      Examples:
        neural-scope init model.onnx
        neural-scope init model.onnx --data images --out policies/production.yml
      """)

  @Argument(help: "A model of any format.")
  var model: String

  @Option(
    help: ArgumentHelp("Labelled images; without them accuracy is not in the policy.", valueName: "dir"))
  var data: String?

  @Option(help: ArgumentHelp("Where to write the policy.", valueName: "file"))
  var out = "neural-scope.yml"

  @Flag(help: "Overwrite the file if there is one.")
  var force = false

  @Flag(inversion: .prefixedNo, help: "Measure robust accuracy too, where there are images.")
  var attacks = true

  @OptionGroup var shapes: ShapeOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var images: ImageOptions

  func run() throws {
    guard force || !FileManager.default.fileExists(atPath: out) else {
      throw ScopeError(
        .cannotWrite, "the file exists already", file: out,
        remedy: "Give another with --out, or overwrite it with --force")
    }
    let line = ProgressLine()
    var options = ValidationOptions()
    options.run = ScopeOptions(engine, data: data, images: images)
    options.run.progress = line.handler
    try options.run.bind(shapes)
    let draft = try NeuralScope.draftPolicy(model: model, attacks: attacks, options: options)
    line.clear()
    try AtomicFile.write(draft.text, to: out)
    let images = data.map { " --data \($0)" } ?? ""
    Terminal.write(
      Terminal.printable(
        "Wrote \(out). Check it with: neural-scope validate \(model) --policy \(out)\(images)")
        + "\n")
  }
}
