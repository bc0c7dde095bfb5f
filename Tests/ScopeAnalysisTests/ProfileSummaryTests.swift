import ScopeAnalysis
import ScopeBytes
import ScopeGraph
import ScopeRuntime
import Testing

struct ProfileSummaryTests {
  private var events: [ProfileEvent] {
    (0..<4).flatMap { run in
      [
        ProfileEvent(nodeName: "conv1", opType: "Conv", microseconds: run == 0 ? 900 : 60),
        ProfileEvent(nodeName: "Conv_7", opType: "Conv", microseconds: 30),
        ProfileEvent(nodeName: "pool", opType: "MaxPool", microseconds: 10),
      ]
    }
  }

  @Test func mediansAndSharesOverTheCountedRuns() {
    let summary = ProfileSummary(events, runs: 4, skipping: 1)
    #expect(summary.runs == 3)
    #expect(summary.totalMicroseconds == 100)
    #expect(summary.kernels.map(\.name) == ["conv1", "Conv_7", "pool"])
    #expect(summary.kernels.map(\.medianMicroseconds) == [60, 30, 10])
    #expect(summary.kernels.map(\.share) == [0.6, 0.3, 0.1])
  }

  /// A node without a name is known by its place alone.
  @Test func kernelsAreThoseOfTheOptimizedGraphInOrder() {
    var graph = Graph(name: "g")
    graph.nodes = [
      Node("Conv", name: "conv1", inputs: ["x"], outputs: ["a"]),
      Node("Conv", inputs: ["a"], outputs: ["b"]),
      Node("MaxPool", name: "pool", inputs: ["b"], outputs: ["c"]),
    ]
    let summary = ProfileSummary(events, optimized: graph, runs: 4, skipping: 1)
    #expect(summary.kernels.map(\.medianMicroseconds) == [60, 30, 10])
    // Another order than the graph's: by name where there is one.
    graph.nodes.reverse()
    let byName = ProfileSummary(events, optimized: graph, runs: 4, skipping: 1)
    #expect(byName.kernels.map(\.name) == ["pool", "", "conv1"])
    #expect(byName.kernels.map(\.medianMicroseconds) == [10, 0, 60])
  }

  @Test func whatALoopHoldsIsInItsOwnTime() {
    let lines = [
      #"{"cat" : "Session","pid" :1,"tid" :1,"dur" :5,"ts" :1,"ph" : "X","name" :"model_run","args" : {}},"#,
      #"{"cat" : "Node","dur" :5,"ts" :12,"name" :"cell_kernel_time","args" : {"op_name" : "MatMul"}},"#,
      #"{"cat" : "Node","dur" :5,"ts" :18,"name" :"cell_kernel_time","args" : {"op_name" : "MatMul"}},"#,
      #"{"cat" : "Node","dur" :15,"ts" :10,"name" :"l\"oop_kernel_time","args" : {"sub": {"7": [1]},"op_name" : "Loop","#
        + #""mem_bytes_in_use" : "300","mem_in_use_peak" : "500","output_size" : "8"}},"#,
      #"{"cat" : "Node","dur" :3,"ts" :30,"name" :"after_kernel_time","args" : {"op_name" : "Relu"}}"#,
      #"{"cat" : "Node","dur" :3,"ts" :30,"name" :"cut_kerne"#,
    ]
    let events = ProfileReader.events(ByteSlice(Array(lines.joined(separator: "\n").utf8)))
    #expect(events.map(\.nodeName) == ["cell", "cell", "l\"oop", "after"])
    #expect(events.map(\.isNested) == [true, true, false, false])
    #expect(events[2].memory == ProfileEvent.Memory(inUse: 300, peak: 500))
    #expect(events[2].outputBytes == 8)
    let summary = ProfileSummary(events, runs: 1)
    #expect(summary.kernels.map(\.name) == ["l\"oop", "after"])
    #expect(summary.totalMicroseconds == 18)
  }

  @Test func theFirstRunSaysHowMuchMemoryARunTakes() throws {
    func event(_ inUse: Int, _ peak: Int) -> ProfileEvent {
      var event = ProfileEvent(nodeName: "n", opType: "Relu", microseconds: 1)
      event.memory = ProfileEvent.Memory(inUse: inUse, peak: peak)
      return event
    }
    let grown = try #require(
      EngineMemory(
        [event(110, 110), event(150, 180), event(100, 180), event(190, 200), event(190, 200)], runs: 1))
    #expect(grown.peakBytes == 100)
    // A peak of the loading says nothing of the run.
    let loaded = try #require(EngineMemory([event(110, 900), event(150, 900)], runs: 1))
    #expect(loaded.peakBytes == 40)
    #expect(loaded.plannedBytes == nil)
    let planned = try #require(
      EngineMemory([event(100, 100), event(150, 150), event(170, 170), event(170, 170)], runs: 2))
    #expect(planned.peakBytes == 50)
    #expect(planned.plannedBytes == 70)
    #expect(EngineMemory([ProfileEvent(nodeName: "n", opType: "Relu", microseconds: 1)], runs: 1) == nil)
  }

  @Test func anEmptyProfileIsEmpty() {
    let summary = ProfileSummary([], runs: 0)
    #expect(summary.kernels.isEmpty)
    #expect(summary.totalMicroseconds == 0)
    #expect(ProfileReader.events(ByteSlice([])).isEmpty)
  }
}
