import ScopeRuntime

/// Products and factors that take plain loops for small matrices: the ten thousand 9 x 9 systems of the depthwise
/// convolutions of a network would spend their time on waking the threads of the library.
enum SmallMatrices {
  /// Largest order of a system solved here.
  static let largestOrder = 40
  /// Multiplications of a product computed here.
  private static let largestProduct = 100_000

  static func multiply(_ a: Matrix, _ b: Matrix, _ algebra: LinearAlgebra) -> Matrix {
    guard a.rows * a.columns * b.columns <= largestProduct else { return algebra.multiply(a, b) }
    var result = Matrix(rows: a.rows, columns: b.columns)
    let width = b.columns
    result.values.withUnsafeMutableBufferPointer { result in
      b.values.withUnsafeBufferPointer { b in
        for row in 0..<a.rows {
          for inner in 0..<a.columns {
            let factor = a.values[row * a.columns + inner]
            guard factor != 0 else { continue }
            for column in 0..<width { result[row * width + column] += factor * b[inner * width + column] }
          }
        }
      }
    }
    return result
  }

  /// Lower triangular `L` with `L L^T = A`; nil when `A` is not positive definite.
  static func cholesky(_ a: Matrix, _ algebra: LinearAlgebra) -> Matrix? {
    let n = a.rows
    guard n <= largestOrder else { return algebra.cholesky(a) }
    var lower = Matrix(rows: n, columns: n)
    for row in 0..<n {
      for column in 0...row {
        var sum = a.values[row * n + column]
        for inner in 0..<column { sum -= lower.values[row * n + inner] * lower.values[column * n + inner] }
        if row == column {
          guard sum > 0, sum.isFinite else { return nil }
          lower.values[row * n + row] = sum.squareRoot()
        } else {
          lower.values[row * n + column] = sum / lower.values[column * n + column]
        }
      }
    }
    return lower
  }

  /// `A^-1` of a symmetric positive definite matrix; nil when it is not.
  static func inverse(_ a: Matrix, _ algebra: LinearAlgebra) -> Matrix? {
    let n = a.rows
    guard n <= largestOrder else { return algebra.inverse(a) }
    guard let lower = cholesky(a, algebra) else { return nil }
    // L^-1 by forward substitution, then A^-1 = L^-T L^-1.
    var inverted = Matrix(rows: n, columns: n)
    for column in 0..<n {
      for row in column..<n {
        var sum = row == column ? 1.0 : 0
        for inner in column..<row {
          sum -= lower.values[row * n + inner] * inverted.values[inner * n + column]
        }
        inverted.values[row * n + column] = sum / lower.values[row * n + row]
      }
    }
    var result = Matrix(rows: n, columns: n)
    for row in 0..<n {
      for column in 0...row {
        var sum = 0.0
        for inner in row..<n { sum += inverted.values[inner * n + row] * inverted.values[inner * n + column] }
        result.values[row * n + column] = sum
        result.values[column * n + row] = sum
      }
    }
    return result
  }

  /// Upper triangular `U` with `A^-1 = U^T U`; nil when `A` is not positive definite.
  static func inverseFactor(_ a: consuming Matrix, _ algebra: LinearAlgebra) -> Matrix? {
    guard a.rows <= largestOrder else { return algebra.inverseFactor(a) }
    return inverse(a, algebra).flatMap { cholesky($0, algebra) }?.transposed
  }

  /// Adds `A^T A` to `gram` and the column sums of A to `totals`; `a` is [rows, n] row-major.
  static func addMoments(
    _ a: [Float], rows: Int, to gram: inout Matrix, _ totals: inout [Double], _ algebra: LinearAlgebra
  ) {
    let n = gram.columns
    a.withUnsafeBufferPointer { a in
      totals.withUnsafeMutableBufferPointer { totals in
        for row in 0..<rows {
          for column in 0..<n { totals[column] += Double(a[row * n + column]) }
        }
      }
    }
    guard n <= largestOrder else {
      algebra.addGram(a, rows: rows, to: &gram)
      return
    }
    // Columns as rows: the inner loop then adds products along memory.
    var columns = [Float](repeating: 0, count: n * rows)
    for row in 0..<rows {
      for column in 0..<n { columns[column * rows + row] = a[row * n + column] }
    }
    columns.withUnsafeBufferPointer { columns in
      let raw = UnsafeRawBufferPointer(columns)
      for i in 0..<n {
        for j in 0...i {
          var sums = SIMD8<Float>()
          var row = 0
          while row + 8 <= rows {
            sums +=
              raw.loadUnaligned(fromByteOffset: (i * rows + row) * 4, as: SIMD8<Float>.self)
              * raw.loadUnaligned(fromByteOffset: (j * rows + row) * 4, as: SIMD8<Float>.self)
            row += 8
          }
          var sum = (0..<8).reduce(0.0) { $0 + Double(sums[$1]) }
          while row < rows {
            sum += Double(columns[i * rows + row]) * Double(columns[j * rows + row])
            row += 1
          }
          gram.values[i * n + j] += sum
          if i != j { gram.values[j * n + i] += sum }
        }
      }
    }
  }
}
