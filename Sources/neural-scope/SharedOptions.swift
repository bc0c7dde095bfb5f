import ArgumentParser
import NeuralScope
import ScopeBytes
import ScopeReport

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

/// Sizes that the model leaves open.
struct ShapeOptions: ParsableArguments {
  @Option(
    name: .customLong("shape"),
    help: ArgumentHelp(
      "Size of an input that the model leaves open, such as input=1x3x224x224; repeatable.",
      valueName: "name=sizes"))
  var shapes: [String] = []
}

/// What `analyze` looks into and prints beyond the first table.
struct DetailFlags: ParsableArguments {
  @Flag(help: "Print every layer: output shape, parameters, MACs, time.")
  var layers = false

  @Flag(help: "Print where the memory goes: timeline, peak tensors, the engine's peak, larger batches.")
  var memory = false

  @Flag(help: "Measure the machine's roofs and print what bounds each kernel.")
  var roofline = false

  @Flag(help: "Measure and print throughput over batch sizes and threads.")
  var throughput = false

  @Flag(help: "Print statistics of every stored tensor; reads all weights.")
  var tensors = false

  @OptionGroup var shapes: ShapeOptions

  @Option(
    help: ArgumentHelp("Price of a machine like this one per hour, in any currency.", valueName: "price"))
  var pricePerHour: Double?

  @Option(
    name: .customLong("context"),
    help: ArgumentHelp("Context lengths of a language model, separated by commas.", valueName: "tokens"))
  var contexts: String?

  func validate() throws {
    if let price = pricePerHour, !(price > 0 && price <= 1e9) {
      throw ValidationError("--price-per-hour takes more than 0")
    }
    _ = try contextLengths()
  }

  func contextLengths() throws -> [Int] {
    try (contexts?.split(separator: ",", omittingEmptySubsequences: false) ?? []).map { text in
      guard let tokens = Int(text), (1...1_000_000_000).contains(tokens) else {
        throw ValidationError("--context takes lengths such as 4096,32768, not \(text)")
      }
      return tokens
    }
  }

  /// The parts to print, in the order they are printed.
  var parts: [Report.AnalysisPart] {
    let asked: [(Report.AnalysisPart, Bool)] = [
      (.layers, layers), (.memory, memory), (.roofline, roofline),
      (.throughput, throughput || pricePerHour != nil),
      (.tensors, tensors),
    ]
    return asked.filter(\.1).map(\.0)
  }
}

/// Options of every subcommand that attacks.
struct AttackFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Attacks, separated by commas: fgsm, bim, mi-fgsm, pgd, least-likely, random-target, deepfool, cw-l2, apgd-ce, apgd-dlr, apgd-t, fab-t, square, hopskipjump, autoattack, autoattack-plus; with -l2 or -l1 in another norm.",
      valueName: "list"))
  var attack = "fgsm,pgd"

  @Option(
    help: ArgumentHelp(
      "Linf radii in the [0, 1] pixel range. Default: 1/255,2/255,4/255,8/255.", valueName: "list"))
  var epsilon: String?

  @Option(help: ArgumentHelp("L2 radii. Default by image size.", valueName: "list"))
  var epsilonL2: String?

  @Option(help: ArgumentHelp("L1 radii. Default by image size.", valueName: "list"))
  var epsilonL1: String?

  @Option(
    help: ArgumentHelp(
      "Gradient steps. Default: 10 for PGD and MI-FGSM, 50 for DeepFool, 100 for APGD and FAB, 200 per bisection for C&W.",
      valueName: "n"))
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "Forward passes of Square, alone or in AutoAttack, and of HopSkipJump.", valueName: "n"))
  var queries = 5000

  @Option(
    help: ArgumentHelp("Step size of PGD. Default: epsilon/4 (Linf), epsilon/5 (L2).", valueName: "size"))
  var stepSize: Double?

  @Flag(help: "Start PGD at a random point, as Madry et al. do; deterministic by --seed.")
  var randomStart = false

  @Flag(help: "Look for the smallest Linf budget that fools each image, up to 16/255.")
  var minimalEpsilon = false

  @Option(
    help: ArgumentHelp(
      "Linf radii of one perturbation for all images, learnt on half of them and judged on the others.",
      valueName: "list"))
  var universal: String?

  @Option(
    help: ArgumentHelp(
      "Shares of the image that an adversarial patch at random places covers, such as 0.05.",
      valueName: "list"))
  var patch: String?

  @Option(
    help: ArgumentHelp(
      "Common corruptions in five severities: all, extra, noise, blur, weather, digital, or names such as fog.",
      valueName: "list"))
  var corruptions: String?

  @Option(
    help: ArgumentHelp(
      "Certify by randomized smoothing: standard deviation of the noise in the [0, 1] pixel range, such as 0.25.",
      valueName: "sigma"))
  var smoothing: Double?

  @Option(help: ArgumentHelp("Noisy copies of each image that certify it.", valueName: "n"))
  var smoothingSamples = 1000

  @Flag(help: "How often small shifts, turns, brightness and JPEG change a prediction.")
  var stability = false

  @Flag(help: "How sure the model is of noise and of images without objects.")
  var unknowns = false

  @Flag(
    inversion: .prefixedNo,
    help: "Attack a few images again in ways that reveal masked gradients and too weak attacks.")
  var checks = true

  @Option(
    help: ArgumentHelp(
      "Added to a gradient's length before PGD in L2 divides by it. torchattacks averages the loss over the batch, so its figures come out at 1e-10 times its batch size.",
      valueName: "size"))
  var gradientNormFloor = 1e-10
}

extension ScopeOptions {
  /// Takes the sizes that the user gave.
  mutating func bind(_ options: ShapeOptions) throws {
    for text in options.shapes {
      let (input, shape) = try InputShapes.parse(text)
      shapes[input] = shape
    }
  }

  /// What the flags of `analyze` ask for.
  mutating func look(into flags: DetailFlags) throws {
    details = Set(flags.parts.compactMap { AnalysisDetail(rawValue: $0.rawValue) })
    pricePerHour = flags.pricePerHour
    contextLengths = try flags.contextLengths()
    try bind(flags.shapes)
  }

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
      self.attack.l1Epsilons = attack.epsilonL1
      self.attack.steps = attack.steps
      self.attack.queries = attack.queries
      self.attack.stepSize = attack.stepSize
      self.attack.randomStart = attack.randomStart
      self.attack.checksSanity = attack.checks
      self.attack.findsMinimalEpsilon = attack.minimalEpsilon
      self.attack.universalEpsilons = attack.universal
      self.attack.patchShares = attack.patch
      self.attack.corruptions = attack.corruptions
      self.attack.measuresStability = attack.stability
      self.attack.smoothingSigma = attack.smoothing
      self.attack.smoothingSamples = attack.smoothingSamples
      self.attack.asksUnknowns = attack.unknowns
      self.attack.gradientNormFloor = attack.gradientNormFloor
    }
    command = CommandLine.arguments.enumerated().map { $0.offset == 0 ? "neural-scope" : $0.element }.joined(
      separator: " ")
  }
}
