import ScopeRuntime
import ScopeStatistics

/// Where the time of an inference goes, from ONNX Runtime's profile.
public struct ProfileSummary: Sendable {
  /// A node (after ONNX Runtime's own optimization) or an operator type.
  public struct Entry: Sendable, Hashable {
    /// Node name; empty for a total over an operator type.
    public var nodeName: String
    public var opType: String
    /// Median over runs, microseconds.
    public var medianMicroseconds: Double
    /// Share of all kernel time, 0 to 1.
    public var share: Double
    /// Executions per run; more than 1 inside loops.
    public var executionsPerRun: Double
  }

  /// The slowest nodes, slowest first.
  public var slowest: [Entry]
  /// All time by operator type, largest first.
  public var byOperator: [Entry]
  /// Kernel time of one run (sum of the medians), microseconds; the engine's own overhead between kernels is not in it.
  public var totalMicroseconds: Double
  public var runs: Int
  public var nodeCount: Int

  /// - Parameters:
  ///   - runs: number of runs the events come from; nil takes the least number of executions of a node.
  ///   - skipping: leading runs left out, as warm-up.
  ///   - top: how many nodes to list.
  public init(_ events: [ProfileEvent], runs: Int? = nil, skipping: Int = 0, top: Int = 10) {
    struct Key: Hashable {
      var name: String
      var type: String
    }
    var order: [Key] = []
    var times: [Key: [Double]] = [:]
    for event in events {
      let key = Key(name: event.nodeName, type: event.opType)
      if times[key] == nil { order.append(key) }
      times[key, default: []].append(event.microseconds)
    }
    let allRuns = max(runs ?? times.values.map(\.count).min() ?? 0, 0)
    let skipped = min(max(skipping, 0), max(allRuns - 1, 0))
    let counted = max(allRuns - skipped, 1)
    var nodes: [Entry] = []
    var operators: [String: (time: Double, executions: Double)] = [:]
    var total = 0.0
    for key in order {
      guard let all = times[key] else { continue }
      let perRun = allRuns > 0 ? Double(all.count) / Double(allRuns) : 1
      let kept = Array(all.dropFirst(Int((Double(skipped) * perRun).rounded())))
      // One interrupted run would double a mean; the median of the runs does not move. Executions that differ
      // between runs (inside If) have no such pairing and are averaged.
      let steady = Double(kept.count) == perRun * Double(counted) && perRun.rounded() == perRun
      let time =
        steady && perRun >= 1
        ? stride(from: 0, to: kept.count, by: Int(perRun)).map { start in
          kept[start..<min(start + Int(perRun), kept.count)].reduce(0, +)
        }.quantile(0.5) : kept.reduce(0, +) / Double(counted)
      total += time
      nodes.append(
        Entry(
          nodeName: key.name, opType: key.type, medianMicroseconds: time, share: 0, executionsPerRun: perRun))
      operators[key.type, default: (0, 0)].time += time
      operators[key.type, default: (0, 0)].executions += perRun
    }
    func share(_ time: Double) -> Double { total > 0 ? time / total : 0 }
    for index in nodes.indices { nodes[index].share = share(nodes[index].medianMicroseconds) }
    slowest = Array(
      nodes.sorted { ($0.medianMicroseconds, $1.nodeName) > ($1.medianMicroseconds, $0.nodeName) }.prefix(
        max(top, 0)))
    byOperator = operators.map {
      Entry(
        nodeName: "", opType: $0.key, medianMicroseconds: $0.value.time, share: share($0.value.time),
        executionsPerRun: $0.value.executions)
    }.sorted { ($0.medianMicroseconds, $1.opType) > ($1.medianMicroseconds, $0.opType) }
    totalMicroseconds = total
    self.runs = allRuns - skipped
    nodeCount = nodes.count
  }
}
