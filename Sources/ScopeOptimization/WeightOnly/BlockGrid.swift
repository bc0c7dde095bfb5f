/// Chooses scales and zero points per block of neighbouring inputs of a weight matrix.
enum BlockGrid {
  /// Parts of the full span that are tried for the least squared error.
  private static let spans: [Double] = [1, 0.96, 0.92, 0.88, 0.84, 0.8, 0.75, 0.7]

  /// A grid with unsigned codes `0 ... 2^bits - 1`, as ONNX Runtime packs them.
  ///
  /// Symmetric: the zero is at `2^(bits - 1)` and the block's value of largest magnitude gets the lowest code, whatever
  /// its sign (the scale is negative when that value is positive): one code more than a positive scale would use.
  /// Asymmetric: the codes span from the least value, or zero, to the greatest, or zero. A block of zeros has scale 1.
  ///
  /// - Parameters:
  ///   - rows: [outputs, inputs], finite.
  ///   - searches: whether narrower spans are tried.
  static func unsigned(
    _ rows: [Float], outputs: Int, inputs: Int, bits: Int, blockSize: Int, isSymmetric: Bool, searches: Bool
  ) -> RoundingGrid {
    let highest = (1 << bits) - 1
    let middle = 1 << (bits - 1)
    let made = make(
      rows, outputs: outputs, inputs: inputs, blockSize: blockSize, codes: 0...highest,
      spans: searches ? spans : [1]
    ) { low, high, span in
      if isSymmetric {
        let extreme = -low >= high ? low : high
        return (Float(extreme * span / Double(-middle)), middle)
      }
      let scale = Float((high - low) * span / Double(highest))
      guard scale > 0 else { return (0, 0) }
      return (scale, max(0, min(highest, Int((-low * span / Double(scale)).rounded()))))
    }
    return RoundingGrid(
      outputs: outputs, inputs: inputs, blockSize: blockSize, scales: made.scales, zeroPoints: made.zeros,
      codes: 0...highest)
  }

  /// A grid of signed codes around zero: `-127 ... 127` for 8 bits; for 4 bits `-8 ... 7` with a scale of either sign.
  static func signed(
    _ rows: [Float], outputs: Int, inputs: Int, bits: Int, blockSize: Int
  ) -> RoundingGrid {
    let codes = bits == 8 ? -127...127 : -(1 << (bits - 1))...(1 << (bits - 1)) - 1
    let made = make(
      rows, outputs: outputs, inputs: inputs, blockSize: blockSize, codes: codes,
      spans: bits == 8 ? [1] : spans
    ) { low, high, span in
      let extreme = -low >= high ? low : high
      if bits == 8 { return (Float(abs(extreme) * span / 127), 0) }
      return (Float(extreme * span / Double(codes.lowerBound)), 0)
    }
    return RoundingGrid(
      outputs: outputs, inputs: inputs, blockSize: blockSize, scales: made.scales, codes: codes)
  }

  private static func make(
    _ rows: [Float], outputs: Int, inputs: Int, blockSize: Int, codes: ClosedRange<Int>, spans: [Double],
    _ parameters: (_ low: Double, _ high: Double, _ span: Double) -> (scale: Float, zero: Int)
  ) -> (scales: [Float], zeros: [Int]) {
    let blocks = (inputs + blockSize - 1) / blockSize
    var scales = [Float](repeating: 1, count: outputs * blocks)
    var zeros = [Int](repeating: 0, count: outputs * blocks)
    rows.withUnsafeBufferPointer { rows in
      for output in 0..<outputs {
        for block in 0..<blocks {
          let start = output * inputs + block * blockSize
          let values = rows[start..<min(start + blockSize, (output + 1) * inputs)]
          var low = Float(0)
          var high = Float(0)
          for value in values {
            low = min(low, value)
            high = max(high, value)
          }
          var best = (error: Double.infinity, scale: Float(1), zero: parameters(-1, 1, 1).zero)
          for span in spans {
            let (scale, zero) = parameters(Double(low), Double(high), span)
            // Values too small for a scale in float32 are zeros.
            guard scale != 0, scale.isFinite, (1 / scale).isFinite else { continue }
            if spans.count == 1 {
              best = (0, scale, zero)
              break
            }
            let error = squaredError(values, scale: scale, zero: Float(zero), codes)
            if error < best.error { best = (error, scale, zero) }
          }
          scales[output * blocks + block] = best.scale
          zeros[output * blocks + block] = best.zero
        }
      }
    }
    return (scales, zeros)
  }

  /// Summed in steps of the scale and multiplied in double precision, so that huge weights do not overflow.
  @inline(__always) private static func squaredError(
    _ values: Slice<UnsafeBufferPointer<Float>>, scale: Float, zero: Float, _ codes: ClosedRange<Int>
  ) -> Double {
    let inverse = 1 / scale
    let low = Float(codes.lowerBound)
    let high = Float(codes.upperBound)
    let bias: Float = 0x1.8p23  // adding and subtracting it rounds half to even
    var sum = Float(0)
    for value in values {
      let code = max(low, min(high, value * inverse + zero))
      let error = (value * inverse + zero) - (code + bias - bias)
      sum += error * error
    }
    return Double(sum) * Double(scale) * Double(scale)
  }
}
