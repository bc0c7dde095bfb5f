import ScopeRuntime

/// Rounds a weight matrix input by input and lets the inputs that are still to come make up for each rounding error, by
/// the curvature of the layer's squared output error: GPTQ (Frantar et al. 2022, arXiv:2210.17323, algorithm 1).
///
/// For `y = W x` the error of an output is `e G e^T` with `G = sum x x^T`; its Hessian is the same for every output. With
/// `G^-1 = U^T U` (U upper triangular), rounding input i with error `d` is best made up for by taking
/// `d / U_ii * U_ij` from every later input j.
package enum HessianRounding {
  /// Which input is rounded first.
  package enum Order: Sendable {
    /// As they are stored.
    case stored
    /// By falling `G_ii` (the paper's "act-order"): what matters most is rounded while most can still make up for it.
    case fallingDiagonal
  }

  /// Inputs whose corrections of later inputs are collected into one matrix product.
  private static let panel = 128

  /// Codes of `weights` on `grid`, [outputs, inputs] row-major.
  ///
  /// An output whose error (under `gram`) would be larger than after rounding to nearest is rounded to nearest, so no
  /// output gets worse than that. Inputs that were always zero (`G_ii = 0`) are rounded to nearest.
  ///
  /// - Parameters:
  ///   - weights: [outputs, inputs] row-major.
  ///   - gram: [inputs, inputs], symmetric: `sum x x^T` or its mean (the scale does not matter).
  ///   - damping: added to the diagonal, relative to its mean; raised tenfold while the matrix cannot be factorized.
  /// - Returns: nil when a weight or the Gram matrix is not finite, or nothing was seen (all of `gram` is zero).
  package static func round(
    _ weights: [Float], grid: RoundingGrid, gram: Matrix, damping: Double = 0.01,
    order: Order = .fallingDiagonal, algebra: LinearAlgebra
  ) -> [Int16]? {
    let n = grid.inputs
    precondition(weights.count == grid.outputs * n && gram.rows == n && gram.columns == n)
    guard n > 0, grid.outputs > 0, weights.allSatisfy(\.isFinite), gram.values.allSatisfy(\.isFinite),
      let prepared = factor(gram, damping: damping, order: order, algebra: algebra)
    else { return nil }
    let codes = sweep(weights, grid: grid, prepared, algebra: algebra)
    return best(of: codes, grid.nearest(weights), weights, grid: grid, gram: gram, algebra: algebra)
  }

  /// Per output the rounding with the lower error.
  static func best(
    of codes: [Int16], _ others: [Int16], _ weights: [Float], grid: RoundingGrid, gram: Matrix,
    algebra: LinearAlgebra
  ) -> [Int16] {
    let errors = grid.errors(codes, weights, gram: gram, algebra: algebra)
    let otherErrors = grid.errors(others, weights, gram: gram, algebra: algebra)
    var result = codes
    for output in 0..<grid.outputs where otherErrors[output] < errors[output] {
      let row = output * grid.inputs..<(output + 1) * grid.inputs
      result.replaceSubrange(row, with: others[row])
    }
    return result
  }

  /// The order of the inputs and, in that order, the upper triangular `U` with `G^-1 = U^T U`.
  private struct Factor {
    var order: [Int]
    var upper: Matrix
  }

  private static func factor(
    _ gram: Matrix, damping: Double, order: Order, algebra: LinearAlgebra
  ) -> Factor? {
    let n = gram.rows
    let diagonal = (0..<n).map { gram[$0, $0] }
    let mean = diagonal.reduce(0, +) / Double(n)
    guard mean > 0, mean.isFinite else { return nil }
    let sequence =
      order == .stored ? Array(0..<n) : (0..<n).sorted { (-diagonal[$0], $0) < (-diagonal[$1], $1) }
    var share = max(damping, 1e-9)
    while share <= 1 {
      // Made anew in each round: large layers' matrices take hundreds of megabytes, so few may live at once.
      var damped = order == .stored ? gram : gram.submatrix(sequence)
      for index in 0..<n { damped[index, index] += share * mean }
      if let upper = SmallMatrices.inverseFactor(damped, algebra), upper.values.allSatisfy(\.isFinite),
        (0..<n).allSatisfy({ upper[$0, $0] > 0 })
      {
        return Factor(order: sequence, upper: upper)
      }
      share *= 10
    }
    return nil
  }

  private static func sweep(
    _ weights: [Float], grid: RoundingGrid, _ factor: Factor, algebra: LinearAlgebra
  ) -> [Int16] {
    let (outputs, n) = (grid.outputs, grid.inputs)
    // [inputs in rounding order, outputs]: the loops below then run along memory.
    var remaining = Matrix(rows: n, columns: outputs)
    for (place, input) in factor.order.enumerated() {
      for output in 0..<outputs {
        remaining.values[place * outputs + output] = Double(weights[output * n + input])
      }
    }
    var codes = [Int16](repeating: 0, count: weights.count)
    var isRounded = [Bool](repeating: false, count: n)
    for start in stride(from: 0, to: n, by: panel) {
      let end = min(start + panel, n)
      var errors = [Double](repeating: 0, count: (end - start) * outputs)
      for place in start..<end {
        let input = factor.order[place]
        let partner = grid.partners.isEmpty ? -1 : grid.partners[input]
        let isBound = partner >= 0 && isRounded[partner]
        let diagonal = factor.upper[place, place]
        for output in 0..<outputs {
          let weight = remaining.values[place * outputs + output]
          let range = grid.allowed(besides: isBound ? Int(codes[output * n + partner]) : nil)
          let code = grid.nearestCode(weight, output, input, within: range)
          codes[output * n + input] = Int16(clamping: code)
          errors[(place - start) * outputs + output] = (weight - grid.real(code, output, input)) / diagonal
        }
        isRounded[input] = true
        correct(
          &remaining.values, from: (place + 1) * outputs, rows: end - place - 1, by: errors,
          at: (place - start) * outputs, width: outputs, factor.upper.values, at: place * n + place + 1)
      }
      guard end < n else { break }
      var block = Matrix(rows: n - end, columns: end - start)
      for place in start..<end {
        for later in end..<n {
          block.values[(later - end) * (end - start) + place - start] = factor.upper[place, later]
        }
      }
      let correction = algebra.multiply(block, Matrix(rows: end - start, columns: outputs, values: errors))
      subtract(correction.values, from: &remaining.values, at: end * outputs)
    }
    return codes
  }

  /// `rows` rows of `target`, from `first` on, less `factors[r]` times the row of `errors`.
  private static func correct(
    _ target: inout [Double], from first: Int, rows: Int, by errors: [Double], at row: Int, width: Int,
    _ factors: [Double], at place: Int
  ) {
    target.withUnsafeMutableBufferPointer { target in
      errors.withUnsafeBufferPointer { errors in
        for later in 0..<max(rows, 0) {
          let factor = factors[place + later]
          guard factor != 0 else { continue }
          let start = first + later * width
          for output in 0..<width { target[start + output] -= factor * errors[row + output] }
        }
      }
    }
  }

  private static func subtract(_ values: [Double], from target: inout [Double], at start: Int) {
    target.withUnsafeMutableBufferPointer { target in
      values.withUnsafeBufferPointer { values in
        for index in values.indices { target[start + index] -= values[index] }
      }
    }
  }
}
