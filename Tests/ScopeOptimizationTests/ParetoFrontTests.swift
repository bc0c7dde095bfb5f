import ScopeOptimization
import ScopeStatistics
import Testing

struct ParetoFrontTests {
  private func point(_ bytes: Double, _ milliseconds: Double, _ drop: Double) -> ParetoFront.Point {
    ParetoFront.Point(bytes: bytes, milliseconds: milliseconds, drop: drop)
  }

  @Test func keepsWhatNothingBeatsInEverything() {
    let points = [
      point(100, 10, 0), point(25, 5, 0.01), point(30, 6, 0.02), point(50, 9, 0), point(20, 12, 0.005),
    ]
    #expect(ParetoFront.indices(points) == [0, 1, 3, 4].filter { $0 != 0 })
    #expect(ParetoFront.indices([]) == [])
  }

  @Test func timesWithinTheToleranceAreEqual() {
    // A hundredth faster is noise: the smaller file wins.
    #expect(ParetoFront.indices([point(25, 10, 0), point(30, 9.9, 0)]) == [0])
    #expect(ParetoFront.indices([point(25, 10, 0), point(30, 9, 0)]) == [0, 1])
  }

  @Test func ofEqualPointsTheFirstStays() {
    #expect(ParetoFront.indices([point(25, 10, 0), point(25, 10, 0)]) == [0])
  }
}

struct McNemarTests {
  /// Twice the binomial tail in exact integers (Python `math.comb`).
  @Test(arguments: [
    (0, 0, 1.0), (1, 0, 1.0), (6, 11, 0.332305908203125), (10, 1, 0.01171875), (30, 60, 0.002060265680963076),
    (0, 20, 1.9073486328125e-06),
  ]) func exactTest(lost: Int, gained: Int, expected: Double) {
    let labels = [Int](repeating: 1, count: lost + gained + 5)
    var original = labels
    var candidate = labels
    for index in 0..<lost { candidate[index] = 0 }
    for index in lost..<lost + gained { original[index] = 0 }
    let found = PairedComparison(original: original, candidate: candidate, labels: labels)
    #expect(found.lost == lost && found.gained == gained)
    #expect(abs(found.pValue - expected) < 1e-9 * max(1, expected))
  }
}
