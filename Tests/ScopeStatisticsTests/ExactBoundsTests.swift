import ScopeStatistics
import Testing

struct ExactBoundsTests {
  /// SciPy 1.17: `beta.ppf(risk, k, n - k + 1)`.
  @Test(arguments: [
    (990, 1000, 0.001, 0.9760361871553114), (1000, 1000, 0.001, 0.9931160484209338),
    (501, 1000, 0.001, 0.4517643768755041), (60, 100, 0.05, 0.5129758202538943),
    (1, 10, 0.01, 0.0010045287082499491),
    (99_000, 100_000, 0.001, 0.9889893403774748),
  ])
  func lowerBoundIsThatOfTheBetaDistribution(_ k: Int, _ n: Int, _ risk: Double, _ wanted: Double) {
    let found = ExactBounds.lowerProportion(successes: k, trials: n, risk: risk)
    #expect(abs(found - wanted) < 1e-9, "\(found)")
  }

  /// SciPy: `norm.ppf(p)`.
  @Test(arguments: [
    (0.5, 0.0), (0.9, 1.2815515655446004), (0.99, 2.3263478740408408), (0.999, 3.090232306167813),
    (0.0001, -3.7190164854556804),
  ])
  func quantilesAreThoseOfTheNormalDistribution(_ p: Double, _ wanted: Double) {
    #expect(abs(ExactBounds.normalQuantile(p) - wanted) < 1e-9)
  }

  @Test func edges() {
    #expect(ExactBounds.lowerProportion(successes: 0, trials: 10, risk: 0.1) == 0)
    #expect(ExactBounds.normalQuantile(1) == .infinity && ExactBounds.normalQuantile(0) == -.infinity)
  }
}
