import ScopeBytes
import ScopeData
import ScopeRuntime

/// One pass over the images with every attack.
struct EvaluationRun {
  /// Counters of one attack.
  struct Tally {
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
    /// Images that each part of a streamed attack fooled.
    var foundBy: [String: Int] = [:]
  }

  let target: AttackTarget
  let second: AttackTarget?
  let images: LabeledImages
  let attacks: [AttackSpecification]
  let options: RobustnessOptions
  private(set) var secondCleanCorrect = 0
  private var cleanCorrect = 0
  /// Per image: whether the model, and the second one, are right without attack.
  private var right: [Bool] = []
  private var secondRight: [Bool] = []
  /// [images, classes], of the model and of the second one.
  private(set) var cleanScores: [Float] = []
  private var secondScores: [Float] = []
  var tallies: [Tally]
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
    for position in attacks.indices where attacks[position].kind.algorithm.isStreamed {
      try stream(position, meter: &meter, progress: progress, isCancelled: isCancelled)
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
    self.right += right
    cleanScores += clean.values
    if let second {
      let logits = try scores(second, pixels, shape)
      secondScores += logits.values
      secondRight += labels.indices.map { logits.prediction($0) == Int(labels[$0]) }
      secondCleanCorrect = secondRight.count { $0 }
    }
    // One gradient at the clean images serves every attack that starts there.
    let sharing = attacks.count { !$0.randomStart && !$0.kind.algorithm.isStreamed }
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

    for (position, attack) in attacks.enumerated() where !attack.kind.algorithm.isStreamed {
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

  // MARK: attacks that run image by image

  /// Runs a streamed attack on the images that are right without attack.
  private mutating func stream(
    _ position: Int, meter: inout ProgressMeter, progress: RobustnessEvaluator.Progress,
    isCancelled: () -> Bool
  ) throws(ScopeError) {
    let attack = attacks[position]
    let clock = ContinuousClock()
    let begin = clock.now
    let candidates = images.labels.indices.filter { right[$0] }
    let classes = cleanScores.count / max(images.count, 1)
    let (images, cleanScores) = (images, cleanScores)
    tallies[position].survivors = right
    tallies[position].transferred = secondRight.count { $0 }
    var found: [(image: Int, point: [Float])] = []
    var run = self
    let start = { (image: Int) throws(ScopeError) -> (label: Int, attack: any ImageAttack) in
      let attacked = AttackedImage(image, of: images, scores: cleanScores)
      return (images.labels[image], StreamedAttack.start(attack, on: attacked, classes: classes))
    }
    let progressMeter = meter
    let cost = try AttackStream(
      target: target, shape: [images.channels, images.height, images.width]
    ).run(candidates, start: start) { (image, chain) throws(ScopeError) in
      guard let point = chain.adversarial, let name = (chain as? AttackChain)?.foundBy else { return }
      run.tallies[position].foundBy[name, default: 0] += 1
      found.append((image, point))
      if found.count == run.target.batchSize { try run.confirm(&found, attack: position) }
    } afterBatch: { (done) throws(ScopeError) in
      if isCancelled() { throw ScopeError(.interrupted, "the attack was interrupted") }
      let (fraction, remaining) = progressMeter.streamed(done, of: candidates.count, images: images.count)
      progress(fraction, "\(attack.summary), \(done) of \(candidates.count) images\(remaining)")
    }
    try run.confirm(&found, attack: position)
    self = run
    meter.endStreamed(images: images.count)
    tallies[position].correct = tallies[position].survivors.count { $0 }
    tallies[position].strict = tallies[position].correct
    tallies[position].fooled = candidates.count - tallies[position].correct
    tallies[position].gradientQueries = cost.gradients
    tallies[position].forwardQueries = cost.forwards
    tallies[position].duration = clock.now - begin
  }

  /// Shows the points found to the deployed model, whose arithmetic may differ in the last bits from the one attacked;
  /// only what fools it counts.
  private mutating func confirm(
    _ found: inout [(image: Int, point: [Float])], attack position: Int
  ) throws(ScopeError) {
    guard !found.isEmpty else { return }
    defer { found = [] }
    let shape = [found.count, images.channels, images.height, images.width]
    let points = found.flatMap(\.point)
    let logits = try target.logits(points, shape: shape)
    let transferred = try second.map { model throws(ScopeError) in try predict(model, points, shape) }
    let size = images.imageSize
    for (index, entry) in found.enumerated() {
      let label = images.labels[entry.image]
      if let transferred, secondRight[entry.image], transferred[index] != label {
        tallies[position].transferred -= 1
      } else if let transferred, !secondRight[entry.image], transferred[index] == label {
        tallies[position].transferred += 1
      }
      guard logits.prediction(index) != label else { continue }
      tallies[position].survivors[entry.image] = false
      let original = images.pixelValues(entry.image..<entry.image + 1)
      let length = Perturbation.distance(entry.point, original, 0..<size)
      tallies[position].attacked += 1
      tallies[position].l2 += length.l2
      tallies[position].linf += length.linf
      let classes = logits.classes
      let batch = AttackBatch(
        firstImage: entry.image, originals: original, labels: [Int64(label)], shape: [1] + shape.dropFirst(),
        cleanGradient: [], cleanLogits: Logits([], count: 0))
      samples.offer(
        attacks[position], batch,
        clean: Logits(
          Array(cleanScores[entry.image * classes..<(entry.image + 1) * classes]), count: 1),
        perturbed: entry.point,
        after: Logits(Array(logits.values[index * classes..<(index + 1) * classes]), count: 1),
        names: images.names)
    }
  }

  /// Predictions of a model that may take another number of images at once.
  private func predict(_ model: AttackTarget, _ pixels: [Float], _ shape: [Int]) throws(ScopeError) -> [Int] {
    let logits = try scores(model, pixels, shape)
    return (0..<shape[0]).map { logits.prediction($0) }
  }

  private func scores(_ model: AttackTarget, _ pixels: [Float], _ shape: [Int]) throws(ScopeError) -> Logits {
    var result: [Float] = []
    let size = shape.dropFirst().reduce(1, *)
    var first = 0
    while first < shape[0] {
      let count = min(model.batchSize, shape[0] - first)
      let part = count == shape[0] ? pixels : Array(pixels[first * size..<(first + count) * size])
      result += try model.logits(part, shape: [count] + shape.dropFirst()).values
      first += count
    }
    return Logits(result, count: shape[0])
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
        seconds: seconds(tally.duration), convention: convention(attack),
        foundBy: tally.foundBy.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }.map {
          AttackPart(name: $0.key, fooled: $0.value)
        },
        withstood: tally.survivors,
        transferred: second == nil ? nil : MeasuredAccuracy(correct: tally.transferred, of: count))
    }
    let decisive = results.filter { result in
      result.specification.norm == .linf
        && headline.map { abs($0.epsilon.value - result.specification.epsilon.value) < 1e-9 } == true
    }.min { $0.robustAccuracy.correct < $1.robustAccuracy.correct }
    let score = decisive.flatMap { result in
      cleanCorrect == 0 ? nil : min(100, 100 * Double(result.robustAccuracy.correct) / Double(cleanCorrect))
    }
    var result = RobustnessResult(
      imageCount: count, cleanAccuracy: clean, right: right, attacks: results, worstCase: worstCase(),
      headlineEpsilon: headline?.epsilon,
      headlineReason: headline?.reason ?? "no Linf attack was asked for, so there is no score",
      headlineAttack: decisive?.specification, score: score, level: score.map { RobustnessLevel(score: $0) },
      grade: score.map { RobustnessGrade(score: $0) },
      isUpperBound: decisive.map { Self.isWeak($0.specification.kind.algorithm) } ?? false,
      samples: samples.chosen, batchSize: target.batchSize, threads: options.threads, seconds: elapsed,
      forwardNodes: target.gradient?.model.forwardNodeCount ?? 0,
      backwardNodes: target.gradient?.model.backwardNodeCount ?? 0)
    result.calibration = Calibration(scores: cleanScores, labels: images.labels)
    if second != nil { result.otherCalibration = Calibration(scores: secondScores, labels: images.labels) }
    return result
  }

  /// Whether a score from this attack alone says little: a single step, one class only, or no gradients.
  private static func isWeak(_ algorithm: AttackAlgorithm) -> Bool {
    [.fgsm, .leastLikely, .randomTarget].contains(algorithm) || algorithm.isBlackBox
  }

  private func convention(_ attack: AttackSpecification) -> String {
    if attack.kind.algorithm.isStreamed {
      if attack.kind.algorithm == .leastLikely || attack.kind.algorithm == .randomTarget {
        return "right when clean and not brought to the target class at any point visited; pixels in [0, 1]"
      }
      return "right when clean and not misled by any point found within the budget; pixels in [0, 1]"
    }
    return options.stopsWhenFooled
      ? "strict: right when clean and at every point the attack visited; pixels in [0, 1], gradient of the cross-entropy"
      : "accuracy on the final adversarial images over all images, misclassified ones attacked too (as torchattacks); "
        + "pixels in [0, 1], gradient of the cross-entropy"
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
