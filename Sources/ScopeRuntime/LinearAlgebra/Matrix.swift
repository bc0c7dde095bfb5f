/// A dense row-major matrix of doubles.
public struct Matrix: Sendable, Hashable {
  public let rows: Int
  public let columns: Int
  /// [rows, columns].
  public var values: [Double]

  /// - Precondition: `values` has `rows x columns` elements.
  public init(rows: Int, columns: Int, values: [Double]) {
    precondition(values.count == rows * columns)
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  public init(rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, values: [Double](repeating: 0, count: rows * columns))
  }

  public subscript(row: Int, column: Int) -> Double {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }

  public var transposed: Matrix {
    var result = Matrix(rows: columns, columns: rows)
    for row in 0..<rows {
      for column in 0..<columns { result.values[column * rows + row] = values[row * columns + column] }
    }
    return result
  }

  /// Rows and columns `indices` of a square matrix, or rows `indices` and columns `other`.
  public func submatrix(_ indices: [Int], columns other: [Int]? = nil) -> Matrix {
    let wanted = other ?? indices
    var result = Matrix(rows: indices.count, columns: wanted.count)
    for (row, source) in indices.enumerated() {
      for (column, from) in wanted.enumerated() { result[row, column] = self[source, from] }
    }
    return result
  }
}
