import ArgumentParser
import NeuralScope
import ScopeHardening
import ScopeReport

extension HardeningMethod: ExpressibleByArgument {}
extension HardenedLayers: ExpressibleByArgument {}

struct Harden: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a classifier withstand small perturbations and shows what that costs.",
    discussion: """
      Fine-tunes on adversarial images of the model itself and judges before and after by AutoAttack on images that it \
      did not learn from. Example: neural-scope harden model.onnx --data train --test test --epsilon 1/255 --out hard.onnx
      """)

  @Argument(help: "ONNX, or a checkpoint of a known architecture.")
  var model: String

  @Option(help: ArgumentHelp("Labelled images to learn from.", valueName: "path"))
  var data: String

  @Option(
    help: ArgumentHelp(
      "Labelled images that judge. Default: every other image of --data is kept back.", valueName: "path"))
  var test: String?

  @Option(help: ArgumentHelp("Where to write the hardened ONNX model.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("Linf radius in the [0, 1] pixel range.", valueName: "radius"))
  var epsilon = "1/255"

  @Option(
    help: "What to answer for an adversarial image: what the original says of the clean one, or the label.")
  var method = HardeningMethod.distillation

  @Option(help: "Which weights learn.")
  var layers = HardenedLayers.all

  @Option(help: ArgumentHelp("Rounds of making adversarial images and learning from them.", valueName: "n"))
  var rounds = 12

  @Option(help: ArgumentHelp("Largest learning rate of each round.", valueName: "rate"))
  var learningRate = 5e-4

  @Option(help: ArgumentHelp("Clean accuracy that may be lost.", valueName: "points"))
  var maxAccuracyDrop = 5.0

  @Option(help: ArgumentHelp("Time for the rounds, such as 90s or 5m.", valueName: "time"))
  var timeBudget: TimeBudget?

  @Option(
    help: ArgumentHelp(
      "Also measure input defences of the original: bits=1 to bits=7, smooth.", valueName: "list"))
  var defences: String?

  @Flag(help: "Judge with APGD on two losses instead of AutoAttack.")
  var quick = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var engine: EngineOptions
  @OptionGroup var images: ImageOptions

  func validate() throws {
    guard (1...1000).contains(rounds) else { throw ValidationError("--rounds takes 1 to 1000") }
    guard learningRate > 0, learningRate < 1 else {
      throw ValidationError("--learning-rate takes more than 0, less than 1")
    }
    guard (0...100).contains(maxAccuracyDrop) else {
      throw ValidationError("--max-accuracy-drop takes 0 to 100 points")
    }
  }

  func run() throws {
    let line = ProgressLine()
    var options = ScopeOptions(engine, data: data, images: images)
    options.progress = line.handler
    var settings = HardenOptions()
    settings.epsilon = epsilon
    settings.method = method
    settings.layers = layers
    settings.rounds = rounds
    settings.learningRate = learningRate
    settings.maximumAccuracyDrop = maxAccuracyDrop / 100
    settings.timeBudget = timeBudget?.duration
    settings.isQuick = quick
    settings.testPath = test
    settings.defences = defences
    settings.outputPath = out
    let hardening = try NeuralScope.harden(model: model, settings: settings, options: options)
    line.clear()
    if json {
      Terminal.write(try JSONRenderer.encode(hardening))
    } else {
      Terminal.write(
        TerminalRenderer.render(
          hardening, options: .init(width: Terminal.width, colours: Terminal.colours)))
    }
  }
}
