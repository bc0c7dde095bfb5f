import ScopeReport
import Testing

@Suite struct FormatTests {
  private static let integerCases: [(Double, String)] = [
    (0, "0"), (999, "999"), (4_652_008, "4,652,008"), (-1234, "-1,234"), (1e12, "1,000,000,000,000"),
  ]

  @Test(arguments: integerCases)
  func integers(value: Double, text: String) { #expect(Format.integer(value) == text) }

  private static let fixedCases: [(Double, Int, String)] = [
    (0.05, 1, "0.1"), (-0.04, 1, "0.0"), (1234.567, 2, "1,234.57"), (9.999, 2, "10.00"), (2, 0, "2"),
    (0.005, 2, "0.01"),
  ]

  @Test(arguments: fixedCases)
  func fixed(value: Double, decimals: Int, text: String) { #expect(Format.fixed(value, decimals) == text) }

  @Test func sizes() {
    // ResNet18: 11,689,512 float32 parameters are 44.59 MiB.
    #expect(Format.binaryBytes(11_689_512 * 4) == "44.59 MiB")
    #expect(Format.decimalBytes(18_826_032) == "18.83 MB")
    #expect(Format.decimalBytes(512) == "512 bytes")
  }

  private static let radii: [(Double, String)] = [
    (8.0 / 255, "8/255"), (1.0 / 255, "1/255"), (0.5 / 255, "0.5/255"), (10.0 / 255, "10/255"),
    (0.25, "0.250"),
  ]

  @Test(arguments: radii)
  func epsilons(value: Double, text: String) { #expect(Format.epsilon(value) == text) }

  private static let differences: [(Double, String)] = [
    (0.01, "1 point"), (0.0025, "0.25 points"), (-0.031, "3.1 points"), (0.1, "10 points"), (0, "0 points"),
  ]

  @Test(arguments: differences)
  func points(value: Double, text: String) { #expect(Format.points(value) == text) }

  @Test func extremeValuesAreShownNotTrapped() {
    for value in [Double.nan, .infinity, -.infinity, 1e300, -1e300, .leastNonzeroMagnitude] {
      for unit in [
        Figure.Unit.bytes, .fraction, .ratio, .milliseconds, .seconds, .imagesPerSecond, .count, .score,
      ] {
        #expect(!Figure(value, unit).text.isEmpty)
      }
      _ = Format.epsilon(value)
      _ = Format.seconds(value)
      _ = Format.points(value)
    }
  }

  /// Against the roots of (p - q)^2 = z^2 q (1 - q) / n, the interval's definition, found by bisection in Python.
  @Test func wilsonInterval() throws {
    let figure = try #require(Figure.proportion(442, of: 500))
    let interval = try #require(figure.interval)
    #expect(abs(interval.low - 0.852958) < 1e-5)
    #expect(abs(interval.high - 0.909186) < 1e-5)
    #expect(Figure.proportion(1, of: 0) == nil)
    #expect(Figure.proportion(3, of: 2) == nil)
    #expect(Figure.proportion(0, of: 20)?.interval?.low == 0)
    #expect(Figure.proportion(20, of: 20)?.interval?.high == 1)
  }
}
