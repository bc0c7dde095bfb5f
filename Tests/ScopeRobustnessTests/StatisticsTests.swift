import ScopeRobustness
import Testing

@Suite struct StatisticsTests {
  /// 95% Wilson intervals from scipy.stats.binomtest(k, n).proportion_ci(method="wilson").
  @Test func wilsonIntervals() {
    let some = ProportionInterval.wilson(successes: 81, of: 263)
    #expect(abs(some.lower - 0.2552885) < 1e-6)
    #expect(abs(some.upper - 0.3662096) < 1e-6)
    let none = ProportionInterval.wilson(successes: 0, of: 20)
    #expect(none.lower == 0)
    #expect(abs(none.upper - 0.1611252) < 1e-6)
    #expect(ProportionInterval.wilson(successes: 20, of: 20).upper == 1)
    #expect(ProportionInterval.wilson(successes: 0, of: 0).upper == 1)
  }

  @Test func levels() {
    #expect(RobustnessLevel(score: 0) == .veryLow)
    #expect(RobustnessLevel(score: 10) == .low)
    #expect(RobustnessLevel(score: 59.9) == .moderate)
    #expect(RobustnessLevel(score: 60) == .high)
    #expect(RobustnessLevel(score: 100) == .veryHigh)
  }
}
