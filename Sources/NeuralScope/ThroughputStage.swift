import ScopeBytes
import ScopeGraph
import ScopeReport
import ScopeRuntime

/// Steady state over batch sizes and thread counts.
package enum ThroughputStage {
  static let batches = [1, 2, 4, 8, 16, 32]
  /// Part of the free memory that activations and further sessions may take.
  private static let memoryShare = 4

  /// - Parameter session: of all threads, made for the latency.
  static func run(
    _ analysis: inout Report.Analysis, _ session: Session, _ measurement: Measurement
  ) throws(ScopeError) -> [Report.NotMeasured] {
    measurement.progress("Measuring throughput")
    var missing: [Report.NotMeasured] = []
    let budget = measurement.options.latencyBudget * 2
    let weights = Int(analysis.weightBytes?.value ?? 0)
    let free = (ProcessMemory.available ?? .max) / memoryShare
    var sessions = [session]
    for threads in threadCounts(measurement.threads).dropLast() {
      guard fits(weights, sessions.count, free) else { break }
      sessions.append(try measurement.session(threads: threads))
    }
    let single = (analysis.latency?.p50Milliseconds.value ?? 0) / Double(max(measurement.batch, 1))
    let planned = plan(
      threads: sessions.map(\.options.threads), millisecondsPerImage: single, budget: budget,
      activationBytes: Int(analysis.peakActivationBytes?.value ?? 0), memory: free)
    let isOpen = hasOpenBatch(measurement)
    if !isOpen {
      missing.append(
        Report.NotMeasured(
          path: "analysis.throughput", reason: "the model's batch is fixed to \(measurement.batch)",
          remedy: "export it with an open batch to see what larger batches give"))
    } else if planned.batches.count < batches.count {
      let left = batches.dropFirst(planned.batches.count).map(String.init).joined(separator: ", ")
      let seconds = Int((measurement.options.latencyBudget.milliseconds / 1000 * 4).rounded(.up))
      missing.append(
        Report.NotMeasured(
          path: "analysis.throughput", reason: "batches \(left) were left out: \(planned.reason)",
          remedy: "neural-scope analyze --throughput --latency-seconds \(seconds)"))
    }
    var points: [ThroughputBenchmark.Point] = []
    for session in sessions {
      for batch in isOpen ? planned.batches : [measurement.batch] {
        points.append(
          .init(
            session: session, feeds: isOpen ? try feeds(batch, measurement) : measurement.feeds, batch: batch)
        )
      }
    }
    let summaries = try ThroughputBenchmark.measure(points, plan: .init(budget: budget))
    analysis.throughput = summaries.map { summary in
      let conditions = "interleaved with the other points, ONNX Runtime \(measurement.engine.version)"
      let range = summary.medianInterval
      let images = { (milliseconds: Double) in 1000 * Double(summary.batch) / milliseconds }
      return Report.Throughput(
        batch: summary.batch, threads: summary.threads,
        medianMilliseconds: .milliseconds(
          summary.medianMilliseconds, interval: LatencyStage.interval(range),
          spread: summary.p75Milliseconds - summary.p25Milliseconds, samples: summary.samples.count,
          conditions: conditions),
        imagesPerSecond: Figure(
          summary.imagesPerSecond, .imagesPerSecond,
          interval: Figure.Interval(
            low: images(range.upperBound), high: images(range.lowerBound),
            method: "order statistics of the median"), samples: summary.samples.count,
          conditions: conditions))
    }.sorted { ($0.threads, $0.batch) < ($1.threads, $1.batch) }
    return missing
  }

  /// Powers of two and the most.
  package static func threadCounts(_ most: Int) -> [Int] {
    var counts: [Int] = []
    var count = 1
    while count < most {
      counts.append(count)
      count *= 2
    }
    return counts + [max(most, 1)]
  }

  /// The batches of which five rounds with the warm-up fit twice the budget, and whose activations fit the memory.
  ///
  /// One image is taken to need what it needs in the latency measurement, and as much more as there are fewer threads;
  /// a batch of N to need N times as much.
  package static func plan(
    threads: [Int], millisecondsPerImage: Double, budget: Duration, activationBytes: Int, memory: Int
  ) -> (batches: [Int], reason: String) {
    let most = Double(threads.max() ?? 1)
    let factor = threads.reduce(0.0) { $0 + most / Double(max($1, 1)) }
    var chosen: [Int] = []
    var total = 0.0
    for batch in batches {
      total += 7 * Double(batch) * millisecondsPerImage * factor
      guard chosen.isEmpty || total <= 2 * budget.milliseconds else {
        return (chosen, "five rounds of them would take more than the time budget")
      }
      guard chosen.isEmpty || fits(activationBytes, batch, memory) else {
        return (chosen, "their activations would take more than a quarter of the free memory")
      }
      chosen.append(batch)
    }
    return (chosen, "")
  }

  private static func fits(_ bytes: Int, _ count: Int, _ memory: Int) -> Bool {
    let (product, overflow) = bytes.multipliedReportingOverflow(by: count)
    return !overflow && product <= memory
  }

  /// Whether every input leaves its first size to the caller and has batch 1 here.
  private static func hasOpenBatch(_ measurement: Measurement) -> Bool {
    let inputs = measurement.model.graph.requiredInputs
    return !inputs.isEmpty
      && inputs.allSatisfy { input in
        guard let first = input.shape?.dimensions.first else { return false }
        return first.value.map { $0 < 0 } ?? true && measurement.feeds[input.name]?.dimensions.first == 1
      }
  }

  private static func feeds(_ batch: Int, _ measurement: Measurement) throws(ScopeError) -> [String:
    HostArray]
  {
    guard batch > 1 else { return measurement.feeds }
    var result: [String: HostArray] = [:]
    for (name, array) in measurement.feeds { result[name] = try array.repeated(batch) }
    return result
  }
}

extension HostArray {
  /// The array `count` times along its first axis, which has size 1.
  ///
  /// - Throws: `limitExceeded` when that is too large.
  package func repeated(_ count: Int) throws(ScopeError) -> HostArray {
    guard dimensions.first == 1 else { return self }
    let sizes = [count] + dimensions.dropFirst()
    let elements = try checkedProduct(sizes, what: "a batch of \(count)")
    guard elements <= 1 << 30 else {
      throw ScopeError(.limitExceeded, "a batch of \(count) is too large", found: "\(elements) elements")
    }
    func times<Element>(_ values: [Element]) -> [Element] {
      var all: [Element] = []
      all.reserveCapacity(values.count * count)
      for _ in 0..<count { all += values }
      return all
    }
    let repeated: Values =
      switch values {
      case .float32(let values): .float32(times(values))
      case .float64(let values): .float64(times(values))
      case .int64(let values): .int64(times(values))
      case .int32(let values): .int32(times(values))
      case .uint8(let values): .uint8(times(values))
      case .int8(let values): .int8(times(values))
      case .bool(let values): .bool(times(values))
      case .other(let type, let bytes): .other(type, times(bytes))
      }
    return HostArray(repeated, sizes)
  }
}
