import ScopeBytes
import ScopeData
import ScopeGradients
import ScopeGraph
import ScopeOptimization
import ScopeRobustness
import ScopeRuntime
import ScopeStatistics

/// Teaches a model to withstand small perturbations, by fine-tuning on adversarial images of itself.
public enum AdversarialTraining {
  /// Runs rounds of: PGD images for the model as it is, then a few passes over them and the clean images, with steps that
  /// run in the engine. Normalisations keep their statistics. Deterministic for equal arguments and threads, unless time
  /// ends it.
  ///
  /// - Throws: `invalidData` for too few images; `unsupported` for models without float weights to train or whose
  ///   gradient cannot be built (the operator is named); `invalidArgument`; `interrupted`; engine failures.
  public static func run(_ request: HardeningRequest) throws(ScopeError) -> HardeningResult {
    var run = try HardeningRun(request)
    return try run.run()
  }
}

private struct HardeningRun {
  private static let fewestImages = 20
  /// Every how many images one chooses among the rounds.
  private static let choosingStride = 4
  /// A logit that leaves the other classes next to nothing: softmax of 12 against zeros is above 0.999 for 100 classes.
  private static let labelLogit: Float = 12

  private let request: HardeningRequest
  private let start = ContinuousClock.now
  private let training: LabeledImages
  private let choosing: LabeledImages
  private let teacher: [Float]
  private let recipe: DistillationRecipe
  private var current: Model

  init(_ request: HardeningRequest) throws(ScopeError) {
    self.request = request
    guard request.rounds >= 1, request.rounds <= 1000, request.learningRate > 0, request.epochsPerRound >= 1,
      request.maxAccuracyDrop >= 0
    else {
      throw ScopeError(
        .invalidArgument, "the settings of the hardening are out of range",
        expected: "1 to 1000 rounds, 1 or more epochs, a learning rate above 0, a drop of 0 or more",
        found:
          "\(request.rounds) rounds, \(request.epochsPerRound) epochs, \(request.learningRate), \(request.maxAccuracyDrop)"
      )
    }
    let images = request.images
    guard images.count >= Self.fewestImages, Set(images.labels).count > 1 else {
      throw ScopeError(
        .invalidData, "there is too little to learn from",
        expected: "at least \(Self.fewestImages) labelled images of two classes or more",
        found: "\(images.count) images of \(Set(images.labels).count) classes", remedy: "Give more images")
    }
    let chosen = (0..<images.count).filter { $0 % Self.choosingStride == Self.choosingStride / 2 }
    let rest = (0..<images.count).filter { $0 % Self.choosingStride != Self.choosingStride / 2 }
    training = try Self.subset(images, rest)
    choosing = try Self.subset(images, chosen)
    current = request.model
    var recipe = DistillationRecipe()
    recipe.learningRate = request.learningRate
    recipe.epochs = request.epochsPerRound
    recipe.loss = .divergence(temperature: 1)
    recipe.features = []
    recipe.heldOut = 0.1
    if request.layers == .last {
      guard let last = Self.lastLayer(request.model) else {
        throw ScopeError(
          .unsupported, "the model has no last layer with weights of its own", remedy: "Train all layers")
      }
      recipe.parameters = last
    }
    self.recipe = recipe
    let target = try Self.target(request.model, training, request, withGradient: false)
    teacher = try Self.logits(target, training)
  }

  private static func subset(_ images: LabeledImages, _ indices: [Int]) throws(ScopeError) -> LabeledImages {
    try LabeledImages(
      channels: images.channels, height: images.height, width: images.width,
      pixels: .floats(images.pixelValues(indices)), labels: indices.map { images.labels[$0] },
      names: indices.map { images.names[$0] })
  }

  /// The constants of the last Gemm, MatMul (with the Add behind it) or Conv.
  private static func lastLayer(_ model: Model) -> [String]? {
    let graph = model.graph
    guard
      let index = graph.nodes.lastIndex(where: { node in
        ["Gemm", "MatMul", "Conv"].contains { node.isStandard($0) }
          && node.inputs.dropFirst().contains { graph.initializers[$0] != nil }
      })
    else { return nil }
    var names = graph.nodes[index].inputs.dropFirst().filter { graph.initializers[$0] != nil }
    for node in graph.nodes.dropFirst(index + 1) where node.isStandard("Add") {
      names += node.inputs.filter { graph.initializers[$0]?.dataType == .float32 }
    }
    return Array(names)
  }

  private static func target(
    _ model: Model, _ images: LabeledImages, _ request: HardeningRequest, withGradient: Bool
  ) throws(ScopeError) -> AttackTarget {
    var options = RobustnessOptions()
    options.threads = request.threads
    return try AttackTarget(
      engine: request.engine, model: model, normalization: request.normalization, images: images,
      withGradient: withGradient, options: options)
  }

  /// Logits of all images [N, classes].
  private static func logits(_ target: AttackTarget, _ images: LabeledImages) throws(ScopeError) -> [Float] {
    var values: [Float] = []
    for first in stride(from: 0, to: images.count, by: target.batchSize) {
      let indices = first..<min(first + target.batchSize, images.count)
      values += try target.logits(
        images.pixelValues(indices),
        shape: [indices.count, images.channels, images.height, images.width]
      ).values
    }
    return values
  }

  private var isOver: Bool {
    request.timeBudget.map { ContinuousClock.now - start >= $0 } ?? false
  }

  // MARK: Rounds

  mutating func run() throws(ScopeError) -> HardeningResult {
    request.progress("Measuring the original", 0)
    var result = HardeningResult(
      model: request.model, keptRound: 0, rounds: [try judge(request.model)], trainingImages: training.count,
      choosingImages: choosing.count, parameters: 0, limitedByTime: false, seconds: 0)
    let floor = result.rounds[0].clean.value - request.maxAccuracyDrop - 1e-9
    for round in 1...request.rounds {
      if isOver {
        result.limitedByTime = true
        break
      }
      let share = Double(round - 1) / Double(request.rounds)
      request.progress("Round \(round) of \(request.rounds): adversarial images", share)
      let adversarial = try adversarialImages(round)
      request.progress("Round \(round) of \(request.rounds): learning", share + 0.4 / Double(request.rounds))
      let learnt = try learn(adversarial, round)
      result.parameters = learnt.parameters
      current = learnt.model
      let found = try judge(current)
      result.rounds.append(found)
      let best = result.rounds[result.keptRound]
      if found.clean.value >= floor,
        (found.robust.correct, found.clean.correct) > (best.robust.correct, best.clean.correct)
      {
        result.keptRound = round
        result.model = current
      }
    }
    result.model.metadata["neural_scope.hardened"] =
      result.keptRound == 0
      ? nil
      : "\(request.method.rawValue), Linf \(request.epsilon.text), \(result.keptRound) rounds, \(training.count) images"
    result.seconds = (ContinuousClock.now - start) / .seconds(1)
    return result
  }

  /// Clean and robust accuracy on the images that choose.
  private func judge(_ model: Model) throws(ScopeError) -> HardeningResult.Round {
    let target = try Self.target(model, choosing, request, withGradient: true)
    let attack = attack(steps: 10, seed: request.seed)
    let adversarial = try AdversarialImages.make(choosing, attack: attack, target: target, afterStep: check)
    let attacked = try LabeledImages(
      channels: choosing.channels, height: choosing.height, width: choosing.width,
      pixels: .floats(adversarial),
      labels: choosing.labels, names: choosing.names)
    let clean = correct(try Self.logits(target, choosing))
    let robust = correct(try Self.logits(target, attacked))
    return HardeningResult.Round(
      clean: MeasuredAccuracy(correct: clean.count { $0 }, of: choosing.count),
      robust: MeasuredAccuracy(correct: zip(clean, robust).count { $0 && $1 }, of: choosing.count))
  }

  private func correct(_ logits: [Float]) -> [Bool] {
    let classes = logits.count / choosing.count
    return choosing.labels.indices.map { index in
      AttackAnswer.largest(logits[index * classes..<(index + 1) * classes]) == choosing.labels[index]
    }
  }

  private func check() throws(ScopeError) {
    if request.isCancelled() { throw ScopeError(.interrupted, "the hardening was interrupted") }
  }

  private func attack(steps: Int, seed: UInt64) -> AttackSpecification {
    AttackSpecification(
      .pgd, epsilon: request.epsilon, steps: steps, stepSize: 2.5 * request.epsilon.value / Double(steps),
      randomStart: true, seed: seed)
  }

  private func adversarialImages(_ round: Int) throws(ScopeError) -> [Float] {
    let target = try Self.target(current, training, request, withGradient: true)
    return try AdversarialImages.make(
      training, attack: attack(steps: request.attackSteps, seed: request.seed &+ UInt64(round)),
      target: target, afterStep: check)
  }

  /// A few passes over the clean and the adversarial images together.
  private func learn(_ adversarial: [Float], _ round: Int) throws(ScopeError) -> DistillationResult {
    let clean = training.pixelValues(0..<training.count)
    let images = try LabeledImages(
      channels: training.channels, height: training.height, width: training.width,
      pixels: .floats(clean + adversarial), labels: training.labels + training.labels,
      names: training.names + training.names)
    let wanted = targets()
    var context = OptimizationContext(
      samples: SampleSet(images: images, normalization: request.normalization),
      calibration: Array(0..<images.count), engine: request.engine, threads: request.threads,
      seed: request.seed &+ UInt64(round))
    context.deadline = request.timeBudget.map { start + $0 }
    return try Distillation.finetune(
      student: current, teacher: .logits(wanted + wanted), recipe: recipe, context: context)
  }

  /// [N, classes]: what to answer for each training image, clean or not.
  private func targets() -> [Float] {
    guard request.method == .labels else { return teacher }
    let classes = teacher.count / training.count
    var values = [Float](repeating: 0, count: teacher.count)
    for (index, label) in training.labels.enumerated() where label < classes {
      values[index * classes + label] = Self.labelLogit
    }
    return values
  }
}
