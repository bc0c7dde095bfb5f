import ScopeRuntime

/// The integers a weight matrix [outputs, inputs] may be rounded to: `real = scale * (code - zeroPoint)`, with one scale
/// and zero point per output and block of neighbouring inputs.
package struct RoundingGrid: Sendable {
  package let outputs: Int
  package let inputs: Int
  /// Inputs that share a scale; the last block of a row may be shorter. `inputs` or more gives one scale per output.
  package let blockSize: Int
  /// [outputs, blocks], finite and above zero.
  package var scales: [Float]
  /// [outputs, blocks]; nil for a symmetric grid.
  package var zeroPoints: [Int]?
  /// Lowest and highest code, inside -32768 ... 32767.
  package var codes: ClosedRange<Int>
  /// Per input the other one of its pair, -1 without; empty when there are no pairs. The codes of a pair must add up to
  /// a magnitude of at most ``pairLimit``.
  package var partners: [Int] = []
  package var pairLimit = 128

  package var blocks: Int { (inputs + blockSize - 1) / max(blockSize, 1) }

  /// - Parameters:
  ///   - blockSize: nil for one scale per output.
  ///   - scales: [outputs, blocks] row-major.
  ///   - zeroPoints: of the same shape.
  /// - Precondition: the arrays have that many elements.
  package init(
    outputs: Int, inputs: Int, blockSize: Int? = nil, scales: [Float], zeroPoints: [Int]? = nil,
    codes: ClosedRange<Int>
  ) {
    self.outputs = outputs
    self.inputs = inputs
    self.blockSize = max(1, blockSize ?? inputs)
    self.scales = scales
    self.zeroPoints = zeroPoints
    self.codes = codes
    precondition(
      scales.count == outputs * blocks && (zeroPoints ?? scales.map { _ in 0 }).count == scales.count)
    precondition(codes.lowerBound >= -32768 && codes.upperBound <= 32767)
  }

  /// Index into ``scales`` of an element.
  @inline(__always) func block(_ output: Int, _ input: Int) -> Int { output * blocks + input / blockSize }

  /// The number that `code` stands for at an element.
  func real(_ code: Int, _ output: Int, _ input: Int) -> Double {
    let index = block(output, input)
    return Double(scales[index]) * Double(code - (zeroPoints?[index] ?? 0))
  }

  /// Codes that input `input` may take while its partner has `partner`; the whole range without a partner.
  @inline(__always) func allowed(besides partner: Int?) -> ClosedRange<Int> {
    guard let partner else { return codes }
    let low = max(codes.lowerBound, -pairLimit - partner)
    let high = min(codes.upperBound, pairLimit - partner)
    // A partner beyond the bound on its own (it never is after rounding) is met half way at the nearest code.
    return low <= high
      ? low...high : (partner > 0 ? codes.lowerBound...codes.lowerBound : codes.upperBound...codes.upperBound)
  }

  /// Each weight to its nearest code, half to even, inside the code range; pairs that end beyond their bound are brought
  /// back one code at a time, at the element that is then least further from its weight.
  ///
  /// - Parameter weights: [outputs, inputs], finite.
  package func nearest(_ weights: [Float]) -> [Int16] {
    var result = [Int16](repeating: 0, count: weights.count)
    for output in 0..<outputs {
      for input in 0..<inputs {
        let position = output * inputs + input
        result[position] = Int16(
          clamping: nearestCode(Double(weights[position]), output, input, within: codes))
      }
      for input in partners.indices where partners[input] > input {
        let (first, second) = (output * inputs + input, output * inputs + partners[input])
        while abs(Int(result[first]) + Int(result[second])) > pairLimit {
          let direction: Int16 = Int(result[first]) + Int(result[second]) > 0 ? -1 : 1
          func cost(_ position: Int, _ column: Int) -> Double {
            let moved = Int(result[position] + direction)
            guard codes.contains(moved) else { return .infinity }
            return abs(real(moved, output, column) - Double(weights[position]))
          }
          if cost(first, input) <= cost(second, partners[input]) {
            result[first] += direction
          } else {
            result[second] += direction
          }
        }
      }
    }
    return result
  }

  /// The code of `range` nearest to a finite weight.
  @inline(__always) func nearestCode(
    _ weight: Double, _ output: Int, _ input: Int, within range: ClosedRange<Int>
  ) -> Int {
    let index = block(output, input)
    let code = weight / Double(scales[index]) + Double(zeroPoints?[index] ?? 0)
    let clamped = max(Double(range.lowerBound), min(Double(range.upperBound), code))
    // Adding and subtracting 1.5 x 2^52 rounds half to even without a library call.
    return Int(clamped + 0x1.8p52 - 0x1.8p52)
  }

  /// Per output `sum over i, j of e_i G_ij e_j`, `e` being the rounded less the real weights: the squared error of that
  /// output, summed over the samples behind `gram`.
  ///
  /// - Parameters:
  ///   - gram: [inputs, inputs], `sum x x^T` over the layer's inputs.
  package func errors(
    _ codes: [Int16], _ weights: [Float], gram: Matrix, algebra: LinearAlgebra
  ) -> [Double] {
    let difference = differences(codes, weights)
    let product = SmallMatrices.multiply(difference, gram, algebra)
    return (0..<outputs).map { output in
      var sum = 0.0
      for position in output * inputs..<(output + 1) * inputs {
        sum += product.values[position] * difference.values[position]
      }
      return max(sum, 0)
    }
  }

  /// Rounded less real weights, [outputs, inputs].
  func differences(_ codes: [Int16], _ weights: [Float]) -> Matrix {
    var result = Matrix(rows: outputs, columns: inputs)
    for output in 0..<outputs {
      for input in 0..<inputs {
        let position = output * inputs + input
        result.values[position] = real(Int(codes[position]), output, input) - Double(weights[position])
      }
    }
    return result
  }
}
