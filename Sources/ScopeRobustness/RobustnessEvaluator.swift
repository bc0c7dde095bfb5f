import ScopeBytes
import ScopeData
import ScopeGraph
import ScopeRuntime

/// Attacks a classifier and counts what survives.
///
/// Attacks are white-box and work in pixel space [0, 1]: the normalisation is part of the model under attack.
public struct RobustnessEvaluator: Sendable {
  /// Called with the finished fraction in 0...1 and one line such as `FGSM 2/255, 640 of 2000 images, 12 s left`.
  public typealias Progress = (_ fraction: Double, _ message: String) -> Void

  public let engine: Engine
  public var options: RobustnessOptions

  public init(engine: Engine, options: RobustnessOptions = .init()) {
    self.engine = engine
    self.options = options
  }

  /// Clean and robust accuracy of `model` under each attack.
  ///
  /// - Parameters:
  ///   - model: a classifier of normalised images with one image input.
  ///   - normalization: what the model expects of pixels.
  ///   - isCancelled: asked between gradient steps.
  /// - Throws: `unsupported` when the gradient cannot be built (naming the operator), `invalidData` when labels and
  ///   classes disagree, `interrupted`, `engineFailure`.
  public func evaluate(
    _ model: Model, normalization: Normalization, images: LabeledImages, attacks: [AttackSpecification],
    progress: Progress = { _, _ in }, isCancelled: () -> Bool = { Task.isCancelled }
  ) throws(ScopeError) -> RobustnessResult {
    let target = try AttackTarget(
      engine: engine, model: model, normalization: normalization, images: images, withGradient: true,
      options: options)
    var run = EvaluationRun(target: target, second: nil, images: images, attacks: attacks, options: options)
    let result = try run.result(progress: progress, isCancelled: isCancelled)
    return try completed(
      result, of: run, model: model, progress: progress, isCancelled: isCancelled)
  }

  /// The result with each image's smallest budget and the checks of its trustworthiness, where they were asked for.
  private func completed(
    _ result: RobustnessResult, of run: EvaluationRun, model: Model, progress: Progress,
    isCancelled: () -> Bool
  ) throws(ScopeError) -> RobustnessResult {
    var result = result
    if options.findsMinimalEpsilon {
      result.minimalEpsilon = try MinimalEpsilon.measure(
        target: run.target, images: run.images, scores: run.cleanScores, seed: options.seed,
        progress: { done, count in progress(1, "smallest budgets, \(done) of \(count) images") },
        isCancelled: isCancelled)
    }
    for change in options.sharedChanges {
      result.sharedChanges.append(
        try SharedAttack(target: run.target, images: run.images, change: change, seed: options.seed).run(
          progress: { done, count in progress(1, "\(change.title), \(done) of \(count) batches") },
          isCancelled: isCancelled))
    }
    let study = ChangeStudy(
      target: run.target, second: run.second, images: run.images, seed: options.seed,
      threads: options.threads)
    if !options.changes.isEmpty {
      result.changes = try study.run(
        options.changes, progress: { fraction, title in progress(fraction, title) }, isCancelled: isCancelled)
    }
    if options.asksUnknowns { result.unknowns = try study.unknowns(isCancelled: isCancelled) }
    if let settings = options.smoothing {
      result.smoothing = try RandomizedSmoothing(
        target: run.target, images: run.images, settings: settings, seed: options.seed
      ).run(
        progress: { done, count in
          progress(Double(done) / Double(count), "certifying, \(done) of \(count) images")
        }, isCancelled: isCancelled)
    }
    guard options.checksSanity else { return result }
    let isQuantized = model.graph.nodes.contains { node in
      ["Quantize", "Integer", "QLinear"].contains { node.opType.contains($0) }
    }
    let found = try SanityChecks(target: run.target, images: run.images, options: options)
      .run(result, isQuantized: isQuantized, isCancelled: isCancelled)
    result.checks = found.checks
    result.confidence = found.confidence
    return result
  }

  /// Both models under the same attacks: each through its own gradient, and the original's adversarial images on the
  /// other.
  ///
  /// When the other model's gradient cannot be built, transfer alone is measured and the reason reported.
  public func compare(
    original: Model, other: Model, normalization: Normalization, images: LabeledImages,
    attacks: [AttackSpecification], progress: Progress = { _, _ in },
    isCancelled: () -> Bool = { Task.isCancelled }
  ) throws(ScopeError) -> ComparedRobustness {
    let target = try AttackTarget(
      engine: engine, model: original, normalization: normalization, images: images, withGradient: true,
      options: options)
    var second: AttackTarget
    var failure: String?
    do throws(ScopeError) {
      second = try AttackTarget(
        engine: engine, model: other, normalization: normalization, images: images, withGradient: true,
        options: options)
    } catch {
      guard error.code == .unsupported else { throw error }
      failure = error.description
      second = try AttackTarget(
        engine: engine, model: other, normalization: normalization, images: images, withGradient: false,
        options: options)
    }
    let share = failure == nil ? 0.5 : 1
    var run = EvaluationRun(
      target: target, second: second, images: images, attacks: attacks, options: options)
    let measured = try run.result(
      progress: { fraction, message in progress(fraction * share, "original: \(message)") },
      isCancelled: isCancelled)
    let result = try completed(
      measured, of: run, model: original,
      progress: { _, message in progress(share, message) }, isCancelled: isCancelled)
    var otherResult: RobustnessResult?
    if failure == nil {
      // The strict figure is all that is compared, and it allows fooled images to leave.
      var strict = options
      strict.stopsWhenFooled = true
      strict.sampleCount = 0
      strict.checksSanity = false
      strict.findsMinimalEpsilon = false
      var otherRun = EvaluationRun(
        target: second, second: nil, images: images, attacks: attacks, options: strict)
      otherResult = try otherRun.result(
        progress: { fraction, message in progress(share + fraction * (1 - share), "optimized: \(message)") },
        isCancelled: isCancelled)
    }
    return ComparedRobustness(
      original: result, other: otherResult, otherFailure: failure,
      otherCleanAccuracy: MeasuredAccuracy(correct: run.secondCleanCorrect, of: images.count))
  }
}
