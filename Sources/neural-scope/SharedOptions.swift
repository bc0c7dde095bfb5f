import ArgumentParser
import NeuralScope
import ScopeBytes

/// Options of every subcommand that may run the model.
struct EngineOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The ONNX Runtime library to load.", valueName: "path"))
  var onnxruntime: String?

  @Option(help: ArgumentHelp("Threads inside an operator; 0 takes every core.", valueName: "n"))
  var threads = 0

  @Option(help: ArgumentHelp("Seed of everything random.", valueName: "n"))
  var seed: UInt64 = 0

  func validate() throws {
    guard (0...1024).contains(threads) else {
      throw ValidationError("--threads takes 0 to 1024, not \(threads)")
    }
  }
}

/// Options of every subcommand that reads images.
struct ImageOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Use at most this many images, spread over the classes.", valueName: "n"))
  var limit: Int?

  @Flag(help: "Stop at the first image that cannot be used instead of skipping it.")
  var strict = false

  @Option(
    help: ArgumentHelp(
      "Preprocessing: imagenet, tf, cifar or none. Default: the recognised architecture's own.",
      valueName: "name"))
  var preset: String?

  @Option(
    help: ArgumentHelp(
      "Mean per channel in units of the [0, 1] pixel range, such as 0.5,0.5,0.5 or 127/255.",
      valueName: "list"))
  var mean: String?

  @Option(help: ArgumentHelp("Standard deviation per channel.", valueName: "list"))
  var std: String?

  @Option(help: ArgumentHelp("Length of the shorter side after resizing, or none.", valueName: "pixels"))
  var resize: String?

  @Option(help: ArgumentHelp("Centre crop, such as 224 or 224x192, or none.", valueName: "pixels"))
  var crop: String?

  @Option(help: ArgumentHelp("bilinear or bicubic.", valueName: "filter"))
  var interpolation: String?
}

/// Options of every subcommand that attacks.
struct AttackFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Attacks, separated by commas: fgsm, pgd, pgd-l2.", valueName: "list"))
  var attack = "fgsm,pgd"

  @Option(
    help: ArgumentHelp(
      "Linf radii in the [0, 1] pixel range. Default: 1/255,2/255,4/255,8/255.", valueName: "list"))
  var epsilon: String?

  @Option(help: ArgumentHelp("L2 radii. Default by image size.", valueName: "list"))
  var epsilonL2: String?

  @Option(help: ArgumentHelp("Steps of PGD.", valueName: "n"))
  var steps = 10

  @Option(
    help: ArgumentHelp("Step size of PGD. Default: epsilon/4 (Linf), epsilon/5 (L2).", valueName: "size"))
  var stepSize: Double?

  @Flag(help: "Start PGD at a random point, as Madry et al. do; deterministic by --seed.")
  var randomStart = false

  @Option(
    help: ArgumentHelp(
      "Added to a gradient's length before PGD in L2 divides by it. torchattacks averages the loss over the batch, so its figures come out at 1e-10 times its batch size.",
      valueName: "size"))
  var gradientNormFloor = 1e-10
}

extension ScopeOptions {
  init(_ engine: EngineOptions, data: String? = nil, images: ImageOptions? = nil, attack: AttackFlags? = nil)
  {
    self.init()
    enginePath = engine.onnxruntime
    threads = engine.threads
    seed = engine.seed
    self.data.path = data
    if let images {
      self.data.limit = images.limit
      self.data.strict = images.strict
      self.data.preset = images.preset
      self.data.mean = images.mean
      self.data.standardDeviation = images.std
      self.data.resize = images.resize
      self.data.crop = images.crop
      self.data.interpolation = images.interpolation
    }
    if let attack {
      self.attack.names = attack.attack
      self.attack.epsilons = attack.epsilon
      self.attack.l2Epsilons = attack.epsilonL2
      self.attack.steps = attack.steps
      self.attack.stepSize = attack.stepSize
      self.attack.randomStart = attack.randomStart
      self.attack.gradientNormFloor = attack.gradientNormFloor
    }
    command = CommandLine.arguments.enumerated().map { $0.offset == 0 ? "neural-scope" : $0.element }.joined(
      separator: " ")
  }
}
