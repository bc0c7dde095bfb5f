import Foundation
import ScopeGraph
import ScopeOptimization
import TestSupport
import Testing

/// Against NumPy; see `make_ranges.py`.
struct RangeSelectionTests {
  struct Golden: Decodable {
    struct Entropy: Decodable {
      var name: String
      var bins: [Int]
      var levels: Int
      var kept: Int
    }
    struct Squares: Decodable {
      var name: String
      var values: [Float]
      var best: Double
      var full: Double
    }
    var entropy: [Entropy]
    var leastSquares: [Squares]

    static func load() throws -> Golden {
      let url = URL(filePath: Fixture.path("optimization/ranges.json"))
      return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
    }
  }

  static func statistics(_ values: [Float]) -> ActivationStatistics {
    var result = ActivationStatistics()
    result.add(values, dimensions: [1, 1, values.count])
    return result
  }

  @Test func entropyKeepsTheBinsOfLeastDivergence() throws {
    for wanted in try Golden.load().entropy {
      #expect(RangeSelection.entropyBins(wanted.bins, levels: wanted.levels) == wanted.kept, "\(wanted.name)")
    }
  }

  @Test func leastSquaresIsCloseToBruteForceOnTheSamples() throws {
    for wanted in try Golden.load().leastSquares {
      let range = RangeSelection.range(Self.statistics(wanted.values), .leastSquares)
      let affine = AffineParameters(minimum: range.minimum, maximum: range.maximum, type: .uint8)
      var error = 0.0
      for value in wanted.values {
        let code = min(
          max((Double(value) / Double(affine.scale)).rounded() + Double(affine.zeroPoint), 0), 255)
        let difference = (code - Double(affine.zeroPoint)) * Double(affine.scale) - Double(value)
        error += difference * difference
      }
      error /= Double(wanted.values.count)
      #expect(error <= wanted.best * 1.1, "\(wanted.name): \(error), best \(wanted.best)")
      #expect(error <= wanted.full * 1.001, "\(wanted.name)")
    }
  }

  @Test func narrowerSharesGiveNarrowerRanges() {
    var numbers = Numbers()
    let values = numbers.take(100_000).map { $0 * $0 * $0 * 8 }
    let statistics = Self.statistics(values)
    let methods: [RangeMethod] = [.percentile999, .percentile, .percentile99999, .minMax]
    let ranges = methods.map { RangeSelection.range(statistics, $0) }
    for (a, b) in zip(ranges, ranges.dropFirst()) {
      #expect(a.maximum <= b.maximum && a.minimum >= b.minimum)
    }
    let sorted = values.sorted()
    let bin = statistics.limit / Float(ActivationStatistics.bins)
    #expect(abs(ranges[0].maximum - sorted[99_950]) <= 2 * bin)
    #expect(abs(ranges[0].minimum - sorted[50]) <= 2 * bin)
  }

  @Test(arguments: [
    RangeMethod.minMax, .percentile, .percentile999, .percentile99999, .entropy, .leastSquares,
  ])
  func hostileValuesGiveUsableRanges(method: RangeMethod) {
    for values: [Float] in [
      [Float](repeating: 0, count: 100), [Float](repeating: 3, count: 100),
      [Float](repeating: -3, count: 5000),
      [1e-42, 2e-42], [3e38, -3e38, 1], [Float](repeating: 1, count: 9999) + [1e30], [0], [1, .nan],
      [.infinity],
    ] {
      let range = RangeSelection.range(Self.statistics(values), method)
      #expect(range.minimum <= 0 && range.maximum >= 0 && range.minimum.isFinite && range.maximum.isFinite)
      for type in [QuantizedType.uint8, .int8] {
        let affine = AffineParameters(minimum: range.minimum, maximum: range.maximum, type: type)
        #expect(affine.scale > 0 && affine.scale.isFinite && type.codes.contains(affine.zeroPoint))
      }
    }
  }

  @Test func symmetricParametersHaveTheirZeroInTheMiddle() {
    let signed = AffineParameters(symmetric: -2, 1, type: .int8)
    #expect(signed.zeroPoint == 0 && abs(signed.scale - 2 / 127) < 1e-7)
    #expect(AffineParameters(symmetric: -2, 1, type: .uint8).zeroPoint == 128)
    #expect(AffineParameters(symmetric: 0, 0, type: .int8).scale == 1)
  }

  @Test func vectorizedHistogramEqualsTheScalarOne() {
    var numbers = Numbers()
    let values = numbers.take(20_011).map { $0 < -0.5 ? 0 : $0 * 5 }
    let whole = Self.statistics(values)
    var parts = ActivationStatistics()
    // The largest magnitude first, so that both cover the same range; small parts take the scalar way.
    parts.add([whole.limit], dimensions: [1, 1])
    for start in stride(from: 0, to: values.count, by: 1000) {
      let part = Array(values[start..<min(start + 1000, values.count)])
      parts.add(part, dimensions: [1, 1, part.count])
    }
    #expect(parts.positive.reduce(0, +) == whole.positive.reduce(0, +) + 1)
    #expect(parts.negative == whole.negative)
    #expect(parts.positive.dropLast() == whole.positive.dropLast())
    #expect(whole.zeros == values.filter { $0 == 0 }.count && parts.zeros == whole.zeros)
    #expect(whole.negative.reduce(0, +) == values.filter { $0 < 0 }.count)
  }

  @Test func momentsPerChannelOnEitherAxis() {
    var numbers = Numbers()
    let values = numbers.take(2 * 5 * 12)
    var spatial = ActivationStatistics()
    spatial.add(values, dimensions: [2, 5, 3, 4])
    var rows = ActivationStatistics()
    rows.add(values, dimensions: [2, 5, 12], channelAxis: -1)
    func check(_ own: [Float], _ found: ActivationStatistics, _ channel: Int) {
      var (sum, squares, largest) = (0.0, 0.0, Float(0))
      for value in own {
        sum += Double(value)
        squares += Double(value) * Double(value)
        largest = max(largest, abs(value))
      }
      let count = Double(own.count)
      #expect(abs(found.channelMeans[channel] - sum / count) < 1e-6)
      #expect(abs(found.channelSecondMoments[channel] - squares / count) < 1e-6)
      #expect(found.channelMagnitudes[channel] == largest)
    }
    for channel in 0..<5 {
      let first = values[channel * 12..<(channel + 1) * 12]
      let second = values[(channel + 5) * 12..<(channel + 6) * 12]
      check(Array(first) + Array(second), spatial, channel)
    }
    for channel in 0..<12 {
      var own: [Float] = []
      for row in 0..<10 { own.append(values[row * 12 + channel]) }
      check(own, rows, channel)
    }
  }
}
