import Glibc
import ScopeRobustness
import ScopeStatistics
import Testing

@Suite struct CalibrationTests {
  /// Two classes with logits (m, 0): confidence is the logistic function of m.
  private func scores(_ margins: [Double]) -> [Float] { margins.flatMap { [Float($0), 0] } }

  @Test func theExpectedErrorIsTheWeightedGap() {
    // Confidence 0.9 on four images of which two are right, 0.6 on one that is right.
    let (high, low) = (log(9.0), log(1.5))
    let found = Calibration(scores: scores([high, high, high, high, low]), labels: [0, 0, 1, 1, 0])
    #expect(found.bins.map(\.count) == [1, 4])
    #expect(abs(found.expectedError - (4 * 0.4 + 1 * 0.4) / 5) < 1e-6)
    #expect(abs(found.overconfidence - (4.2 / 5 - 3.0 / 5)) < 1e-6)
    let loss = (2 * -log(0.9) + 2 * -log(0.1) - log(0.6)) / 5
    #expect(abs(found.logLoss - loss) < 1e-6)
    #expect(found.temperature == nil, "too few images to fit one")
  }

  /// Labels drawn with the probabilities of the logits divided by 2.5: that temperature is found again.
  @Test func theTemperatureIsFound() throws {
    var generator = SplitMix64(seed: 3)
    var (margins, labels): ([Double], [Int]) = ([], [])
    for _ in 0..<20_000 {
      let margin = Double(generator.unit()) * 12 - 6
      margins.append(margin)
      labels.append(Double(generator.unit()) < 1 / (1 + exp(-margin / 2.5)) ? 0 : 1)
    }
    let found = Calibration(scores: scores(margins), labels: labels)
    let temperature = try #require(found.temperature)
    #expect(abs(temperature - 2.5) < 0.1)
    #expect(try #require(found.errorAfter) < 0.02)
    #expect(try #require(found.errorBefore) > 0.1)
  }

  @Test func theCurveOfSmallestBudgets() {
    let found = MinimalEpsilon(
      limit: 0.1, rounds: 8, steps: 20, found: [0.01, 0.02, 0.06], withstood: 1, imageCount: 5, seconds: 0)
    #expect(found.right == 4)
    #expect(found.quantile(0.5) == 0.02)
    #expect(found.quantile(1) == nil)
    #expect(abs(found.accuracy(0.03) - 2.0 / 5) < 1e-9)
    // Each image is right up to its budget: (0.01 + 0.02 + 0.06 + 0.1) / 0.1 / 5.
    #expect(abs(found.area - 0.38) < 1e-9)
  }
}
