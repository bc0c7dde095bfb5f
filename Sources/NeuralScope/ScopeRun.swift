import FoundationEssentials
import ScopeAnalysis
import ScopeBytes
import ScopeOptimization
import ScopeReport
import ScopeRobustness
import ScopeRuntime

/// The sections of one run over one model, filled in order into one ``Report``.
struct ScopeRun {
  let model: LoadedModel
  let options: ScopeOptions
  private(set) var report: Report
  private let start = ContinuousClock.now
  private var engine: Engine?
  private var data: PreparedData?
  private var optimized: OptimizationResult?

  init(path: String, options: ScopeOptions, hash: Bool) throws(ScopeError) {
    model = try LoadedModel(path: path, shapes: options.shapes)
    self.options = options
    var described = Report.Model(model)
    if hash { described.sha256 = model.file.bytes.sha256 }
    if model.graph == nil { described.problem = model.conversionError?.description }
    report = Report(model: described, conditions: Report.Conditions(options: options))
  }

  mutating func needEngine() throws(ScopeError) -> Engine {
    if let engine { return engine }
    let engine = try Engine.load(path: options.enginePath)
    self.engine = engine
    report.conditions.engine = Report.Engine(version: engine.version, path: engine.path, provider: "CPU")
    report.conditions.threads = options.threads > 0 ? options.threads : Machine.current.cores
    return engine
  }

  mutating func needData() throws(ScopeError) -> PreparedData {
    if let data { return data }
    let data = try PreparedData.load(for: model, options: options)
    self.data = data
    report.conditions.data = Report.Dataset(data, path: options.data.path ?? "")
    report.conditions.warnings += data.dataset.notes
    return data
  }

  mutating func analyzeStructure() throws(ScopeError) {
    var (analysis, _, missing) = try AnalysisStage.run(model, shapes: options.shapes)
    missing += WeightsStage.run(&analysis, model, options: options)
    report.conditions.warnings += LanguageModelStage.warnings(model)
    if options.details.contains(.memory), let graph = model.graph {
      analysis.memory?.batches = try StructureStage.batchMemory(
        graph, shapes: options.shapes, weightBytes: Int(analysis.weightBytes?.value ?? 0))
      if analysis.memory?.batches.isEmpty == true {
        missing.append(
          Report.NotMeasured(
            path: "analysis.memory.batches", reason: "the model's batch is fixed, or other sizes are open",
            remedy: "export it with an open batch, or give the other sizes with --shape"))
      }
    }
    if options.details.contains(.tensors) {
      let progress = options.progress
      let found = StructureStage.tensors(model) {
        progress?(ScopeProgress(stage: "Reading weights", fraction: $0))
      }
      analysis.tensors = found.rows
      analysis.parameterDetail?.sparsity = found.sparsity
      analysis.notes += found.unread.prefix(20).map { "not read: \($0)" }
    } else {
      missing.append(
        Report.NotMeasured(
          path: "analysis.tensors", reason: "reading every weight was not asked for",
          remedy: "neural-scope analyze --tensors"))
    }
    report.analysis = analysis
    report.notMeasured += missing
  }

  mutating func measureLatency() throws(ScopeError) {
    guard var analysis = report.analysis, model.graph != nil else { return }
    let engine = try needEngine()
    var sample: [String: HostArray]?
    if options.data.path != nil, let input = try? model.imageInput(), input.batch ?? 1 == 1 {
      let data = try needData()
      sample = [
        input.name: HostArray(
          data.images.normalizedValues([0], data.normalization),
          [1, data.images.channels, data.images.height, data.images.width])
      ]
    }
    let measurement = try Measurement(model, sample: sample, engine: engine, options: options)
    report.notMeasured += try measurement.fill(&analysis)
    report.analysis = analysis
    if let latency = analysis.latency, let spread = latency.p50Milliseconds.spread,
      spread > 0.1 * latency.p50Milliseconds.value
    {
      report.conditions.warnings.append(
        "The latency is noisy: its interquartile range is \(Int((100 * spread / latency.p50Milliseconds.value).rounded()))% of the median; close other programs and measure again."
      )
    }
  }

  mutating func optimize() throws(ScopeError) {
    let engine = try needEngine()
    let prepared: SampleStage.Prepared
    if let data {
      prepared = SampleStage.Prepared(samples: data.samples, images: data, dataset: nil, warnings: [])
    } else {
      prepared = try SampleStage.load(model, options: options)
      report.conditions.data = prepared.dataset
      report.conditions.warnings += prepared.warnings
    }
    let (section, result) = try OptimizationStage.run(
      model, prepared: prepared, sha256: report.model.sha256, engine: engine, options: options)
    report.optimization = section
    if !result.isJudged {
      skip(
        "optimization.accuracy", reason: "there is no data to judge by",
        remedy: "--data DIR (images), or an .npz with an array per input")
    } else if !result.isLabelled {
      skip(
        "optimization.accuracy", reason: "agreement with the original's predictions judges",
        remedy: "give labelled data and leave out --judge agreement")
    }
    optimized = result
  }

  /// Accuracy and calibration on the clean images.
  mutating func evaluate() throws(ScopeError) {
    let engine = try needEngine()
    let data = try needData()
    let graph = try model.executableGraph()
    options.progress?(ScopeProgress(stage: "Evaluating", fraction: nil))
    let session = try Session(
      engine: engine, model: graph, options: SessionOptions(threads: options.threads))
    let runner = try ModelRunner(session: session, output: graph.graph.outputs.first?.name ?? "")
    let count = data.images.count
    let scores = try runner.logits(data.samples, Array(0..<count))
    let labels = data.images.labels
    let correct = zip(scores.predictions, labels).count { $0 == $1 }
    guard scores.count == count,
      let accuracy = Figure.proportion(correct, of: count, conditions: "top-1 on \(count) images")
    else {
      throw ScopeError(.unsupported, "the model gives no scores per class", file: model.file.path)
    }
    report.evaluation = Report.Evaluation(
      accuracy: accuracy,
      calibration: RobustnessStage.calibration(Calibration(scores: scores.values, labels: labels)))
  }

  mutating func attack(sampleCount: Int) throws(ScopeError) {
    let engine = try needEngine()
    let data = try needData()
    let quantized = optimized.flatMap { $0.isApproximate ? $0.model : nil }
    report.robustness = try RobustnessStage.run(
      model, optimized: quantized, data: data, sampleCount: sampleCount, engine: engine, options: options)
    if options.attack.randomStart {
      report.conditions.seeds.append(Report.Seed(purpose: "random start of PGD", value: options.seed))
    }
  }

  mutating func scan() throws(ScopeError) {
    report.security = try SecurityStage.run(
      model, report: report, optimization: optimized)
  }

  /// Notes that a section could not be measured instead of ending the run.
  mutating func skip(_ path: String, because error: ScopeError) {
    report.notMeasured.append(
      Report.NotMeasured(path: path, reason: error.message, remedy: error.remedy ?? error.description))
  }

  mutating func skip(_ path: String, reason: String, remedy: String) {
    report.notMeasured.append(Report.NotMeasured(path: path, reason: reason, remedy: remedy))
  }

  /// The finished value, texts included.
  consuming func finish() -> Report {
    report.conditions.durationSeconds = (ContinuousClock.now - start).milliseconds / 1000
    return report.narrated()
  }
}
