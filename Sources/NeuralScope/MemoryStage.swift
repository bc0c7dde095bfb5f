import ScopeAnalysis
import ScopeReport
import ScopeRuntime

/// Memory as it was seen: by the engine's profile and by the system.
enum MemoryStage {
  /// - Parameter before: resident bytes before the session was made.
  static func fillGrowth(_ analysis: inout Report.Analysis, before: Int?, measurement: Measurement) {
    guard let before, let after = ProcessMemory.resident else { return }
    analysis.memory = analysis.memory ?? Report.Memory()
    analysis.memory?.residentGrowthBytes = .bytes(
      max(after - before, 0),
      conditions:
        "resident memory of this process after the latency runs minus before the session was made: weights, their repacked copies, activations, the engine's threads and what it has not given back; \(measurement.conditions)"
    )
  }

  static func fillPeak(
    _ analysis: inout Report.Analysis, _ profile: ProfileStage.Outcome
  ) -> [Report.NotMeasured] {
    guard let memory = EngineMemory(profile.events, runs: profile.runs) else {
      return [
        Report.NotMeasured(
          path: "analysis.memory.enginePeakBytes",
          reason: "this version of ONNX Runtime does not record its memory in the profile",
          remedy: "use ONNX Runtime 1.31")
      ]
    }
    let later = memory.plannedBytes.map { "; later runs hold one planned block of \($0) bytes" } ?? ""
    analysis.memory = analysis.memory ?? Report.Memory()
    analysis.memory?.enginePeakBytes = .bytes(
      memory.peakBytes,
      conditions: "most bytes in use in the engine's arena during the first run minus the least\(later)")
    return []
  }
}
