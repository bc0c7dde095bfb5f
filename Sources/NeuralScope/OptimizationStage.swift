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
    _ model: LoadedModel, data: PreparedData, engine: Engine, options: ScopeOptions
  ) throws(ScopeError) -> (Report.Optimization, OptimizationResult) {
    var request = OptimizationRequest(
      model: try model.executableGraph(), originalBytes: model.file.byteCount, samples: data.samples,
      engine: engine)
    request.threads = options.threads
    request.seed = options.seed
    request.maxAccuracyDrop = options.maximumAccuracyDrop
    if let progress = options.progress {
      request.progress = { stage, fraction in progress(ScopeProgress(stage: stage, fraction: fraction)) }
    }
    let result: OptimizationResult
    do throws(ScopeError) {
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

  private static func section(_ result: OptimizationResult, options: ScopeOptions) -> Report.Optimization {
    var section = Report.Optimization(
      originalBytes: result.originalBytes, optimizedBytes: result.optimizedBytes,
      isApproximate: result.isQuantized)
    let conditions =
      "batch \(result.originalLatency.batch), \(result.originalLatency.threads) threads, interleaved with the original, "
      + "\(result.speedup.rounds) rounds"
    section.speedup = figure(result.speedup, conditions: conditions)
    section.originalP50Milliseconds = figure(result.originalLatency, conditions: conditions)
    section.optimizedP50Milliseconds = figure(result.optimizedLatency, conditions: conditions)
    let images = "top-1 on \(result.evaluationImages) images that did not calibrate"
    section.originalAccuracy = .proportion(
      result.comparison.originalCorrect, of: result.comparison.images, conditions: images)
    section.optimizedAccuracy = .proportion(
      result.comparison.candidateCorrect, of: result.comparison.images, conditions: images)
    section.agreement = .proportion(
      result.comparison.agreeing, of: result.comparison.images, conditions: "same top-1 class as the original"
    )
    section.techniques = result.techniques
    section.candidates = result.candidates.map(candidate)
    section.chosen = result.candidates.first { $0.verdict == .chosen }?.name
    section.maximumAccuracyDrop = options.maximumAccuracyDrop
    section.calibrationImages = result.calibrationImages
    section.evaluationImages = result.evaluationImages
    section.notes = result.notes
    return section
  }

  private static func candidate(_ candidate: OptimizationCandidate) -> Report.Candidate {
    var row = Report.Candidate(
      name: candidate.name,
      verdict: candidate.verdict == .chosen ? "chosen: \(candidate.reason)" : candidate.reason,
      isChosen: candidate.verdict == .chosen)
    row.bytes = .bytes(candidate.bytes)
    if let comparison = candidate.comparison {
      row.accuracy = .proportion(comparison.candidateCorrect, of: comparison.images)
      row.agreement = .proportion(comparison.agreeing, of: comparison.images)
    }
    row.p50Milliseconds = candidate.latency.map { figure($0, conditions: nil) }
    row.speedup = candidate.speedup.map { figure($0, conditions: nil) }
    return row
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
