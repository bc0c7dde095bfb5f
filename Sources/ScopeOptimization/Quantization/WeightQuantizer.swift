import ScopeBytes
import ScopeGraph

/// Symmetric integer weights: `real = scales[c] * code` (for unsigned storage, code - 128).
package struct QuantizedWeight: Sendable {
  /// Signed codes in the layout of the float tensor.
  package var codes: [Int8]
  package var dimensions: [Int]
  /// One per output channel, or one for the tensor.
  package var scales: [Float]
  /// Axis of the output channels; meaningless when there is one scale.
  package var axis: Int

  /// Index into `scales` of element `position`.
  package func scale(at position: Int) -> Float {
    guard scales.count > 1 else { return scales[0] }
    let inner = dimensions.dropFirst(axis + 1).reduce(1, *)
    return scales[position / inner % scales.count]
  }

  /// The numbers the codes stand for.
  package var reals: [Float] {
    var result = [Float](repeating: 0, count: codes.count)
    for position in codes.indices { result[position] = Float(codes[position]) * scale(at: position) }
    return result
  }
}

package enum WeightQuantizer {
  /// Scales smaller than this would make products of scales subnormal.
  package static let smallestScale: Float = 1e-12

  /// Quantizes a weight symmetrically, round half to even.
  ///
  /// - Parameters:
  ///   - values: elements of `dimensions`, output channels on `axis`.
  ///   - isDepthwise: one input channel per output channel.
  ///   - minimumScales: per output channel, the smallest scale allowed (so that the bias fits 32 bits).
  package static func quantize(
    _ values: [Float], dimensions: [Int], axis: Int, isDepthwise: Bool, recipe: QuantizationRecipe,
    minimumScales: [Float]
  ) -> QuantizedWeight {
    let channels = dimensions[axis]
    let inner = dimensions.dropFirst(axis + 1).reduce(1, *)
    var largest = [Float](repeating: 0, count: channels)
    for position in values.indices {
      let channel = position / inner % channels
      largest[channel] = max(largest[channel], abs(values[position]))
    }
    let highest = highestCode(recipe.weightRange, isDepthwise: isDepthwise)
    var scales = largest.map { $0 / Float(highest) }
    if recipe.weightRange == .pairBounded, !isDepthwise {
      let pairs = largestPairSums(values, dimensions: dimensions, axis: axis)
      // Rounding moves a sum by at most 1, so 127 keeps it within 128 and 255 x 128 within 16 bits.
      for channel in scales.indices { scales[channel] = max(scales[channel], pairs[channel] / 127) }
    }
    for channel in scales.indices {
      scales[channel] = max(scales[channel], minimumScales[channel], smallestScale)
    }
    if !recipe.perChannel { scales = [scales.max() ?? 1] }
    let inverses = scales.map { 1 / Double($0) }
    let limit = Double(highest)
    var codes = [Int8](repeating: 0, count: values.count)
    let bias = 0x1.8p52  // adding and subtracting it rounds half to even without a library call
    for start in stride(from: 0, to: values.count, by: inner) {
      let inverse = inverses[scales.count > 1 ? start / inner % channels : 0]
      for position in start..<start + inner {
        let rounded = Double(values[position]) * inverse + bias - bias
        codes[position] = Int8(max(-limit, min(limit, rounded)))
      }
    }
    return QuantizedWeight(codes: codes, dimensions: dimensions, scales: scales, axis: axis)
  }

  static func highestCode(_ range: WeightRange, isDepthwise: Bool) -> Int {
    switch range {
    case .full, .pairBounded: 127
    case .reduced: 64
    case .reducedExceptDepthwise: isDepthwise ? 127 : 64
    }
  }

  /// Per output channel the largest |w(2k) + w(2k+1)| along the reduction as ONNX Runtime's kernels order it: kernel
  /// position outermost, input channel innermost.
  package static func largestPairSums(_ values: [Float], dimensions: [Int], axis: Int) -> [Float] {
    let channels = dimensions[axis]
    var result = [Float](repeating: 0, count: channels)
    let isMatrix = dimensions.count == 2
    let inputs = isMatrix ? dimensions[1 - axis] : dimensions[1]
    let kernel = isMatrix ? 1 : dimensions.dropFirst(2).reduce(1, *)
    for channel in 0..<channels {
      func element(_ index: Int) -> Float {
        if isMatrix {
          return axis == 0 ? values[channel * inputs + index] : values[index * channels + channel]
        }
        return values[(channel * inputs + index % inputs) * kernel + index / inputs]
      }
      var index = 0
      let count = inputs * kernel
      while index < count {
        let sum = element(index) + (index + 1 < count ? element(index + 1) : 0)
        result[channel] = max(result[channel], abs(sum))
        index += 2
      }
    }
    return result
  }
}
