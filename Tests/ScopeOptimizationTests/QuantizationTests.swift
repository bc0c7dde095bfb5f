import ScopeGraph
import ScopeOptimization
import Testing

/// Against onnxruntime.quantization and NumPy; see `make_quantization.py`.
struct QuantizationTests {
  @Test func activationParametersAreThoseOfONNXRuntime() throws {
    for wanted in try Golden.load().activations {
      let found = AffineParameters(minimum: wanted.minimum, maximum: wanted.maximum, type: wanted.type)
      #expect(abs(Double(found.scale) / wanted.scale - 1) < 1e-6)
      #expect(found.zeroPoint == wanted.zeroPoint, "\(wanted)")
    }
  }

  @Test(arguments: [WeightRange.full, .reduced])
  func weightCodesAreThoseOfONNXRuntime(range: WeightRange) throws {
    let golden = try Golden.load().weights
    let wanted = range == .full ? golden.full : golden.reduced
    let found = WeightQuantizer.quantize(
      golden.weight, dimensions: golden.dimensions, axis: 0, isDepthwise: false,
      recipe: QuantizationRecipe(weightRange: range), minimumScales: [0, 0, 0, 0])
    for (scale, expected) in zip(found.scales, wanted.scales) {
      #expect(abs(Double(scale) / expected - 1) < 1e-6)
    }
    #expect(found.codes.map(Int.init) == wanted.codes)
  }

  @Test func depthwiseKeepsEightBitsWhereAsked() throws {
    let golden = try Golden.load().weights
    func largest(_ isDepthwise: Bool) -> Int {
      WeightQuantizer.quantize(
        golden.weight, dimensions: golden.dimensions, axis: 0, isDepthwise: isDepthwise,
        recipe: QuantizationRecipe(weightRange: .reducedExceptDepthwise), minimumScales: [0, 0, 0, 0]
      ).codes.map { abs(Int($0)) }.max() ?? 0
    }
    #expect(largest(true) == 127)
    #expect(largest(false) == 64)
  }

  /// 255 x |q(2k) + q(2k+1)| must fit 16 bits, in the order [kernel position, input channel].
  @Test(arguments: [[8, 6, 3, 3], [8, 3, 3, 3], [8, 16, 1, 1], [12, 9]])
  func pairBoundedWeightsCannotSaturate(dimensions: [Int]) throws {
    var numbers = Numbers()
    let weight = numbers.take(dimensions.reduce(1, *)).map { $0 * $0 * $0 }
    let found = WeightQuantizer.quantize(
      weight, dimensions: dimensions, axis: 0, isDepthwise: false,
      recipe: QuantizationRecipe(weightRange: .pairBounded),
      minimumScales: [Float](repeating: 0, count: dimensions[0]))
    let inputs = dimensions[1]
    let kernel = dimensions.dropFirst(2).reduce(1, *)
    var largest = 0
    for channel in 0..<dimensions[0] {
      let ordered = (0..<inputs * kernel).map { index in
        Int(found.codes[(channel * inputs + index % inputs) * kernel + index / inputs])
      }
      for index in stride(from: 0, to: ordered.count - 1, by: 2) {
        largest = max(largest, abs(ordered[index] + ordered[index + 1]))
      }
    }
    #expect(largest <= 128)
    // Finer than seven bits: the bound is used up somewhere.
    #expect(largest >= 100)
  }

  @Test func perTensorScaleCoversEveryChannel() throws {
    let golden = try Golden.load().weights
    let found = WeightQuantizer.quantize(
      golden.weight, dimensions: golden.dimensions, axis: 0, isDepthwise: false,
      recipe: QuantizationRecipe(perChannel: false), minimumScales: [0, 0, 0, 0])
    #expect(found.scales.count == 1)
    #expect(abs(Double(found.scales[0]) - (golden.full.scales.max() ?? 0)) < 1e-9)
  }

  @Test func minimumScalesWin() {
    let found = WeightQuantizer.quantize(
      [0, 0, 1, -1], dimensions: [2, 2], axis: 0, isDepthwise: false, recipe: QuantizationRecipe(),
      minimumScales: [0.25, 0.5])
    #expect(found.scales == [0.25, 0.5])
    #expect(found.codes == [0, 0, 2, -2])
  }

  @Test func biasCorrectionIsTheMeanThatRoundingTakes() throws {
    let golden = try Golden.load().biasCorrection
    let layer = QuantizedLayer(
      nodeIndex: 0, input: "x", weightName: "w", weight: golden.weight, dimensions: golden.dimensions,
      channelAxis: 0,
      bias: nil, takesBias: true, isDepthwise: false, group: 2)
    let quantized = WeightQuantizer.quantize(
      golden.weight, dimensions: golden.dimensions, axis: 0, isDepthwise: false, recipe: QuantizationRecipe(),
      minimumScales: [0, 0, 0, 0])
    let shift = try #require(layer.meanShift(of: quantized, inputMeans: golden.means))
    for (found, wanted) in zip(shift, golden.shift) { #expect(abs(found - wanted) < 1e-6) }
    #expect(layer.meanShift(of: quantized, inputMeans: [1]) == nil)
  }

  @Test func batchNormFoldingAgreesWithNumPy() throws {
    let golden = try Golden.load().batchNorm
    var model = Graphs.model(
      [
        Node("Conv", inputs: ["x", "w", "b"], outputs: ["c"]),
        Node("BatchNormalization", inputs: ["c", "g", "s", "m", "v"], outputs: ["y"]),
      ],
      constants: [
        "w": .floats(golden.weight, [3, 2, 3, 3]), "b": .floats(golden.bias, [3]),
        "g": .floats(golden.gamma, [3]),
        "s": .floats(golden.beta, [3]), "m": .floats(golden.mean, [3]), "v": .floats(golden.variance, [3]),
      ])
    #expect(try PassRunner.runOnce(FoldBatchNormIntoConv(), on: &model))
    let conv = try #require(model.graph.nodes.first)
    let weight = try #require(model.graph.initializers[conv.inputs[1]]).floats()
    let bias = try #require(model.graph.initializers[conv.inputs[2]]).floats()
    for (found, wanted) in zip(weight, golden.foldedWeight) {
      #expect(abs(Double(found) - wanted) <= 1e-6 * abs(wanted))
    }
    for (found, wanted) in zip(bias, golden.foldedBias) { #expect(abs(Double(found) - wanted) < 1e-6) }
  }
}

struct ActivationStatisticsTests {
  @Test func streamingEqualsOnePass() {
    var numbers = Numbers()
    let all = numbers.take(4 * 6 * 25).map { $0 * 3 + 1 }
    var whole = ActivationStatistics()
    whole.add(all, dimensions: [4, 6, 5, 5])
    var parts = ActivationStatistics()
    for image in 0..<4 {
      parts.add(Array(all[image * 150..<(image + 1) * 150]), dimensions: [1, 6, 5, 5])
    }
    #expect(whole.minimum == all.min() && whole.maximum == all.max())
    #expect(parts.minimum == whole.minimum && parts.maximum == whole.maximum)
    #expect(parts.positive.reduce(0, +) == all.filter { $0 >= 0 }.count)
    #expect(parts.negative.reduce(0, +) == all.filter { $0 < 0 }.count)
    for channel in 0..<6 {
      var sum = 0.0
      for image in 0..<4 { for cell in 0..<25 { sum += Double(all[(image * 6 + channel) * 25 + cell]) } }
      #expect(abs(whole.channelMeans[channel] - sum / 100) < 1e-5)
      #expect(abs(parts.channelMeans[channel] - sum / 100) < 1e-5)
    }
  }

  @Test func rangeDoublesAndKeepsCounts() {
    var statistics = ActivationStatistics()
    statistics.add([0.5, -0.25, 0.1], dimensions: [1, 3])
    statistics.add([100, 0, -7], dimensions: [1, 3])
    #expect(statistics.limit >= 100 && statistics.limit < 200)
    #expect(statistics.positive.reduce(0, +) == 4)
    #expect(statistics.negative.reduce(0, +) == 2)
  }

  @Test func clippingRangesCutTheTailOnly() {
    var numbers = Numbers()
    var values = numbers.take(200_000)
    values[7] = 50
    var statistics = ActivationStatistics()
    statistics.add(values, dimensions: [1, 1, values.count])
    let extremes = RangeSelection.range(statistics, .minMax)
    let percentile = RangeSelection.range(statistics, .percentile)
    let squares = RangeSelection.range(statistics, .leastSquares)
    #expect(extremes.maximum == 50)
    #expect(percentile.maximum > 0.99 && percentile.maximum < 1.1)
    #expect(squares.maximum < 50)
    #expect(percentile.minimum < -0.99)
  }

  @Test func notANumberIsSeen() {
    var statistics = ActivationStatistics()
    statistics.add([1, .nan, 2], dimensions: [1, 3])
    #expect(statistics.hasInvalidValues)
  }
}
