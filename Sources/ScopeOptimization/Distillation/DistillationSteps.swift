import ScopeBytes
import ScopeData
import ScopeGraph
import ScopeRuntime
import ScopeStatistics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension DistillationRun {
  /// Loss and agreement on the held-out samples.
  private struct Judgement {
    var loss = 0.0
    var agreement = 0.0
  }

  mutating func run() throws(ScopeError) -> DistillationResult {
    let judge = try Session(engine: context.engine, model: graph.evaluation, options: context.sessionOptions)
    try askTeacherAboutHeldOut()
    let evaluationStart = clock.now
    let before = try evaluate(judge)
    let evaluationTime = clock.now - evaluationStart
    guard before.loss.isFinite else {
      throw ScopeError(.invalidData, "the student's outputs are not numbers", remedy: "Check its weights")
    }
    var result = DistillationResult(
      model: student, lossBefore: before.loss, lossAfter: before.loss, agreementBefore: before.agreement,
      agreementAfter: before.agreement, trainingSamples: training.count, heldOutSamples: heldOut.count,
      batchSize: batch, steps: 0, keptStep: 0, limitedByTime: false, initializers: graph.tensors.count,
      parameters: graph.initial.count, curve: [], duration: .zero)

    let perEpoch = max(1, training.count / batch)
    let (wanted, overflow) = perEpoch.multipliedReportingOverflow(by: recipe.epochs)
    let planned = try plan(
      overflow ? Int.max / 2 : wanted, perEpoch: perEpoch, evaluationTime: evaluationTime)
    result.limitedByTime = planned < wanted
    var best = graph.initial
    var order: [Int] = []
    var total = 0.0
    var sinceEvaluation = 0
    for step in 1...max(planned, 1) where step <= planned {
      if order.count < batch { order += training.shuffled(using: &generator) }
      let chosen = Array(order.prefix(batch))
      order.removeFirst(batch)
      let loss = try take(chosen, step: step, of: planned)
      total += loss
      sinceEvaluation += 1
      result.steps = step
      let isOver = isOverdue
      guard step % perEpoch == 0 || step == planned || isOver || !loss.isFinite else { continue }
      let now = try evaluate(judge)
      result.curve.append(
        .init(step: step, trainingLoss: total / Double(sinceEvaluation), heldOutLoss: now.loss))
      context.progress(
        "Fine-tuning: loss \(rounded(now.loss)), was \(rounded(before.loss))",
        Double(step) / Double(planned))
      (total, sinceEvaluation) = (0, 0)
      if now.loss < result.lossAfter {
        (result.lossAfter, result.agreementAfter, result.keptStep) = (now.loss, now.agreement, step)
        best = vectors[graph.parameters]?.floats ?? best
      }
      if isOver, step < planned { result.limitedByTime = true }
      // Weights that are no numbers never recover.
      if isOver || !now.loss.isFinite || !loss.isFinite { break }
    }
    if result.keptStep > 0 { result.model = graph.writing(best, into: student) }
    result.duration = clock.now - start
    return result
  }

  private func rounded(_ value: Double) -> String { String((value * 10_000).rounded() / 10_000) }

  // MARK: steps

  /// The feed of the samples at `positions` of the calibration list.
  private func feed(_ positions: [Int]) -> [String: HostArray] {
    context.samples.feed(positions.map { context.calibration[$0] }, input: graph.dataInputs[0].name)
  }

  /// One step; returns its loss.
  private mutating func take(_ positions: [Int], step: Int, of planned: Int) throws(ScopeError) -> Double {
    var feed = feed(positions)
    if !augmentation.changesNothing {
      for (name, array) in feed { feed[name] = augmentation.apply(array, using: &generator) }
    }
    if let teacher {
      let (logits, features) = try teacher.answer(feed)
      feed[graph.target] = logits
      for (name, array) in zip(graph.features, features) { feed[name] = array }
    } else {
      let rows = positions.flatMap { answers[$0] ?? [] }
      feed[graph.target] = HostArray(rows, try targetShape(positions.count, rows.count))
    }
    for (name, array) in vectors { feed[name] = array }
    let rate = learningRate(step, of: planned)
    feed[graph.rate] = HostArray([rate.rate], [])
    if let epsilon = rate.epsilon { feed[graph.epsilon] = HostArray([epsilon], []) }
    // The old vectors are only needed by the engine now: the new ones take their place.
    var results = try session.run(feed)
    vectors[graph.parameters] = results.removeValue(forKey: graph.nextParameters)
    for (state, next) in zip(graph.states, graph.nextStates) {
      vectors[state] = results.removeValue(forKey: next)
    }
    return Double(results[graph.loss]?.floats.first ?? .nan)
  }

  /// The shape that the student's target input has for `count` samples.
  private func targetShape(_ count: Int, _ elements: Int) throws(ScopeError) -> [Int] {
    let declared = session.inputs.first { $0.name == graph.target }?.shape?.dimensions.dropFirst() ?? []
    let sizes = declared.compactMap(\.value)
    let shape = sizes.count == declared.count && !sizes.isEmpty ? sizes : [elements / max(count, 1)]
    guard count * shape.reduce(1, *) == elements else {
      throw ScopeError(
        .invalidArgument, "the teacher's logits do not fit the student's output",
        expected: "\(shape) per sample", found: "\(elements / max(count, 1)) numbers per sample")
    }
    return [count] + shape
  }

  /// Warm-up over the first twentieth, then half a cosine. For Adam the corrections of the moments' bias are folded into
  /// rate and epsilon, which gives the same step.
  private func learningRate(_ step: Int, of planned: Int) -> (rate: Float, epsilon: Float?) {
    let warmUp = max(1, planned / 20)
    let share =
      step <= warmUp
      ? Double(step) / Double(warmUp)
      : 0.5 * (1 + cos(.pi * Double(step - warmUp) / Double(max(planned - warmUp, 1))))
    let rate = Double(recipe.learningRate) * share
    guard case .adam(let beta1, let beta2, let epsilon) = recipe.method else { return (Float(rate), nil) }
    let count = Double(max(step, 1))
    let root = (1 - pow(Double(beta2), count)).squareRoot()
    return (Float(rate * root / (1 - pow(Double(beta1), count))), epsilon * Float(root))
  }

  // MARK: time

  private var deadline: ContinuousClock.Instant? {
    [recipe.timeBudget.map { start + $0 }, context.deadline].compactMap { $0 }.min()
  }

  private var isOverdue: Bool { deadline.map { clock.now >= $0 } ?? false }

  /// Steps that fit the time left, counted from a step with learning rate 0, whose result is dropped.
  private mutating func plan(
    _ wanted: Int, perEpoch: Int, evaluationTime: Duration
  ) throws(ScopeError) -> Int {
    guard let deadline else { return wanted }
    if isOverdue { return 0 }
    let saved = (vectors, generator)
    var fastest = Duration.seconds(1 << 30)
    for _ in 0..<2 {
      let begin = clock.now
      _ = try take(Array(training.prefix(batch)), step: 0, of: 1)
      fastest = min(fastest, clock.now - begin)
      if isOverdue { break }
    }
    (vectors, generator) = saved
    let perStep = fastest.milliseconds + evaluationTime.milliseconds / Double(perEpoch)
    let fitting = 0.95 * (deadline - clock.now).milliseconds / max(perStep, 1e-3)
    return fitting >= Double(wanted) ? wanted : max(Int(fitting), 0)
  }

  // MARK: judging

  private mutating func askTeacherAboutHeldOut() throws(ScopeError) {
    guard let teacher else { return }
    for positions in heldOutBatches {
      let logits = try teacher.answer(feed(positions)).logits
      let length = logits.floats.count / max(logits.dimensions.first ?? 1, 1)
      for (row, position) in positions.enumerated() {
        guard (row + 1) * length <= logits.floats.count else {
          throw ScopeError(.unsupported, "the teacher's output has no row per sample")
        }
        answers[position] = logits.floats[row * length..<(row + 1) * length]
      }
    }
  }

  /// The held-out positions in batches; a batch written into the model is filled up with its last sample.
  private var heldOutBatches: [[Int]] {
    stride(from: 0, to: heldOut.count, by: batch).map { start in
      var positions = Array(heldOut[start..<min(start + batch, heldOut.count)])
      if graph.dataInputs[0].shape?.dimensions.first?.value != nil, let last = positions.last {
        while positions.count < batch { positions.append(last) }
      }
      return positions
    }
  }

  private func evaluate(_ judge: Session) throws(ScopeError) -> Judgement {
    var result = Judgement()
    var remaining = heldOut.count
    var predictions = 0
    for positions in heldOutBatches {
      var feed = feed(positions)
      feed[graph.parameters] = vectors[graph.parameters]
      guard let logits = try judge.run(feed, fetch: [graph.logits])[graph.logits],
        let count = logits.dimensions.first, count >= positions.count
      else { throw ScopeError(.unsupported, "the student's output has no row per sample") }
      let length = logits.floats.count / count
      let lastAxis = logits.dimensions.count > 1 ? logits.dimensions.last ?? length : length
      for (row, position) in positions.prefix(remaining).enumerated() {
        let own = logits.floats[row * length..<(row + 1) * length].map(Double.init)
        let wanted = (answers[position] ?? []).map(Double.init)
        guard own.count == wanted.count else {
          throw ScopeError(
            .invalidArgument, "the teacher's logits do not fit the student's output",
            expected: "\(own.count) numbers per sample", found: "\(wanted.count)")
        }
        result.loss += Self.loss(recipe.loss, own, wanted)
        let pairs = zip(Self.predictions(own, lastAxis), Self.predictions(wanted, lastAxis))
        result.agreement += Double(pairs.count { $0 == $1 })
        predictions += max(lastAxis > 0 ? own.count / lastAxis : 0, 1)
      }
      remaining -= positions.count
    }
    result.loss /= Double(heldOut.count)
    result.agreement /= Double(max(predictions, 1))
    return result
  }

  /// As the graph's loss, of one sample.
  static func loss(_ loss: DistillationRecipe.Loss, _ own: [Double], _ wanted: [Double]) -> Double {
    switch loss {
    case .squaredError:
      return zip(own, wanted).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(max(own.count, 1))
    case .divergence(let temperature):
      let t = Double(temperature)
      func logarithms(_ scores: [Double]) -> [Double] {
        let largest = (scores.max() ?? 0) / t
        let sum = scores.reduce(0) { $0 + exp($1 / t - largest) }
        return scores.map { $0 / t - largest - log(sum) }
      }
      let (q, p) = (logarithms(own), logarithms(wanted))
      return t * t * zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
    }
  }

  private static func predictions(_ scores: [Double], _ lastAxis: Int) -> [Int] {
    guard lastAxis > 0 else { return [] }
    return stride(from: 0, to: scores.count, by: lastAxis).map { start in
      var best = start
      for place in start..<min(start + lastAxis, scores.count) where scores[place] > scores[best] {
        best = place
      }
      return best - start
    }
  }
}
