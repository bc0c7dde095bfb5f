import ScopeBytes
import ScopeRuntime
import TestSupport
import Testing

struct MachineTests {
  @Test func limitsAndSizesAreReadFromTheSystemsTexts() {
    #expect(Machine.cpuLimit("150000 100000\n") == 1.5)
    #expect(Machine.cpuLimit("max 100000") == nil)
    #expect(Machine.cpuLimit("-1 100000") == nil)
    #expect(Machine.cpuLimit("") == nil)
    #expect(Machine.cacheSize("32768K\n") == 32 << 20)
    #expect(Machine.cacheSize("96M") == 96 << 20)
    #expect(Machine.cacheSize("512") == 512)
    #expect(Machine.cacheSize("99999999999999M") == nil)
    #expect(Machine.cacheSize("?") == nil)
  }

  @Test func fingerprintsTellMachinesApart() {
    var machine = Machine.current
    let own = machine.fingerprint
    #expect(own.count == 12)
    #expect(machine.fingerprint == own)
    machine.memoryBytes += 1 << 20
    let near = machine.fingerprint
    machine.memoryBytes += 64 << 30
    #expect(machine.fingerprint != near)
    machine = .current
    machine.frequencyGovernor = "other"
    #expect(machine.fingerprint != own)
  }

  @Test func residentMemoryIsWhatTheSystemSays() throws {
    let resident = try #require(ProcessMemory.resident)
    #expect(resident > 1 << 20)
    #expect(try #require(ProcessMemory.available) > 1 << 20)
    #expect(ProcessMemory.field("VmNothing", in: "/proc/self/status") == nil)
    #expect(ProcessMemory.field("VmRSS", in: "/nonexistent") == nil)
  }

  @Test func precisionIsTheWholeIntervalWithinTwoPercent() {
    #expect(LatencyBenchmark.isPrecise([Double](repeating: 10, count: 64)))
    #expect(!LatencyBenchmark.isPrecise((0..<64).map { $0 % 2 == 0 ? 9 : 11 }))
    #expect(LatencyBenchmark.isPrecise((0..<64).map { 10 + Double($0 % 3) * 0.05 }))
  }

  @Test func temporaryFoldersGoWithTheirFiles() throws {
    var path = ""
    do {
      let folder = try TemporaryFolder()
      path = folder.path
      try AtomicFile.write("a", to: "\(path)/a")
      #expect(folder.files == ["\(path)/a"])
      folder.empty()
      #expect(folder.files.isEmpty)
      try AtomicFile.write("b", to: "\(path)/b")
    }
    #expect(throws: ScopeError.self) { try ByteSlice(mappingFile: "\(path)/b") }
    #expect(throws: ScopeError.self) { try AtomicFile.write("c", to: "\(path)/c") }
  }

  @Test(.enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
  func everyPointOfAThroughputIsSampledInEveryRound() throws {
    let engine = try Engine.load(path: OnnxRuntimeLibrary.path)
    let model = try ByteSlice(mappingFile: Fixture.path("onnx/opset17.onnx"))
    let points = try [1, 2].map { threads in
      ThroughputBenchmark.Point(
        session: try Session(engine: engine, modelBytes: model, options: .init(threads: threads)),
        feeds: ["x": SessionTests.input], batch: 1)
    }
    let summaries = try ThroughputBenchmark.measure(
      points, plan: .init(budget: .zero, slice: .zero, minimumRounds: 5))
    #expect(summaries.map(\.samples.count) == [5, 5])
    #expect(summaries.map(\.threads) == [1, 2])
    #expect(try ThroughputBenchmark.measure([], plan: .init(budget: .zero)).isEmpty)
  }
}
