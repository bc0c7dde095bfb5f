import ScopeAnalysis
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeReport
import ScopeRuntime

/// Where the time of an inference goes: the engine's profile, mapped back to the nodes of the model.
enum ProfileStage {
  struct Outcome {
    var events: [ProfileEvent]
    var runs: Int
    var summary: ProfileSummary
    var mapping: KernelMapping
    var costs: [KernelCost?]
    var descriptions: [KernelDescription]
    var conditions: String
  }

  /// Runs before those that count.
  private static let warmUp = 3
  private static let fewestRuns = 8
  private static let mostRuns = 63

  /// One session records the profile and saves the optimized graph; its files lie in a folder that goes with it.
  static func run(_ measurement: Measurement) throws(ScopeError) -> Outcome {
    measurement.progress("Profiling")
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/optimized.onnx"
    let bytes =
      measurement.model.functions.isEmpty
      ? measurement.bytes : try ONNXWriter.bytes(measurement.model)
    let session = try Session(
      engine: measurement.engine, modelBytes: bytes,
      options: SessionOptions(
        threads: measurement.threads, profilePrefix: "\(folder.path)/profile", optimizedModelPath: path))
    let optimized = try ONNXReader.read(try ByteSlice(mappingFile: path)).graph
    let clock = ContinuousClock()
    let end = clock.now + min(measurement.options.latencyBudget / 3, .seconds(2))
    var runs = 0
    while runs < fewestRuns || (runs < mostRuns && clock.now < end) {
      _ = try session.run(measurement.feeds)
      runs += 1
      // A slow model: two runs that count still beat one.
      if runs >= warmUp + 2, clock.now >= end { break }
    }
    let events = try session.endProfiling()
    let types = measurement.structure.types
    let graph = measurement.model.graph
    let mapping = KernelMapping(model: graph, optimized: optimized) { types.constant($0) != nil }
    let summary = ProfileSummary(events, optimized: optimized, runs: runs, skipping: warmUp)
    return Outcome(
      events: events, runs: runs, summary: summary, mapping: mapping,
      costs: KernelCost.all(mapping, graph: graph, structure: measurement.structure),
      descriptions: zip(mapping.kernels, summary.kernels).map { kernel, timed in
        KernelDescription(
          kernel, graph: graph, structure: measurement.structure, fallbackName: timed.name)
      },
      conditions: "\(measurement.conditions), medians of \(summary.runs) runs with the profiler on")
  }
}

extension ProfileStage.Outcome {
  func fill(_ analysis: inout Report.Analysis, structure: StructureAnalysis) {
    var profile = Report.Profile(
      kernelMilliseconds: summary.totalMicroseconds / 1000, runs: summary.runs, conditions: conditions)
    for (position, timed) in summary.kernels.enumerated() {
      var kernel = Report.Kernel(
        name: descriptions[position].name, opType: timed.opType,
        sources: mapping.kernels[position].sources.map { name($0, structure) },
        milliseconds: timed.medianMicroseconds / 1000, share: timed.share)
      if let cost = costs[position] {
        kernel.macs = cost.macs > 0 ? cost.macs : nil
        kernel.operations = cost.operations
        kernel.bytes = cost.bytes
        if timed.medianMicroseconds > 0 {
          kernel.gigaflopsPerSecond = Double(cost.operations) / timed.medianMicroseconds / 1e3
          kernel.gigabytesPerSecond = cost.bytes.map { Double($0) / timed.medianMicroseconds / 1e3 }
        }
        kernel.intensity = cost.bytes.flatMap { $0 > 0 ? Double(cost.operations) / Double($0) : nil }
      }
      profile.kernels.append(kernel)
    }
    profile.byOperator = shares(
      Dictionary(grouping: summary.kernels, by: \.opType).map { type, kernels in
        TimeByModule.Group(
          name: type, kernels: kernels.count, time: kernels.reduce(0) { $0 + $1.medianMicroseconds })
      }.sorted { ($0.time, $1.name) > ($1.time, $0.name) })
    profile.byModule = shares(
      TimeByModule.group(
        zip(descriptions, summary.kernels).map { description, timed in
          (description.isInserted ? nil : description.module, timed.medianMicroseconds)
        }))
    analysis.profile = profile
    analysis.optimizedNodes = .count(
      mapping.kernels.count,
      conditions:
        "nodes of the graph that the engine runs after its own optimization, its layout changes included")
    for entry in structure.layers.entries {
      guard let layer = structure.layers.positions[entry.nodeIndex], analysis.layers.indices.contains(layer),
        analysis.layers[layer].name == entry.name
      else { continue }
      analysis.layers[layer].kernel = mapping.kernelOfNode[entry.nodeIndex]
    }
  }

  private func name(_ node: Int, _ structure: StructureAnalysis) -> String {
    guard structure.nodeCosts.indices.contains(node) else { return "" }
    let name = structure.nodeCosts[node].name
    guard name.isEmpty, let position = structure.layers.positions[node] else { return name }
    return structure.layers.entries[position].name
  }

  private func shares(_ groups: [TimeByModule.Group]) -> [Report.TimeShare] {
    groups.map {
      Report.TimeShare(
        name: $0.name, kernels: $0.kernels, milliseconds: $0.time / 1000,
        share: summary.totalMicroseconds > 0 ? $0.time / summary.totalMicroseconds : 0)
    }
  }
}
