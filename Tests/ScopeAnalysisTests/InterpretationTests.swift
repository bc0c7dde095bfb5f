import ScopeAnalysis
import Testing

struct InterpretationTests {
  @Test func memoryDependsOnTheNumbers() {
    let small = Interpretation.memory(weightBytes: 300_000, peakActivationBytes: 200_000)
    #expect(small.contains("microcontroller"))
    #expect(small.contains("weights are 60%"))
    let large = Interpretation.memory(weightBytes: 46_758_048, peakActivationBytes: 6_422_528)
    #expect(large.contains("50.7 MiB"))
    #expect(large.contains("phones"))
    #expect(
      Interpretation.memory(weightBytes: 1 << 20, peakActivationBytes: 3 << 20).contains(
        "activations are 75%"))
    #expect(Interpretation.memory(weightBytes: .max, peakActivationBytes: .max).contains("does not fit"))
  }

  @Test func latencyNamesTheUse() {
    func text(_ milliseconds: Double, spread: Double = 0.02) -> String {
      Interpretation.latency(
        medianMilliseconds: milliseconds, relativeSpread: spread, batch: 1, threads: 2, macs: 1_814_073_344)
    }
    #expect(text(10).contains("60 fps"))
    #expect(text(24).contains("30 fps"))
    #expect(text(24).contains("75.6 GMAC/s"))
    #expect(text(60).contains("1.80 times too slow"))
    #expect(text(2500).contains("2.50 s"))
    #expect(!text(24).contains("spread"))
    #expect(text(24, spread: 0.3).contains("spread of 30%"))
  }

  @Test func arithmeticIsComparedWithKnownModels() {
    func text(_ macs: Int, missing: Int = 0) -> String {
      Interpretation.macs(
        .init(macs: macs, biasAdditions: 0, otherOperations: 1000, nodesCounted: 5, nodesNotCounted: missing))
    }
    #expect(text(1_814_073_344).contains("as many MACs as ResNet-18"))
    #expect(text(40_551_040).contains("72% of the MACs of MobileNetV3-Small"))
    #expect(text(40_551_040, missing: 2).contains("2 nodes are not counted"))
  }

  @Test func parametersSayWhatBoundsTheSpeed() {
    #expect(
      Interpretation.parameters(11_689_512, weightBytes: 46_758_048, macs: 1_814_073_344).contains(
        "155 times"))
    #expect(
      Interpretation.parameters(1_000_000, weightBytes: 4_000_000, macs: 1_000_000).contains(
        "reading the weights"))
  }
}
