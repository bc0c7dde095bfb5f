import ScopeGraph
import ScopeRuntime
import ScopeStatistics

/// Where the time of an inference goes, from ONNX Runtime's profile.
public struct ProfileSummary: Sendable {
  /// A node of the graph after ONNX Runtime's own optimization.
  public struct Kernel: Sendable, Hashable {
    public var name: String
    public var opType: String
    /// Median over runs, microseconds.
    public var medianMicroseconds: Double
    /// Share of all kernel time, 0 to 1.
    public var share: Double
  }

  /// In the order of execution; those of the optimized graph where that is given, one for one.
  public var kernels: [Kernel]
  /// Kernel time of one run (sum of the medians), microseconds; the engine's own overhead between kernels is not in it.
  public var totalMicroseconds: Double
  /// Runs behind the medians.
  public var runs: Int

  /// What a node inside an If, Loop or Scan takes is in the time of the node that holds it.
  ///
  /// - Parameters:
  ///   - optimized: the graph the engine ran; nil takes the kernels from the events.
  ///   - runs: number of runs the events come from.
  ///   - skipping: leading runs left out, as warm-up.
  public init(_ events: [ProfileEvent], optimized: Graph? = nil, runs: Int, skipping: Int = 0) {
    let events = events.filter { !$0.isNested }
    let runs = max(runs, 1)
    let skipped = min(max(skipping, 0), runs - 1)
    var names: [(name: String, opType: String)]
    var times: [[Double]]
    if let nodes = optimized?.nodes, Self.matches(events, nodes, runs: runs) {
      names = nodes.enumerated().map { index, node in
        (node.name.isEmpty ? events[index].nodeName : node.name, node.opType)
      }
      times = nodes.indices.map { index in
        (skipped..<runs).map { events[$0 * nodes.count + index].microseconds }
      }
    } else {
      let found = Self.byName(events, runs: runs, skipped: skipped)
      if let nodes = optimized?.nodes {
        // Nodes of one name and operator cannot be told apart: the first gets the time.
        var left = found.times
        names = nodes.map { ($0.name, $0.opType) }
        times = nodes.map { left.removeValue(forKey: Key(name: $0.name, type: $0.opType)) ?? [] }
      } else {
        names = found.order.map { ($0.name, $0.type) }
        times = found.order.map { found.times[$0] ?? [] }
      }
    }
    // One interrupted run would double a mean; the median of the runs does not move.
    let medians = times.map { $0.isEmpty ? 0 : $0.quantile(0.5) }
    let total = medians.reduce(0, +)
    kernels = zip(names, medians).map { name, median in
      Kernel(
        name: name.name, opType: name.opType, medianMicroseconds: median,
        share: total > 0 ? median / total : 0)
    }
    totalMicroseconds = total
    self.runs = runs - skipped
  }

  private struct Key: Hashable {
    var name: String
    var type: String
  }

  /// Whether every run executed the nodes of the graph in their order.
  private static func matches(_ events: [ProfileEvent], _ nodes: [Node], runs: Int) -> Bool {
    guard !nodes.isEmpty, events.count == runs * nodes.count else { return false }
    return events.indices.allSatisfy { index in
      let node = nodes[index % nodes.count]
      return node.opType == events[index].opType && (node.name.isEmpty || node.name == events[index].nodeName)
    }
  }

  /// Times by name and operator, summed over the executions of a run. Executions that differ between runs have no such
  /// pairing and are averaged.
  private static func byName(
    _ events: [ProfileEvent], runs: Int, skipped: Int
  ) -> (order: [Key], times: [Key: [Double]]) {
    var order: [Key] = []
    var all: [Key: [Double]] = [:]
    for event in events {
      let key = Key(name: event.nodeName, type: event.opType)
      if all[key] == nil { order.append(key) }
      all[key, default: []].append(event.microseconds)
    }
    let times = all.mapValues { values -> [Double] in
      let (perRun, rest) = values.count.quotientAndRemainder(dividingBy: runs)
      guard rest == 0, perRun > 0 else { return [values.reduce(0, +) / Double(runs)] }
      return (skipped..<runs).map { values[($0 * perRun)..<(($0 + 1) * perRun)].reduce(0, +) }
    }
    return (order, times)
  }
}

/// Use of the engine's memory during the first run, before it has a plan for later ones.
public struct EngineMemory: Sendable, Hashable {
  /// Most bytes in use at any time, minus the least.
  public var peakBytes: Int
  /// Bytes of activations that stay reserved in later runs, when the engine works in one planned block.
  public var plannedBytes: Int?

  /// Nil when the profile does not record memory.
  ///
  /// - Parameter runs: number of runs the events come from.
  public init?(_ events: [ProfileEvent], runs: Int) {
    let perRun = events.count / max(runs, 1)
    let first = events.prefix(perRun).compactMap(\.memory)
    guard let start = first.first, let least = first.map(\.inUse).min(),
      var most = first.map(\.inUse).max(), let end = first.last
    else { return nil }
    // The recorded peak counts from the session's making; it says something of the run when the run raised it, or when
    // its first node did.
    if end.peak > start.peak || start.peak == start.inUse { most = max(most, end.peak) }
    peakBytes = most - least
    if runs > 1, let later = events.last?.memory, later.inUse > least { plannedBytes = later.inUse - least }
  }
}
