import ScopeStatistics
import Testing

@Suite struct ProportionTests {
  /// 95% Wilson intervals from scipy.stats.binomtest(k, n).proportion_ci(method="wilson").
  @Test func intervalsAreWilsons() {
    let some = Proportion(successes: 81, trials: 263).interval
    #expect(abs(some.lowerBound - 0.2552885) < 1e-6)
    #expect(abs(some.upperBound - 0.3662096) < 1e-6)
    let none = Proportion(successes: 0, trials: 20).interval
    #expect(none.lowerBound == 0)
    #expect(abs(none.upperBound - 0.1611252) < 1e-6)
    #expect(Proportion(successes: 20, trials: 20).interval.upperBound == 1)
    #expect(Proportion(successes: 0, trials: 0).interval == 0...1)
  }

  @Test func generatorsRepeatThemselves() {
    var first = SplitMix64(seed: 7, stream: 1)
    var second = SplitMix64(seed: 7, stream: 1)
    var other = SplitMix64(seed: 7, stream: 2)
    let numbers = (0..<8).map { _ in first.next() }
    #expect(numbers == (0..<8).map { _ in second.next() })
    #expect(numbers != (0..<8).map { _ in other.next() })
  }
}
