import ScopeBytes
import ScopeData
import ScopeFormats
import ScopeGraph
import ScopeHardening
import ScopeReport
import ScopeRobustness
import ScopeRuntime
import ScopeStatistics

/// How a model is to be hardened; texts as on the command line.
public struct HardenOptions: Sendable {
  /// Linf budget such as `1/255`.
  public var epsilon = "1/255"
  public var method = HardeningMethod.distillation
  public var layers = HardenedLayers.all
  public var rounds = 12
  public var learningRate = 5e-4
  /// Clean accuracy that may be lost, as a fraction.
  public var maximumAccuracyDrop = 0.05
  public var timeBudget: Duration?
  /// Judge with APGD on two losses instead of AutoAttack.
  public var isQuick = false
  /// Images that judge; nil keeps every other one of the data back.
  public var testPath: String?
  /// `bits=5,smooth`; measured beside the hardened model, never written.
  public var defences: String?
  public var outputPath: String?

  public init() {}
}

/// Hardens, judges on images that nobody learnt from, and writes the model.
struct HardeningStage {
  private let settings: HardenOptions
  private let options: ScopeOptions
  private let model: LoadedModel
  private let engine: Engine
  private let epsilon: Epsilon
  private let normalization: Normalization
  private let learning: LabeledImages
  private let judging: LabeledImages

  init(path: String, settings: HardenOptions, options: ScopeOptions) throws(ScopeError) {
    self.settings = settings
    self.options = options
    epsilon = try Epsilon(parsing: settings.epsilon)
    _ = try InputDefence.list(settings.defences ?? "smooth")
    model = try LoadedModel(path: path, shapes: options.shapes)
    _ = try model.executableGraph()
    engine = try Engine.load(path: options.enginePath)
    let data = try PreparedData.load(for: model, options: options)
    normalization = data.normalization
    if let test = settings.testPath {
      var other = options
      other.data.path = test
      learning = data.images
      judging = try PreparedData.load(for: model, options: other).images
    } else {
      learning = try Self.part(data.images, odd: true)
      judging = try Self.part(data.images, odd: false)
    }
  }

  private static func part(_ images: LabeledImages, odd: Bool) throws(ScopeError) -> LabeledImages {
    let indices = (0..<images.count).filter { ($0 % 2 == 1) == odd }
    return try LabeledImages(
      channels: images.channels, height: images.height, width: images.width,
      pixels: .floats(images.pixelValues(indices)), labels: indices.map { images.labels[$0] },
      names: indices.map { images.names[$0] })
  }

  func run() throws(ScopeError) -> Hardening {
    let graph = try model.executableGraph()
    do throws(ScopeError) {
      let result = try AdversarialTraining.run(request(graph))
      return try report(result, graph)
    } catch {
      throw error.inFile(model.file.path)
    }
  }

  private func request(_ graph: Model) -> HardeningRequest {
    var request = HardeningRequest(
      model: graph, normalization: normalization, images: learning, engine: engine, epsilon: epsilon)
    request.threads = options.threads
    request.seed = options.seed
    request.method = settings.method
    request.layers = settings.layers
    request.rounds = settings.rounds
    request.learningRate = Float(settings.learningRate)
    request.maxAccuracyDrop = settings.maximumAccuracyDrop
    request.timeBudget = settings.timeBudget
    if let progress = options.progress {
      request.progress = { stage, fraction in
        progress(ScopeProgress(stage: stage, fraction: fraction * 0.6))
      }
    }
    return request
  }

  private var attacks: [AttackSpecification] {
    let algorithms: [AttackAlgorithm] =
      settings.isQuick ? [.apgdCrossEntropy, .apgdLogitsRatio] : [.autoAttack]
    return algorithms.map { AttackSpecification(AttackKind($0), epsilon: epsilon, seed: options.seed) }
  }

  private func evaluator(_ what: String) -> (RobustnessEvaluator, RobustnessEvaluator.Progress) {
    var settings = RobustnessOptions()
    settings.threads = options.threads
    settings.sampleCount = 0
    settings.seed = options.seed
    let progress = options.progress
    return (
      RobustnessEvaluator(engine: engine, options: settings),
      { fraction, message in
        progress?(ScopeProgress(stage: "Judging \(what): \(message)", fraction: 0.6 + 0.4 * fraction))
      }
    )
  }

  /// Right when clean, and right when clean and under every attack, per image.
  private struct Judgement {
    var clean: [Bool]
    var robust: [Bool]

    init(_ result: RobustnessResult) {
      clean = result.right
      robust = result.right.indices.map { image in result.attacks.allSatisfy { $0.withstood[image] } }
    }

    func side(_ attack: String) -> Hardening.Side {
      func figure(_ values: [Bool], _ conditions: String) -> Figure {
        .proportion(values.count { $0 }, of: values.count, conditions: conditions) ?? .fraction(0)
      }
      return Hardening.Side(
        clean: figure(clean, "top-1 on images not learnt from"), robust: figure(robust, attack))
    }
  }

  private func report(_ result: HardeningResult, _ graph: Model) throws(ScopeError) -> Hardening {
    let summary = attacks.map(\.summary).joined(separator: " and ")
    let (evaluator, progress) = evaluator("the original")
    let before = Judgement(
      try evaluator.evaluate(
        graph, normalization: normalization, images: judging, attacks: attacks, progress: progress))
    var described = Report.Model(model)
    described.sha256 = model.file.bytes.sha256
    var conditions = Report.Conditions(options: options)
    conditions.engine = Report.Engine(version: engine.version, path: engine.path, provider: "CPU")
    var value = Hardening(
      model: described, conditions: conditions, method: settings.method.rawValue,
      layers: settings.layers.rawValue, epsilonText: epsilon.text, attack: summary,
      before: before.side(summary))
    value.trainingImages = result.trainingImages
    value.choosingImages = result.choosingImages
    value.judgingImages = judging.count
    value.trainedParameters = result.parameters
    value.trainingSeconds = result.seconds
    value.keptRound = result.keptRound
    value.rounds = result.rounds.map { round in
      Hardening.Side(
        clean: .proportion(round.clean.correct, of: round.clean.count) ?? .fraction(0),
        robust: .proportion(round.robust.correct, of: round.robust.count) ?? .fraction(0))
    }
    if result.limitedByTime { value.notes.append("The time ended the rounds early") }
    if result.keptRound > 0 {
      let (evaluator, progress) = self.evaluator("the hardened model")
      let after = Judgement(
        try evaluator.evaluate(
          result.model, normalization: normalization, images: judging, attacks: attacks, progress: progress))
      value.after = after.side(summary)
      value.cleanChange = change(before.clean, after.clean)
      value.robustChange = change(before.robust, after.robust)
    }
    value.defences = try defences(graph)
    if let path = settings.outputPath {
      try AtomicFile.write(try ONNXWriter.serialize(result.model), to: path)
      value.outputPath = path
    }
    return value
  }

  private func change(_ before: [Bool], _ after: [Bool]) -> Hardening.Change {
    let paired = PairedComparison(
      original: before.map { $0 ? 1 : 0 }, candidate: after.map { $0 ? 1 : 0 },
      labels: [Int](repeating: 1, count: before.count))
    return Hardening.Change(lost: paired.lost, gained: paired.gained, pValue: paired.pValue)
  }

  /// Each defence of the original, under its adversarial images and under its own.
  private func defences(_ graph: Model) throws(ScopeError) -> [Hardening.Defence] {
    guard let text = settings.defences else { return [] }
    var rows: [Hardening.Defence] = []
    for defence in try InputDefence.list(text) {
      let defended = try defence.apply(to: graph, normalization: normalization)
      let (evaluator, progress) = evaluator(defence.title.lowercased())
      let compared = try evaluator.compare(
        original: graph, other: defended, normalization: normalization, images: judging, attacks: attacks,
        progress: progress)
      guard let other = compared.other else {
        throw ScopeError(.unsupported, compared.otherFailure ?? "the defended model has no gradient")
      }
      let side = Judgement(other).side("aware")
      let unaware = compared.original.attacks.compactMap { $0.transferred }.min { $0.correct < $1.correct }
      rows.append(
        Hardening.Defence(
          name: defence.title, clean: side.clean,
          unaware: unaware.flatMap { .proportion($0.correct, of: $0.count) } ?? .fraction(0),
          aware: side.robust))
    }
    return rows
  }
}
