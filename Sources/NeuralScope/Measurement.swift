import FoundationEssentials
import ScopeAnalysis
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeReport
import ScopeRuntime

/// What the measuring stages of section 1 share: the model in the engine's form, one input, the circumstances.
struct Measurement {
  /// Functions unfolded, so that the engine's graph can be traced back to it.
  let model: Model
  /// The model as it was given, serialised once for all sessions.
  let bytes: ByteSlice
  let feeds: [String: HostArray]
  /// First size of the first input.
  let batch: Int
  /// Where the input comes from, for the conditions.
  let input: String
  /// For the sizes of the input.
  let structure: StructureAnalysis
  let engine: Engine
  let options: ScopeOptions
  let threads: Int

  /// - Parameter sample: the model's input for one image; nil makes one up.
  init(
    _ loaded: LoadedModel, sample: [String: HostArray]?, engine: Engine, options: ScopeOptions
  ) throws(ScopeError) {
    let given = try loaded.executableGraph()
    model = try FunctionInlining.inline(given)
    bytes = try ONNXWriter.bytes(given)
    let feeds: [String: HostArray]
    if let sample {
      feeds = sample
      input = "the first image"
    } else {
      let made = try SampleInputs.prepare(given, shapes: options.shapes)
      feeds = made.feeds
      input =
        "made-up input" + (made.assumptions.isEmpty ? "" : " (\(made.assumptions.joined(separator: ", ")))")
    }
    self.feeds = feeds
    batch = given.graph.requiredInputs.first.flatMap { feeds[$0.name]?.dimensions.first } ?? 1
    structure = try StructureAnalysis.analyze(
      model: model, bindings: feeds.mapValues { Shape($0.dimensions) })
    self.engine = engine
    self.options = options
    threads = options.threads > 0 ? options.threads : Machine.current.cores
  }

  var conditions: String {
    "\(threads) threads, batch \(batch), \(input), CPU provider, ONNX Runtime \(engine.version)"
  }

  func progress(_ stage: String) { options.progress?(ScopeProgress(stage: stage, fraction: nil)) }

  func session(threads: Int? = nil) throws(ScopeError) -> Session {
    try Session(engine: engine, modelBytes: bytes, options: SessionOptions(threads: threads ?? self.threads))
  }

  /// Everything of section 1 that needs the engine. What fails beside the latency is listed and ends nothing.
  ///
  /// - Returns: what was not measured.
  func fill(_ analysis: inout Report.Analysis) throws(ScopeError) -> [Report.NotMeasured] {
    var missing: [Report.NotMeasured] = []
    let before = ProcessMemory.resident
    let (latency, session, summary) = try LatencyStage.run(self)
    analysis.latency = latency
    missing += LatencyStage.missing(summary)
    if options.details.contains(.memory) {
      MemoryStage.fillGrowth(&analysis, before: before, measurement: self)
    }
    var profile: ProfileStage.Outcome?
    do throws(ScopeError) {
      profile = try ProfileStage.run(self)
    } catch {
      missing.append(Self.failed("analysis.profile", error))
    }
    if let profile {
      profile.fill(&analysis, structure: structure)
      if options.details.contains(.memory) { missing += MemoryStage.fillPeak(&analysis, profile) }
    }
    if options.details.contains(.roofline) {
      do throws(ScopeError) { try RooflineStage.run(&analysis, profile, self) } catch {
        missing.append(Self.failed("analysis.roofline", error))
      }
    } else {
      missing.append(
        Self.notAsked("analysis.roofline", "the machine's roofs were not asked for", "--roofline"))
    }
    if options.details.contains(.throughput) {
      do throws(ScopeError) { missing += try ThroughputStage.run(&analysis, session, self) } catch {
        missing.append(Self.failed("analysis.throughput", error))
      }
    } else {
      missing.append(
        Self.notAsked(
          "analysis.throughput", "other batch sizes and thread counts were not asked for", "--throughput"))
    }
    if !options.details.contains(.memory) {
      missing.append(
        Self.notAsked("analysis.memory.enginePeakBytes", "the engine's memory was not asked for", "--memory"))
    }
    DeploymentEstimate.fill(&analysis, pricePerHour: options.pricePerHour)
    if options.pricePerHour == nil {
      missing.append(
        Self.notAsked(
          "analysis.deployment.costPerMillion", "no price of the machine was given", "--price-per-hour PRICE")
      )
    }
    return missing
  }

  private static func notAsked(_ path: String, _ reason: String, _ flag: String) -> Report.NotMeasured {
    Report.NotMeasured(path: path, reason: reason, remedy: "neural-scope analyze \(flag)")
  }

  private static func failed(_ path: String, _ error: ScopeError) -> Report.NotMeasured {
    Report.NotMeasured(path: path, reason: error.message, remedy: error.remedy ?? error.description)
  }
}
