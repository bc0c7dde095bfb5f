import ScopeAnalysis
import ScopeRuntime
import Testing

struct ProfileSummaryTests {
  private var events: [ProfileEvent] {
    (0..<4).flatMap { run in
      [
        ProfileEvent(nodeName: "conv1", opType: "Conv", microseconds: run == 0 ? 900 : 60),
        ProfileEvent(nodeName: "conv2", opType: "Conv", microseconds: 30),
        ProfileEvent(nodeName: "pool", opType: "MaxPool", microseconds: 10),
      ]
    }
  }

  @Test func meansAndSharesOverTheCountedRuns() {
    let summary = ProfileSummary(events, skipping: 1, top: 2)
    #expect(summary.runs == 3)
    #expect(summary.nodeCount == 3)
    #expect(summary.totalMicroseconds == 100)
    #expect(summary.slowest.map(\.nodeName) == ["conv1", "conv2"])
    #expect(summary.slowest.map(\.medianMicroseconds) == [60, 30])
    #expect(summary.byOperator.map(\.share) == [0.9, 0.1])
    #expect(summary.byOperator[0].executionsPerRun == 2)
  }

  @Test func nodesInsideLoopsCountEveryExecution() {
    let loop = (0..<6).map { _ in ProfileEvent(nodeName: "cell", opType: "MatMul", microseconds: 5) }
    let summary = ProfileSummary(
      loop + [1, 2].map { _ in ProfileEvent(nodeName: "loop", opType: "Add", microseconds: 15) }, runs: 2)
    #expect(summary.slowest.map(\.medianMicroseconds) == [15, 15])
    #expect(summary.slowest.first { $0.nodeName == "cell" }?.executionsPerRun == 3)
  }

  @Test func anEmptyProfileIsEmpty() {
    let summary = ProfileSummary([])
    #expect(summary.slowest.isEmpty)
    #expect(summary.totalMicroseconds == 0)
  }
}
