import FoundationEssentials
import ScopeAnalysis
import ScopeBytes
import ScopeGraph
import ScopeReport
import ScopeRuntime
import ScopeStatistics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What of section 1 needs the engine: load time, first inference, steady-state latency, where the time goes.
enum LatencyStage {
  /// - Parameters:
  ///   - nodeCosts: arithmetic by node index of the executable graph; empty when it is not known.
  ///   - sample: the model's input for one image; nil makes one up.
  static func run(
    _ analysis: inout Report.Analysis, model: LoadedModel, nodeCosts: [StructureAnalysis.NodeCost],
    sample: [String: HostArray]?, engine: Engine,
    options: ScopeOptions
  ) throws(ScopeError) -> [Report.NotMeasured] {
    let graph = try model.executableGraph()
    let feeds: [String: HostArray]
    if let sample { feeds = sample } else { feeds = try SampleInputs.make(graph) }
    let batch = graph.graph.requiredInputs.first.flatMap { feeds[$0.name]?.dimensions.first } ?? 1
    let session = try Session(engine: engine, model: graph, options: SessionOptions(threads: options.threads))
    let clock = ContinuousClock()
    let start = clock.now
    _ = try session.run(feeds)
    let first = (clock.now - start).milliseconds
    options.progress?(ScopeProgress(stage: "Measuring latency", fraction: nil))
    let summary = try LatencyBenchmark.measure(
      session, feeds: feeds, batch: batch, plan: .init(budget: options.latencyBudget))
    let input = sample == nil ? "made-up input" : "the first image"
    let conditions =
      "\(summary.threads) threads, batch \(batch), \(input), FP32 CPU provider, ONNX Runtime \(engine.version)"
    var latency = Report.Latency(
      p50Milliseconds: .milliseconds(
        summary.medianMilliseconds, interval: interval(summary.medianInterval),
        spread: summary.p75Milliseconds - summary.p25Milliseconds, samples: summary.samples.count,
        conditions: conditions),
      samples: summary.samples.count, threads: summary.threads, batch: batch)
    latency.warmupRuns = summary.warmUpRuns
    latency.p90Milliseconds = summary.p90Milliseconds.map {
      .milliseconds($0, samples: summary.samples.count)
    }
    latency.p99Milliseconds = summary.p99Milliseconds.map {
      .milliseconds($0, samples: summary.samples.count)
    }
    latency.interquartileRangeMilliseconds = .milliseconds(summary.p75Milliseconds - summary.p25Milliseconds)
    latency.loadMilliseconds = .milliseconds(
      session.loadTime.milliseconds, samples: 1,
      conditions: "creating the session, optimizing the graph included")
    latency.firstInferenceMilliseconds = .milliseconds(
      first, samples: 1, conditions: "memory is allocated in it")
    latency.imagesPerSecond = Figure(summary.imagesPerSecond, .imagesPerSecond, conditions: conditions)
    analysis.latency = latency
    analysis.slowestNodes = try slowest(
      graph, nodeCosts: nodeCosts, feeds: feeds, engine: engine, options: options)
    var missing: [Report.NotMeasured] = []
    for (name, value, needed) in [
      ("p90Milliseconds", summary.p90Milliseconds, 64), ("p99Milliseconds", summary.p99Milliseconds, 662),
    ]
    where value == nil {
      missing.append(
        Report.NotMeasured(
          path: "analysis.latency.\(name)",
          reason: "not enough samples: \(summary.samples.count) of \(needed)",
          remedy:
            "neural-scope analyze --latency-seconds \(Int((Double(needed) * summary.medianMilliseconds / 1000).rounded(.up)) + 1)"
        ))
    }
    return missing
  }

  static func interval(_ range: ClosedRange<Double>) -> Figure.Interval {
    Figure.Interval(low: range.lowerBound, high: range.upperBound, method: "order statistics of the median")
  }

  /// The ten slowest nodes of ONNX Runtime's profile, each mapped to the node of the model it computes.
  private static func slowest(
    _ graph: Model, nodeCosts: [StructureAnalysis.NodeCost], feeds: [String: HostArray], engine: Engine,
    options: ScopeOptions
  ) throws(ScopeError) -> [Report.NodeTime] {
    let folder = FileManager.default.temporaryDirectory.path()
    let prefix =
      "\(folder.hasSuffix("/") ? folder : folder + "/")neural-scope-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let session = try Session(
      engine: engine, model: graph, options: SessionOptions(threads: options.threads, profilePrefix: prefix))
    let runs = 23
    for _ in 0..<runs { _ = try session.run(feeds) }
    let summary = ProfileSummary(try session.endProfiling(), runs: runs, skipping: 3)
    let names = NodeNames(graph.graph)
    return summary.slowest.map { entry in
      let source = names.source(of: entry.nodeName)
      return Report.NodeTime(
        name: source.map { graph.graph.nodes[$0].name.isEmpty ? entry.nodeName : graph.graph.nodes[$0].name }
          ?? entry.nodeName,
        opType: entry.opType, milliseconds: entry.medianMicroseconds / 1000, share: entry.share,
        macs: source.flatMap { nodeCosts.indices.contains($0) ? nodeCosts[$0].cost?.macs : nil }.flatMap {
          $0 > 0 ? $0 : nil
        })
    }
  }
}

/// Finds the node of a model that a node of the engine's optimized graph computes.
package struct NodeNames {
  private var byName: [String: Int] = [:]
  private var byOutput: [String: Int] = [:]
  private let graph: Graph

  package init(_ graph: Graph) {
    self.graph = graph
    for (index, node) in graph.nodes.enumerated() {
      if !node.name.isEmpty { byName[node.name] = index }
      for output in node.outputs { byOutput[output] = index }
    }
  }

  /// ONNX Runtime names a rewritten node after its source or after the value it makes, with a suffix for the blocked
  /// layout. A fused activation's value leads back to the convolution that makes its input.
  package func source(of name: String) -> Int? {
    var name = name
    for suffix in ["_nchwc", "_token", "_fused"] where name.hasSuffix(suffix) {
      name = String(name.dropLast(suffix.count))
    }
    guard var index = byName[name] ?? byOutput[name] else { return nil }
    for _ in 0..<4 {
      let node = graph.nodes[index]
      guard !["Conv", "Gemm", "MatMul"].contains(node.opType),
        ["Relu", "Clip", "BatchNormalization", "Add", "Sum"].contains(node.opType),
        let producer = node.inputs.lazy.compactMap({ byOutput[$0] }).first(where: {
          graph.nodes[$0].outputs.count == 1
        })
      else { break }
      index = producer
    }
    return index
  }
}
