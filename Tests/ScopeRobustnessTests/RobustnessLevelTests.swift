import ScopeRobustness
import Testing

@Suite struct RobustnessLevelTests {
  @Test func levels() {
    #expect(RobustnessLevel(score: 0) == .veryLow)
    #expect(RobustnessLevel(score: 10) == .low)
    #expect(RobustnessLevel(score: 59.9) == .moderate)
    #expect(RobustnessLevel(score: 60) == .high)
    #expect(RobustnessLevel(score: 100) == .veryHigh)
  }
}
