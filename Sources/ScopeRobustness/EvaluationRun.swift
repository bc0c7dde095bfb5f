import ScopeBytes
import ScopeData
import ScopeRuntime

/// One pass over the images with every attack.
struct EvaluationRun {
  /// Counters of one attack.
  private struct Tally {
    var correct = 0
    var strict = 0
    var fooled = 0
    var attacked = 0
    var l2 = 0.0
    var linf = 0.0
    var gradientQueries = 0
    var forwardQueries = 0
    var transferred = 0
    var duration = Duration.zero
    /// Per image, whether it withstood; for the worst case over attacks.
    var survivors: [Bool] = []
  }

  let target: AttackTarget
  let second: AttackTarget?
  let images: LabeledImages
  let attacks: [AttackSpecification]
  let options: RobustnessOptions
  private(set) var secondCleanCorrect = 0
  private var cleanCorrect = 0
  private var tallies: [Tally]
  private var samples: SampleCollector
  private let headline: (epsilon: Epsilon, reason: String)?

  init(
    target: AttackTarget, second: AttackTarget?, images: LabeledImages, attacks: [AttackSpecification],
    options: RobustnessOptions
  ) {
    self.target = target
    self.second = second
    self.images = images
    self.attacks = attacks
    self.options = options
    tallies = Array(repeating: Tally(), count: attacks.count)
    headline =
      options.headlineEpsilon.map { ($0, "\($0.text) was asked for") }
      ?? HeadlineRule.choose(attacks, height: images.height, width: images.width)
    samples = SampleCollector(limit: options.sampleCount, attacks: attacks, headline: headline?.epsilon)
  }

  mutating func result(
    progress: RobustnessEvaluator.Progress, isCancelled: () -> Bool
  ) throws(ScopeError) -> RobustnessResult {
    try check()
    let clock = ContinuousClock()
    let start = clock.now
    var meter = ProgressMeter(attacks: attacks, images: images.count, start: start)
    var first = 0
    while first < images.count {
      let indices = first..<min(first + target.batchSize, images.count)
      try process(indices, meter: &meter, progress: progress, isCancelled: isCancelled)
      first = indices.upperBound
    }
    progress(1, "\(images.count) images attacked")
    return summary(seconds: seconds(clock.now - start))
  }

  private func check() throws(ScopeError) {
    guard images.count > 0 else {
      throw ScopeError(
        .invalidData, "there are no images to attack", remedy: "Give a folder with labelled images")
    }
    guard !attacks.isEmpty else {
      throw ScopeError(.invalidArgument, "no attack was asked for", expected: AttackKind.expected)
    }
    if let classes = target.classCount,
      let index = images.labels.firstIndex(where: { $0 < 0 || $0 >= classes })
    {
      throw ScopeError(
        .invalidData, "label \(images.labels[index]) is outside the model's \(classes) classes",
        place: "image '\(images.names[index])'",
        remedy: "The label file belongs to another model, or its numbers do not start at 0")
    }
    if let headline = options.headlineEpsilon,
      !attacks.contains(where: { $0.norm == .linf && abs($0.epsilon.value - headline.value) < 1e-9 })
    {
      throw ScopeError(
        .invalidArgument, "no attack at the headline epsilon \(headline.text) was asked for",
        expected: "one of \(Set(attacks.map(\.epsilon.text)).sorted().joined(separator: ", "))")
    }
  }

  private mutating func process(
    _ indices: Range<Int>, meter: inout ProgressMeter, progress: RobustnessEvaluator.Progress,
    isCancelled: () -> Bool
  ) throws(ScopeError) {
    let clock = ContinuousClock()
    let pixels = images.pixelValues(indices)
    let shape = [indices.count, images.channels, images.height, images.width]
    let labels = indices.map { Int64(images.labels[$0]) }
    let clean = try target.logits(pixels, shape: shape)
    let right = labels.indices.map { clean.prediction($0) == Int(labels[$0]) }
    cleanCorrect += right.count { $0 }
    if let second {
      let logits = try predict(second, pixels, shape)
      secondCleanCorrect += labels.indices.count { logits[$0] == Int(labels[$0]) }
    }
    // One gradient at the clean images serves every attack that starts there.
    let sharing = attacks.filter { !$0.randomStart }.count
    var shared = Duration.zero
    var cleanGradient: [Float] = []
    var cleanLogits = clean
    if sharing > 0 {
      let begin = clock.now
      (cleanGradient, cleanLogits) = try target.lossGradient(pixels, labels: labels, shape: shape)
      shared = (clock.now - begin) / sharing
    } else {
      cleanGradient = [Float](repeating: 0, count: pixels.count)
    }
    meter.finished(sharing > 0 ? ProgressMeter.gradientCost + 1 : 1, images: indices.count)
    let batch = AttackBatch(
      firstImage: indices.lowerBound, originals: pixels, labels: labels, shape: shape,
      cleanGradient: cleanGradient,
      cleanLogits: cleanLogits)

    for (position, attack) in attacks.enumerated() {
      let begin = clock.now
      let skipping = options.stopsWhenFooled ? right.map { !$0 } : Array(repeating: false, count: right.count)
      let outcome = try AttackRunner.run(
        attack, on: batch, target: target, leaveWhenFooled: options.stopsWhenFooled, skipping: skipping
      ) { () throws(ScopeError) in
        if isCancelled() { throw ScopeError(.interrupted, "the attack was interrupted") }
        let done = meter.step(attack, images: indices.count)
        progress(
          done.fraction, "\(attack.summary), \(indices.upperBound) of \(images.count) images\(done.remaining)"
        )
      }
      let logits = try target.logits(outcome.images, shape: shape)
      tallies[position].duration += clock.now - begin + (attack.randomStart ? .zero : shared)
      meter.finished(1, images: indices.count)
      count(outcome, logits, batch, right: right, skipping: skipping, attack: position)
      if let second {
        let transferred = try predict(second, outcome.images, shape)
        tallies[position].transferred += labels.indices.count { transferred[$0] == Int(labels[$0]) }
      }
      samples.offer(
        attack, batch, clean: clean, perturbed: outcome.images, after: logits, names: images.names)
    }
  }

  /// Predictions of a model that may take another number of images at once.
  private func predict(_ model: AttackTarget, _ pixels: [Float], _ shape: [Int]) throws(ScopeError) -> [Int] {
    var result: [Int] = []
    let size = shape.dropFirst().reduce(1, *)
    var first = 0
    while first < shape[0] {
      let count = min(model.batchSize, shape[0] - first)
      let part = count == shape[0] ? pixels : Array(pixels[first * size..<(first + count) * size])
      let logits = try model.logits(part, shape: [count] + shape.dropFirst())
      result += (0..<count).map { logits.prediction($0) }
      first += count
    }
    return result
  }

  private mutating func count(
    _ outcome: AttackOutcome, _ logits: Logits, _ batch: AttackBatch, right: [Bool], skipping: [Bool],
    attack: Int
  ) {
    for index in batch.labels.indices {
      let survives = !skipping[index] && logits.prediction(index) == Int(batch.labels[index])
      let strict = survives && right[index] && !outcome.misledOnTheWay[index]
      let counts = options.stopsWhenFooled ? strict : survives
      tallies[attack].correct += counts ? 1 : 0
      tallies[attack].strict += strict ? 1 : 0
      tallies[attack].fooled += right[index] && !counts ? 1 : 0
      tallies[attack].survivors.append(strict)
      guard !skipping[index] else { continue }
      let size = batch.imageSize
      let length = Perturbation.distance(outcome.images, batch.originals, index * size..<(index + 1) * size)
      tallies[attack].attacked += 1
      tallies[attack].l2 += length.l2
      tallies[attack].linf += length.linf
    }
    tallies[attack].gradientQueries += outcome.gradientQueries
    tallies[attack].forwardQueries += batch.labels.count
  }

  private func summary(seconds elapsed: Double) -> RobustnessResult {
    let count = images.count
    let clean = MeasuredAccuracy(correct: cleanCorrect, of: count)
    let results = zip(attacks, tallies).map { attack, tally in
      AttackResult(
        specification: attack, robustAccuracy: MeasuredAccuracy(correct: tally.correct, of: count),
        strictRobustAccuracy: MeasuredAccuracy(correct: tally.strict, of: count), fooled: tally.fooled,
        meanL2: tally.l2 / Double(max(tally.attacked, 1)),
        meanLinf: tally.linf / Double(max(tally.attacked, 1)),
        gradientQueries: tally.gradientQueries, forwardQueries: tally.forwardQueries,
        seconds: seconds(tally.duration),
        transferred: second == nil ? nil : MeasuredAccuracy(correct: tally.transferred, of: count))
    }
    let decisive = results.filter { result in
      result.specification.norm == .linf
        && headline.map { abs($0.epsilon.value - result.specification.epsilon.value) < 1e-9 } == true
    }.min { $0.robustAccuracy.correct < $1.robustAccuracy.correct }
    let score = decisive.flatMap { result in
      cleanCorrect == 0 ? nil : min(100, 100 * Double(result.robustAccuracy.correct) / Double(cleanCorrect))
    }
    return RobustnessResult(
      imageCount: count, cleanAccuracy: clean, attacks: results, worstCase: worstCase(),
      headlineEpsilon: headline?.epsilon,
      headlineReason: headline?.reason ?? "no Linf attack was asked for, so there is no score",
      headlineAttack: decisive?.specification, score: score, level: score.map { RobustnessLevel(score: $0) },
      samples: samples.chosen, batchSize: target.batchSize, threads: options.threads, seconds: elapsed,
      convention: options.stopsWhenFooled
        ? "strict: right when clean and at every point the attack visited; pixels in [0, 1], gradient of the cross-entropy"
        : "accuracy on the final adversarial images over all images, misclassified ones attacked too (as torchattacks); "
          + "pixels in [0, 1], gradient of the cross-entropy",
      forwardNodes: target.gradient?.model.forwardNodeCount ?? 0,
      backwardNodes: target.gradient?.model.backwardNodeCount ?? 0)
  }

  private func worstCase() -> [WorstCaseResult] {
    var order: [(norm: PerturbationNorm, epsilon: Epsilon)] = []
    for attack in attacks
    where !order.contains(where: {
      $0.norm == attack.norm && abs($0.epsilon.value - attack.epsilon.value) < 1e-9
    }) {
      order.append((attack.norm, attack.epsilon))
    }
    return order.map { budget in
      let positions = attacks.indices.filter {
        attacks[$0].norm == budget.norm && abs(attacks[$0].epsilon.value - budget.epsilon.value) < 1e-9
      }
      let correct = (0..<images.count).count { image in positions.allSatisfy { tallies[$0].survivors[image] }
      }
      return WorstCaseResult(
        norm: budget.norm, epsilon: budget.epsilon,
        robustAccuracy: MeasuredAccuracy(correct: correct, of: images.count),
        attacks: positions.count)
    }
  }
}

/// A duration in seconds.
func seconds(_ duration: Duration) -> Double {
  Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}
