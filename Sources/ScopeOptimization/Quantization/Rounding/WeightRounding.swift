import ScopeRuntime

/// How weights are brought to the integers of their grid.
public enum WeightRounding: String, Sendable, Hashable, Codable {
  /// Each weight to the nearest code.
  case nearest
  /// One input after the other, later ones making up for the error (``HessianRounding``, GPTQ).
  case hessian
  /// The same, then code by code while the layer's squared output error falls (``CoordinateRounding``).
  case adaptive

  /// In words, for the list of techniques applied; nil for the nearest code.
  var technique: String? {
    switch self {
    case .nearest: nil
    case .hessian: "Weights rounded by the curvature of each layer's output error (GPTQ)"
    case .adaptive:
      "Weights rounded for the least squared output error of each layer (coordinate descent from GPTQ)"
    }
  }
}

extension InputMoments {
  /// More than the paper's 1%, which is for many more samples: 5% was better on other images for every layer tried.
  private static let damping = 0.05

  /// The codes of a layer's weight chosen for the least output error on the samples behind the moments; scales and code
  /// range stay. The weight as it is where there are no moments.
  ///
  /// With bias correction the mean of the output is kept by the bias, so the rounding minimises the variance of the
  /// error only.
  package func rounded(
    _ quantized: QuantizedWeight, layer: QuantizedLayer, recipe: QuantizationRecipe
  ) -> QuantizedWeight {
    guard recipe.rounding != .nearest, let moments = layers[layer.nodeIndex],
      moments.groups == layer.group, layer.channels > 0, layer.channels % layer.group == 0,
      moments.length * layer.channels == layer.weight.count, layer.weight.allSatisfy(\.isFinite)
    else { return quantized }
    let rows = layer.outputRows(layer.weight)
    var codes = layer.outputRows(quantized.codes)
    let perGroup = layer.channels / layer.group
    let highest = WeightQuantizer.highestCode(recipe.weightRange, isDepthwise: layer.isDepthwise)
    let isCentered = recipe.biasCorrection && layer.takesBias
    for group in 0..<layer.group {
      let outputs = group * perGroup..<(group + 1) * perGroup
      let elements = outputs.lowerBound * moments.length..<outputs.upperBound * moments.length
      var grid = RoundingGrid(
        outputs: perGroup, inputs: moments.length,
        scales: quantized.scales.count > 1
          ? Array(quantized.scales[outputs])
          : [Float](repeating: quantized.scales[0], count: perGroup),
        codes: -highest...highest)
      if recipe.weightRange == .pairBounded, !layer.isDepthwise { grid.partners = layer.kernelPartners }
      let weights = Array(rows[elements])
      let gram = moments.gram(group, centered: isCentered)
      guard
        var found = HessianRounding.round(
          weights, grid: grid, gram: gram, damping: Self.damping, algebra: algebra)
      else { continue }
      if recipe.rounding == .adaptive {
        found = CoordinateRounding.refine(
          found, weights: weights, grid: grid, gram: gram, damping: Self.damping, algebra: algebra)
      }
      codes.replaceSubrange(elements, with: found.map { Int8(clamping: $0) })
    }
    var result = quantized
    result.codes = layer.stored(codes)
    return result
  }

  /// Per output channel `sum (W - Wq) E[x]` over the patches, padding included; nil without moments of the layer.
  package func meanShift(of quantized: QuantizedWeight, layer: QuantizedLayer) -> [Double]? {
    guard let moments = layers[layer.nodeIndex], moments.groups == layer.group,
      moments.length * layer.channels == layer.weight.count, layer.channels % layer.group == 0
    else { return nil }
    let rows = layer.outputRows(layer.weight)
    let codes = layer.outputRows(quantized.codes)
    let perGroup = layer.channels / layer.group
    return (0..<layer.channels).map { channel in
      let scale = Double(quantized.scales[quantized.scales.count > 1 ? channel : 0])
      let first = channel / perGroup * moments.length
      var shift = 0.0
      for input in 0..<moments.length {
        let position = channel * moments.length + input
        shift += (Double(rows[position]) - Double(codes[position]) * scale) * moments.means[first + input]
      }
      return shift
    }
  }
}

extension QuantizedLayer {
  /// Elements of something in the weight's layout, one row per output channel.
  func outputRows<Element>(_ values: [Element]) -> [Element] {
    guard dimensions.count == 2, channelAxis == 1 else { return values }
    return (0..<dimensions[1]).flatMap { column in
      (0..<dimensions[0]).map { values[$0 * dimensions[1] + column] }
    }
  }

  /// The inverse of ``outputRows(_:)``.
  func stored<Element>(_ rows: [Element]) -> [Element] {
    guard dimensions.count == 2, channelAxis == 1 else { return rows }
    return (0..<dimensions[0]).flatMap { row in
      (0..<dimensions[1]).map { rows[$0 * dimensions[0] + row] }
    }
  }

  /// Per input of a row the one whose product is added to its own in 16 bits, as in
  /// ``WeightQuantizer/largestPairSums(_:dimensions:axis:)``: kernel position outermost, input channel innermost.
  var kernelPartners: [Int] {
    let isMatrix = dimensions.count == 2
    let inputs = isMatrix ? dimensions[1 - channelAxis] : dimensions[1]
    let kernel = isMatrix ? 1 : dimensions.dropFirst(2).reduce(1, *)
    func element(_ index: Int) -> Int { index % inputs * kernel + index / inputs }
    var result = [Int](repeating: -1, count: inputs * kernel)
    for index in stride(from: 0, to: inputs * kernel - 1, by: 2) {
      result[element(index)] = element(index + 1)
      result[element(index + 1)] = element(index)
    }
    return result
  }
}
