import ScopeStatistics
import Testing

@Suite struct QuantilesTests {
  /// numpy.quantile([4, 1, 3, 2], q) for the default method.
  @Test(arguments: [(0.0, 1.0), (0.25, 1.75), (0.5, 2.5), (0.9, 3.7), (1.0, 4.0)])
  func quantilesAreThoseOfNumPy(fraction: Double, expected: Double) {
    #expect(abs([4.0, 1, 3, 2].quantile(fraction) - expected) < 1e-12)
  }

  @Test func medianIntervalHoldsTheMedian() {
    let values = (1...100).map(Double.init)
    #expect(values.medianInterval.contains(50.5))
    #expect(values.medianInterval.lowerBound >= 40 && values.medianInterval.upperBound <= 61)
  }
}
