import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeOptimization
import ScopeReport
import ScopeRuntime
import ScopeStatistics

/// Section 2: the search, the written model, and the figures that prove it.
enum OptimizationStage {
  static func run(
    _ model: LoadedModel, prepared: SampleStage.Prepared, sha256: String?, engine: Engine,
    options: ScopeOptions
  ) throws(ScopeError) -> (Report.Optimization, OptimizationResult) {
    let settings = options.optimization
    var request = OptimizationRequest(
      model: try specialized(model, options), originalBytes: model.file.byteCount, samples: prepared.samples,
      engine: engine)
    request.threads = options.threads
    request.tunesSessions = settings.tunesSessions
    if settings.usesOpenVINO { request.openVINO = try OpenVINOEngine.load(path: settings.openVINOPath) }
    request.seed = options.seed
    request.maxAccuracyDrop = options.maximumAccuracyDrop
    request.objective = settings.objective
    request.techniques = settings.techniques
    request.timeBudget = settings.timeBudget
    request.judgesByAgreement = settings.judgesByAgreement
    request.finetune = settings.finetune
    request.measuresSensitivity = settings.sensitivity
    request.workDirectory = settings.workDirectory
    request.sourceSha256 = sha256
    if let progress = options.progress {
      request.progress = { stage, fraction in progress(ScopeProgress(stage: stage, fraction: fraction)) }
    }
    let result: OptimizationResult
    do throws(ScopeError) {
      if let images = prepared.images, images.dataset.isLabelled, !settings.judgesByAgreement {
        options.progress?(ScopeProgress(stage: "Checking the preprocessing", fraction: nil))
        try PreprocessingCheck.run(request.model, data: images, engine: engine, threads: options.threads)
      }
      result = try Optimizer.run(request)
    } catch {
      throw error.inFile(model.file.path)
    }
    let bytes = try ONNXWriter.serialize(result.model)
    var section = section(result, options: options)
    if let path = options.optimizedPath {
      try AtomicFile.write(bytes, to: path)
      section.optimizedPath = path
      section.optimizedSha256 = try ByteSlice(mappingFile: path).sha256
    }
    return (section, result)
  }

  /// The executable graph with the sizes that the user fixed.
  private static func specialized(
    _ model: LoadedModel, _ options: ScopeOptions
  ) throws(ScopeError) -> Model {
    var graph = try model.executableGraph()
    guard options.optimization.batch != nil || !options.shapes.isEmpty else { return graph }
    var inputs: [String: [Int]] = [:]
    for (name, shape) in options.shapes { inputs[name] = shape.sizes }
    _ = try PassRunner.run(
      [SpecializeShapes(inputs: inputs, batch: options.optimization.batch)], on: &graph)
    return graph
  }

  private static func section(_ result: OptimizationResult, options: ScopeOptions) -> Report.Optimization {
    var section = Report.Optimization(
      originalBytes: result.originalBytes, optimizedBytes: result.optimizedBytes,
      isApproximate: result.isApproximate)
    let conditions =
      "batch \(result.originalLatency.batch), \(result.originalLatency.threads) threads, interleaved with the original, "
      + "\(result.speedup.rounds) rounds"
    section.speedup = figure(result.speedup, conditions: conditions)
    section.originalP50Milliseconds = figure(result.originalLatency, conditions: conditions)
    section.optimizedP50Milliseconds = figure(result.optimizedLatency, conditions: conditions)
    let comparison = result.comparison
    if result.isLabelled {
      let images = "top-1 on \(result.evaluationImages) samples that did not calibrate"
      section.originalAccuracy = .proportion(
        comparison.originalCorrect, of: comparison.images, conditions: images)
      section.optimizedAccuracy = .proportion(
        comparison.candidateCorrect, of: comparison.images, conditions: images)
    }
    if result.isJudged {
      section.agreement = .proportion(
        comparison.agreeing, of: comparison.images, conditions: "same prediction as the original")
      section.accuracyDrop = drop(comparison)
    }
    section.objective = options.optimization.objective.rawValue
    section.techniques = result.techniques
    section.candidates = result.candidates.map { candidate($0, result) }
    section.chosen = result.candidates.first { $0.verdict == .chosen }?.name
    section.maximumAccuracyDrop = options.maximumAccuracyDrop
    section.calibrationImages = result.isJudged ? result.calibrationImages : nil
    section.evaluationImages = result.isJudged ? result.evaluationImages : nil
    section.sensitivity = result.sensitivity.map {
      Report.LayerSensitivity(
        layer: $0.layer, opType: $0.opType, parameterShare: $0.parameterShare, sqnr: $0.sqnr)
    }
    section.explanations = result.explanations
    if let tuning = result.engineChoice?.tuning { section.engines = engines(tuning) }
    section.notes = result.notes
    return section
  }

  /// What was tried to run the written model, and what to deploy.
  private static func engines(_ tuning: SessionTuning) -> Report.EngineTable {
    var table = Report.EngineTable(best: tuning.best.label)
    table.openVINOOverONNXRuntime = tuning.openVINOOverONNXRuntime.map {
      figure($0, conditions: "best of each engine")
    }
    table.rows = tuning.rows.map { row in
      var entry = Report.EngineTable.Row(
        configuration: row.configuration.label, isBest: row.configuration == tuning.best,
        verdict: words(row.verdict))
      if let median = row.medianMilliseconds {
        entry.p50Milliseconds = .milliseconds(median, interval: row.medianInterval.map(LatencyStage.interval))
      }
      entry.speedup = row.ratio.map { figure($0, conditions: row.comparedWith.map { "against \($0.label)" }) }
      return entry
    }
    return table
  }

  private static func words(_ verdict: SessionTuning.Verdict) -> String {
    switch verdict {
    case .baseline: "the default"
    case .faster: "faster"
    case .slower: "slower"
    case .noDifference: "no difference that can be told"
    case .outputsDiffer: "its outputs differ"
    case .failed(let reason): "failed: \(reason)"
    case .notMeasured: "not measured: the time was over"
    }
  }

  /// Loss of accuracy, or share of predictions lost where agreement judges, with its paired interval.
  private static func drop(_ comparison: PairedComparison) -> Figure {
    let interval = comparison.dropInterval
    return .fraction(
      comparison.accuracyDrop,
      interval: Figure.Interval(
        low: interval.lowerBound, high: interval.upperBound, method: "Agresti-Min, paired"),
      samples: comparison.images,
      conditions:
        "\(comparison.lost) lost, \(comparison.gained) gained; exact McNemar p = \(significant(comparison.pValue))"
    )
  }

  /// Three decimals, or `< 0.001`.
  private static func significant(_ value: Double) -> String {
    value < 0.001 ? "< 0.001" : "\((value * 1000).rounded() / 1000)"
  }

  private static func candidate(
    _ candidate: OptimizationCandidate, _ result: OptimizationResult
  ) -> Report.Candidate {
    var row = Report.Candidate(
      name: candidate.name,
      verdict: candidate.verdict == .chosen ? "chosen: \(candidate.reason)" : candidate.reason,
      standing: standing(candidate))
    row.bytes = candidate.bytes.map { .bytes($0) }
    row.calibrationSQNR = candidate.calibrationSQNR.flatMap { $0.isFinite ? $0 : nil }
    row.steps = candidate.steps
    row.isOnFront = candidate.isOnFront
    row.path = candidate.path
    if let comparison = candidate.comparison, result.isJudged {
      if result.isLabelled {
        row.accuracy = .proportion(comparison.candidateCorrect, of: comparison.images)
      }
      row.accuracyDrop = drop(comparison)
      row.agreement = .proportion(comparison.agreeing, of: comparison.images)
    }
    row.p50Milliseconds = candidate.latency.map { figure($0, conditions: nil) }
    row.speedup = candidate.speedup.map { figure($0, conditions: nil) }
    row.openVINOSpeedup = candidate.openVINOSpeedup.map {
      figure($0, conditions: "against the original in ONNX Runtime, in blocks after a rest")
    }
    return row
  }

  private static func standing(_ candidate: OptimizationCandidate) -> Report.Candidate.Standing {
    switch candidate.verdict {
    case .chosen: .chosen
    case _ where candidate.isOnFront: .front
    case .admissible: .within
    case .rejected:
      candidate.speedup == nil && candidate.comparison == nil ? .notRun : .out
    }
  }

  private static func figure(_ ratio: SpeedRatio, conditions: String?) -> Figure {
    .ratio(
      ratio.ratio, interval: LatencyStage.interval(ratio.interval), samples: ratio.rounds,
      conditions: conditions)
  }

  private static func figure(_ latency: LatencySummary, conditions: String?) -> Figure {
    .milliseconds(
      latency.medianMilliseconds, interval: LatencyStage.interval(latency.medianInterval),
      spread: latency.p75Milliseconds - latency.p25Milliseconds, samples: latency.samples.count,
      conditions: conditions)
  }
}
