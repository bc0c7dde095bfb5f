import ScopeRuntime

/// Lowers the squared output error of a rounded weight matrix code by code: coordinate descent on
/// `e G e^T` over the integers, the objective that AdaRound (Nagel et al. 2020, arXiv:2004.10568, equation 20) relaxes.
///
/// AdaRound learns a soft choice between the two neighbouring codes with Adam. The objective is quadratic, so the best
/// code of one weight, all others fixed, is known in closed form: changing it by `d` steps of size `s` changes the error
/// by `2 d s g_i + (d s)^2 G_ii` with `g = G e`. Sweeps over the weights that take every step which lowers the error end
/// in a rounding that no single change improves, in milliseconds per layer and without a learning rate; any code is
/// allowed, not only the two neighbours. Started from ``HessianRounding`` it can only improve on it.
package enum CoordinateRounding {
  /// Sweeps end long before; a bound against changes in the last bit that undo each other.
  private static let maximumSweeps = 40

  /// Codes of `weights` on `grid` that no single change improves, starting from `codes`; an output whose error without
  /// the damping would grow keeps its codes.
  ///
  /// - Parameters:
  ///   - codes: [outputs, inputs] row-major, on the grid and within the bounds of its pairs.
  ///   - weights: [outputs, inputs], finite.
  ///   - gram: [inputs, inputs], symmetric and finite.
  ///   - damping: added to the diagonal, relative to its mean.
  package static func refine(
    _ codes: [Int16], weights: [Float], grid: RoundingGrid, gram: Matrix, damping: Double = 0.01,
    algebra: LinearAlgebra
  ) -> [Int16] {
    let n = grid.inputs
    precondition(weights.count == grid.outputs * n && codes.count == weights.count && gram.rows == n)
    guard n > 0, !codes.isEmpty else { return codes }
    var damped = gram
    let mean = (0..<n).reduce(0) { $0 + gram[$1, $1] } / Double(n)
    for index in 0..<n { damped[index, index] += damping * mean }
    // [outputs, inputs]: half the derivative of the error by each weight.
    var gradient = SmallMatrices.multiply(grid.differences(codes, weights), damped, algebra).values
    var result = codes
    damped.values.withUnsafeBufferPointer { gram in
      gradient.withUnsafeMutableBufferPointer { gradient in
        for output in 0..<grid.outputs {
          result.withUnsafeMutableBufferPointer { codes in
            descend(
              UnsafeMutableBufferPointer(rebasing: codes[output * n..<(output + 1) * n]),
              UnsafeMutableBufferPointer(rebasing: gradient[output * n..<(output + 1) * n]), gram, grid,
              output)
          }
        }
      }
    }
    // The damping is not part of the error itself.
    return HessianRounding.best(of: result, codes, weights, grid: grid, gram: gram, algebra: algebra)
  }

  /// Sweeps over one output.
  private static func descend(
    _ codes: UnsafeMutableBufferPointer<Int16>, _ gradient: UnsafeMutableBufferPointer<Double>,
    _ gram: UnsafeBufferPointer<Double>, _ grid: RoundingGrid, _ output: Int
  ) {
    let n = codes.count
    for _ in 0..<maximumSweeps {
      var changed = false
      for input in 0..<n {
        let curvature = gram[input * n + input]
        let step = Double(grid.scales[grid.block(output, input)])
        let wanted = -gradient[input] / (curvature * step)
        // Half a step away the error is the same; a little more has to be gained.
        guard curvature > 0, abs(wanted) > 0.500001, wanted.isFinite else { continue }
        let partner = grid.partners.isEmpty ? -1 : grid.partners[input]
        let range = grid.allowed(besides: partner >= 0 ? Int(codes[partner]) : nil)
        let old = Int(codes[input])
        let target = Double(old) + max(-65536, min(65536, wanted)).rounded()
        let new = Int(max(Double(range.lowerBound), min(Double(range.upperBound), target)))
        // Toward the optimum only, and never beyond it by the bound.
        guard new != old, (new > old) == (wanted > 0) else { continue }
        codes[input] = Int16(clamping: new)
        changed = true
        let change = Double(new - old) * step
        for other in 0..<n { gradient[other] += change * gram[input * n + other] }
      }
      if !changed { return }
    }
  }
}
