import ScopeBytes
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import Testing

struct SampleSetTests {
  private func samples() throws -> SampleSet {
    try SampleSet(arrays: [
      "ids": HostArray([Int64](0..<12), [3, 4]), "mask": HostArray([Float](repeating: 1, count: 3), [3, 1]),
    ])
  }

  @Test func takesRowsOfEveryInput() throws {
    let samples = try samples()
    #expect(samples.count == 3 && samples.isReal && samples.labels == nil && samples.sampleBytes == 36)
    let feed = samples.feed([2, 0], input: "")
    guard case .int64(let ids)? = feed["ids"]?.values else { throw ScopeError(.invalidData, "no ids") }
    #expect(ids == [8, 9, 10, 11, 0, 1, 2, 3])
    #expect(feed["ids"]?.dimensions == [2, 4] && feed["mask"]?.dimensions == [2, 1])
  }

  @Test func differentCountsAreRefused() {
    let error = #expect(throws: ScopeError.self) {
      try SampleSet(arrays: [
        "a": HostArray([Float](repeating: 0, count: 3), [3]), "b": HostArray([Float](), [0]),
      ])
    }
    #expect(error?.code == .invalidData && error?.found?.contains("a: 3") == true)
    #expect(throws: ScopeError.self) { try SampleSet(arrays: [:]) }
    #expect(throws: ScopeError.self) {
      try SampleSet(arrays: ["a": HostArray([Float](repeating: 0, count: 3), [3])], labels: [1])
    }
  }

  @Test func whatDoesNotFitTheModelIsNamed() throws {
    let samples = try samples()
    let mask = ValueInfo(name: "mask", dataType: .float32, shape: Shape([.symbolic("N"), .known(1)]))
    func refusal(_ name: String, _ type: DataType, _ sizes: [Int]) -> ScopeError? {
      #expect(throws: ScopeError.self) {
        try samples.check([mask, ValueInfo(name: name, dataType: type, shape: Shape(sizes))])
      }
    }
    try samples.check([mask, ValueInfo(name: "ids", dataType: .int64, shape: Shape([7, 4]))])
    #expect(refusal("tokens", .int64, [1, 4])?.place == "input tokens")
    #expect(refusal("ids", .int32, [1, 4])?.place == "input ids")
    #expect(refusal("ids", .int64, [1, 5])?.found?.contains("4") == true)
  }
}
