import ScopeRobustness
import Testing

@Suite struct RobustnessLevelTests {
  @Test func levelsAndGradesFollowTheirThresholds() {
    #expect(RobustnessLevel(score: 0) == .low)
    #expect(RobustnessLevel(score: 39.9) == .low)
    #expect(RobustnessLevel(score: 40) == .medium)
    #expect(RobustnessLevel(score: 70) == .medium)
    #expect(RobustnessLevel(score: 70.1) == .high)
    let grades = [0.0, 20, 40, 55, 70, 85, 100].map { RobustnessGrade(score: $0).rawValue }
    #expect(grades == ["F", "E", "D", "C", "B", "A", "A"])
  }
}
