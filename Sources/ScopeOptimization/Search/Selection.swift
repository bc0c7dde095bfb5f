import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime
import ScopeStatistics

extension Workbench {
  /// Speedups closer than this share are taken as equal, and agreement decides.
  private static let speedTie = 0.05
  /// Signal-to-noise ratio, decibel, that independence from the processor may cost.
  private static let portabilitySQNR = 1.5
  /// Most candidates that are compiled for the second engine.
  private static let openVINOCandidates = 6
  /// Signal-to-noise ratio on made-up inputs from which a rewrite of weights is written without data, decibel.
  static let blindSQNR = 40.0

  /// Times what was proven beside the original, decides, and gathers the result.
  mutating func conclude() throws(ScopeError) -> OptimizationResult {
    let proven = trials.indices.filter { !trials[$0].isOut && trials[$0].comparison != nil }
    try explainSlowness()
    request.progress("Timing candidates beside the original", 0.85)
    let (originalLatency, foldedLatency) = try time(proven)
    try timeInOpenVINO(proven)
    let foldedRatio = LatencyBenchmark.ratio(originalLatency, over: foldedLatency)
    for index in proven {
      if let reason = rejection(trials[index]) { trials[index].reject(reason) }
    }
    let winner = choose(proven.filter { !trials[$0].isOut })
    let foldedComparison = try judge.compare(folded)
    let isFaster = foldedRatio.interval.lowerBound > 1
    var foldedCandidate = OptimizationCandidate(
      name: "FP32 folded", bytes: foldedBytes, comparison: foldedComparison, latency: foldedLatency,
      speedup: foldedRatio, verdict: winner == nil ? .chosen : .admissible,
      reason: winner == nil
        ? "no variant is better for this objective within the accuracy budget"
        : "exact, but another variant is better for this objective")
    foldedCandidate.steps = folding.passes.map(\.summary)
    if winner == nil, isFaster { foldedCandidate.reason += "; it is faster than the original" }

    let front = paretoFront(proven, foldedLatency, foldedComparison)
    var candidates = [foldedCandidate]
    candidates[0].isOnFront = front.contains(-1)
    for (index, trial) in trials.enumerated() {
      var candidate = OptimizationCandidate(
        name: trial.variant.name, technique: trial.variant.technique, steps: trial.variant.steps,
        bytes: trial.size, calibrationSQNR: trial.sqnr, calibrationAgreement: trial.filterAgreement,
        comparison: trial.comparison, latency: trial.latency, speedup: trial.speedup ?? trial.quickSpeed,
        verdict: trial.verdict, reason: trial.reason)
      candidate.openVINOSpeedup = trial.openVINOSpeedup
      candidate.isOnFront = front.contains(index)
      if candidate.isOnFront { candidate.path = journal?.file(trial.variant) }
      candidates.append(candidate)
    }
    for (variant, reason) in failures {
      candidates.append(
        OptimizationCandidate(
          name: variant.name, technique: variant.technique, steps: variant.steps, verdict: .rejected,
          reason: reason))
    }
    journal?.prune(keeping: Set(front.filter { $0 >= 0 }.map { trials[$0].variant.name }))

    let final = winner.map { trials[$0] }
    var model = folding.model
    if let final { model = try ONNXReader.read(final.bytes) }
    let comparison = final?.comparison ?? foldedComparison
    let speedup = final?.speedup ?? foldedRatio
    addNotes(comparison, ratio: speedup, final: final)
    var engineChoice: EngineChoice?
    if request.tunesSessions || request.openVINO != nil {
      request.progress("Tuning sessions", 0.97)
      let bytes: ByteSlice
      if let final { bytes = final.bytes } else { bytes = try ONNXWriter.bytes(model) }
      engineChoice = try EngineChoice.measure(
        bytes, self,
        budget: min(.seconds(20), max(.seconds(6), request.timeBudget * 0.15)))
    }
    request.progress("Done", 1)
    return OptimizationResult(
      model: model, foldedModel: folding.model, isApproximate: final.map { !$0.variant.isExact } ?? false,
      originalBytes: request.originalBytes, optimizedBytes: final?.size ?? foldedBytes,
      speedup: speedup, originalLatency: originalLatency, optimizedLatency: final?.latency ?? foldedLatency,
      comparison: comparison, isLabelled: judge.isLabelled, isJudged: request.samples.isReal,
      evaluationImages: judge.indices.count, calibrationImages: split.calibration.count,
      techniques: folding.passes.map(\.summary) + (final?.variant.steps ?? []), passes: folding.passes,
      foldingDifference: folding.difference, candidates: candidates, sensitivity: sensitivity,
      explanations: explanations, engineChoice: engineChoice, notes: notes,
      elapsed: ContinuousClock.now - start)
  }

  /// Long interleaved measurement of the original, the folded model and `indices`.
  private mutating func time(
    _ indices: [Int]
  ) throws(ScopeError) -> (original: LatencySummary, folded: LatencySummary) {
    var sessions = [original.session, folded.session]
    for index in indices { sessions.append(try session(of: trials[index])) }
    let feed = timingFeed.feed
    let budget = min(.seconds(8), max(.seconds(2), request.timeBudget * 0.12))
    let latencies = try LatencyBenchmark.interleaved(
      sessions, feeds: sessions.map { _ in feed }, batch: timingFeed.batch,
      plan: .init(budget: budget, minimumSamples: 20, maximumSamples: 200))
    for (position, index) in indices.enumerated() {
      trials[index].latency = latencies[position + 2]
      trials[index].speedup = LatencyBenchmark.ratio(latencies[0], over: latencies[position + 2])
    }
    return (latencies[0], latencies[1])
  }

  /// Times what was proven in the second engine too, where one is asked for: its kernels favour other variants.
  private mutating func timeInOpenVINO(_ indices: [Int]) throws(ScopeError) {
    guard let engine = request.openVINO, !indices.isEmpty else { return }
    request.progress("Timing candidates in OpenVINO", 0.9)
    var sessions: [any InferenceSession] = [original.session]
    var timed: [Int] = []
    let ordered = indices.sorted { (trials[$0].speedup?.ratio ?? 0) > (trials[$1].speedup?.ratio ?? 0) }
    for index in ordered.prefix(Self.openVINOCandidates) {
      do throws(ScopeError) {
        let options = OpenVINOOptions(threads: request.threads)
        let session = try OpenVINOSession(
          engine: engine, modelBytes: trials[index].bytes, options: options)
        _ = try session.run(timingFeed.feed)
        sessions.append(session)
        timed.append(index)
      } catch {
        guard error.isVariantsFault else { throw error }
        notes.append("\(trials[index].variant.name) does not run in OpenVINO: \(error.message)")
      }
    }
    guard !timed.isEmpty else { return }
    let feed = timingFeed.feed
    let latencies = try LatencyBenchmark.alternating(
      sessions, feeds: sessions.map { _ in feed }, batch: timingFeed.batch,
      budget: min(.seconds(6), max(.seconds(2), request.timeBudget * 0.1)), minimumBlocks: 8)
    for (position, index) in timed.enumerated() {
      trials[index].openVINOSpeedup = LatencyBenchmark.ratio(latencies[0], over: latencies[position + 1])
    }
  }

  /// Explains the slowest integer variants from the engine's profile.
  private mutating func explainSlowness() throws(ScopeError) {
    let slow = trials.filter { trial in
      trial.variant.technique == .int8 && trial.isSlow && trial.bytes.count > 0
    }
    guard !slow.isEmpty else { return }
    let bytes = try ONNXWriter.bytes(folding.model)
    for trial in slow.prefix(2) {
      if let text = try SlowdownExplanation.explain(trial, self, original: bytes) {
        explanations.append(text)
      }
    }
  }

  // MARK: Decision

  /// Why a variant is out, or nil.
  private func rejection(_ trial: Trial) -> String? {
    guard let comparison = trial.comparison, let speedup = trial.speedup else { return "not measured" }
    if request.samples.isReal {
      if comparison.lost - comparison.gained > allowedLosses(comparison.images) {
        return judge.isLabelled
          ? "loses \(points(comparison.accuracyDrop)) points of accuracy, \(points(request.maxAccuracyDrop)) are allowed"
          : "changes \(points(comparison.accuracyDrop))% of the predictions, \(points(request.maxAccuracyDrop)) are allowed"
      }
    } else if trial.sqnr < Self.blindSQNR {
      return
        "without data a signal-to-noise ratio of \(Int(Self.blindSQNR)) dB on made-up inputs is asked for; it has \(Int(trial.sqnr))"
    }
    if trial.size >= foldedBytes { return "not smaller than the folded float model" }
    let speeds = [speedup, trial.openVINOSpeedup].compactMap { $0 }
    switch request.objective {
    case .latency:
      if speeds.allSatisfy({ $0.interval.lowerBound <= 1 }) {
        return "not faster than the original on this processor"
      }
    case .size, .balanced:
      if speeds.allSatisfy({ $0.interval.upperBound < 1 }) {
        return "slower than the original on this processor"
      }
    }
    return nil
  }

  /// The best of the admissible by the objective; marks all of them.
  private mutating func choose(_ admissible: [Int]) -> Int? {
    var admissible = admissible
    // Where some keep the budget to the letter (known only with data), those that were allowed a sample too many step back.
    let kept = admissible.filter {
      trials[$0].comparison.map { $0.accuracyDrop <= request.maxAccuracyDrop + 1e-12 } ?? false
    }
    if !kept.isEmpty, request.samples.isReal {
      for index in admissible where !kept.contains(index) {
        trials[index].reason =
          "loses \(points(trials[index].comparison?.accuracyDrop ?? 0)) points, another variant loses less"
      }
      admissible = kept
    }
    func value(_ index: Int) -> Double {
      let speed = trials[index].bestSpeed
      let size = Double(request.originalBytes) / Double(max(trials[index].size, 1))
      switch request.objective {
      case .latency: return speed
      case .size: return size
      case .balanced: return speed * size
      }
    }
    let best = admissible.map(value).max() ?? 0
    let tie = request.objective == .size ? 0.01 : Self.speedTie
    let front = admissible.filter { value($0) >= best * (1 - tie) }
    // Variants on the same kernels take the same time; differences between them are noise.
    let tied = admissible.filter { index in
      front.contains { trials[$0].variant.kernels == trials[index].variant.kernels }
    }
    let winner = mostFaithful(tied)
    let what =
      switch request.objective {
      case .latency: "fastest"
      case .size: "smallest"
      case .balanced: "best product of speed and size"
      }
    for index in admissible {
      if index == winner {
        trials[index].verdict = .chosen
        trials[index].reason =
          tied.count > 1
          ? "\(what) within the accuracy budget, and the best agreement and portability among equals"
          : "\(what) within the accuracy budget"
      } else {
        trials[index].reason =
          tied.contains(index)
          ? "as good, but the chosen one agrees more with the original or runs alike on more processors"
          : "within the budget, but not the \(what)"
      }
    }
    return winner
  }

  /// The best of equals: the fewest samples that the original had right and the variant has wrong, then the highest
  /// agreement with the original; where the difference is within the noise of counting, a variant whose integer kernels
  /// cannot saturate on any processor goes first.
  private func mostFaithful(_ tied: [Int]) -> Int? {
    func agreeing(_ index: Int) -> Int { trials[index].comparison?.agreeing ?? 0 }
    let ordered = tied.sorted { left, right in
      let (a, b) = (trials[left], trials[right])
      return (-(a.comparison?.lost ?? 0), agreeing(left), a.sqnr)
        > (-(b.comparison?.lost ?? 0), agreeing(right), b.sqnr)
    }
    guard let top = ordered.first else { return nil }
    let images = judge.labels.count
    let portable = ordered.first { index in
      let disagreements = images - agreeing(top) + images - agreeing(index)
      let noise = 1.96 * Double(disagreements).squareRoot()
      return !trials[index].variant.canSaturate && Double(agreeing(top) - agreeing(index)) <= noise
        && trials[top].sqnr - trials[index].sqnr <= Self.portabilitySQNR
    }
    return portable ?? top
  }

  /// Samples that may be lost on balance. Where one is worth more than the whole budget, the data cannot tell a loss of
  /// one from none, so one is allowed and ``addNotes(_:ratio:final:)`` says so.
  func allowedLosses(_ images: Int) -> Int {
    let budget = request.maxAccuracyDrop * Double(images) + 1e-9
    return request.maxAccuracyDrop > 0 ? max(1, Int(budget)) : 0
  }

  /// Indices of the proven trials that nothing beats in size, time and accuracy together; -1 is the folded model.
  private func paretoFront(
    _ proven: [Int], _ folded: LatencySummary, _ foldedComparison: PairedComparison
  ) -> Set<Int> {
    guard request.samples.isReal else { return [] }
    var ids = [-1]
    var points = [
      ParetoFront.Point(
        bytes: Double(foldedBytes), milliseconds: folded.medianMilliseconds,
        drop: foldedComparison.accuracyDrop)
    ]
    for index in proven {
      guard let comparison = trials[index].comparison, let latency = trials[index].latency else { continue }
      ids.append(index)
      points.append(
        ParetoFront.Point(
          bytes: Double(trials[index].size), milliseconds: latency.medianMilliseconds,
          drop: comparison.accuracyDrop))
    }
    return Set(ParetoFront.indices(points).map { ids[$0] })
  }

  // MARK: Words

  private mutating func addNotes(_ comparison: PairedComparison, ratio: SpeedRatio, final: Trial?) {
    let interval = comparison.dropInterval
    if request.samples.isReal, let final {
      if comparison.accuracyDrop > request.maxAccuracyDrop {
        notes.append(
          "One of \(comparison.images) evaluation samples was lost, which is worth \(points(comparison.accuracyDrop)) points: this data "
            + "cannot tell whether the budget of \(points(request.maxAccuracyDrop)) points is kept; give at least "
            + "\(Int((1 / request.maxAccuracyDrop).rounded(.up))) evaluation samples")
      } else if !final.variant.isExact, interval.upperBound > request.maxAccuracyDrop {
        notes.append(
          "With \(comparison.images) evaluation samples the true accuracy drop lies between \(points(interval.lowerBound)) and "
            + "\(points(interval.upperBound)) points (95%); more samples would narrow this")
      }
    }
    if ratio.interval.contains(1) {
      notes.append("The speedup cannot be told from 1 with \(ratio.rounds) rounds")
    }
    if final?.variant.canSaturate == true {
      notes.append(
        "8-bit weights can saturate the integer kernels of x86 processors without VNNI; optimize again on such a machine"
      )
    }
    if final == nil {
      notes.append("No variant was better within the limits; the result is the folded FP32 model")
    }
  }

  /// A fraction in points, two decimals at most.
  func points(_ fraction: Double) -> String {
    let hundredths = Int((fraction * 10_000).rounded())
    let magnitude = abs(hundredths)
    let decimals = magnitude % 100
    let text =
      decimals == 0 ? "\(magnitude / 100)" : "\(magnitude / 100).\(decimals < 10 ? "0" : "")\(decimals)"
    return hundredths < 0 ? "-\(text)" : text
  }
}
