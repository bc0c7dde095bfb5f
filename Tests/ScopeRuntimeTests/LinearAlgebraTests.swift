import ScopeBytes
import ScopeRuntime
import Testing

@Suite(.enabled(if: (try? LinearAlgebra.load()) != nil, "needs OpenBLAS (scripts/bootstrap)"))
struct LinearAlgebraTests {
  private let library: LinearAlgebra

  init() throws { library = try LinearAlgebra.load(threads: 1) }

  @Test func sumsAreThoseWrittenOut() {
    // A = [1 2; 3 4; 5 6], B = [1; 0; -1].
    let a: [Float] = [1, 2, 3, 4, 5, 6]
    var gram = Matrix(rows: 2, columns: 2)
    library.addGram(a, rows: 3, to: &gram)
    library.addGram(a, rows: 3, to: &gram)
    #expect(gram.values == [70, 88, 88, 112])
    var cross = Matrix(rows: 2, columns: 1)
    library.addCross(a, [1, 0, -1], rows: 3, to: &cross)
    #expect(cross.values == [-4, -4])
  }

  @Test func choleskySolvesAndInverts() throws {
    let a = Matrix(rows: 3, columns: 3, values: [4, 2, 0.6, 2, 5, 1, 0.6, 1, 3])
    let factor = try #require(library.cholesky(a))
    #expect(factor[0, 1] == 0 && factor[0, 2] == 0 && factor[1, 2] == 0)
    #expect(difference(library.multiply(factor, factor.transposed), a) < 1e-14)
    let b = Matrix(rows: 3, columns: 2, values: [1, 2, 3, 4, 5, 6])
    let x = try #require(library.solve(a, b))
    #expect(difference(library.multiply(a, x), b) < 1e-13)
    let inverse = try #require(library.inverse(a))
    #expect(
      difference(
        library.multiply(a, inverse), Matrix(rows: 3, columns: 3, values: [1, 0, 0, 0, 1, 0, 0, 0, 1]))
        < 1e-14)
    let upper = try #require(library.inverseFactor(a))
    #expect(upper[1, 0] == 0 && upper[2, 0] == 0 && upper[2, 1] == 0)
    #expect(difference(library.multiply(upper.transposed, upper), inverse) < 1e-14)
    #expect(library.inverseFactor(Matrix(rows: 2, columns: 2, values: [1, 2, 2, 1])) == nil)
    #expect(library.inverseFactor(Matrix(rows: 1, columns: 1, values: [4]))?.values == [0.5])
    #expect(library.cholesky(Matrix(rows: 2, columns: 2, values: [1, 2, 2, 1])) == nil)
    #expect(library.solve(Matrix(rows: 1, columns: 1, values: [-1]), Matrix(rows: 1, columns: 1)) == nil)
  }

  @Test func leastSquaresDampsWhatIsSingular() throws {
    // Two equal columns: any split of 2 fits, the ridge takes the even one.
    let gram = Matrix(rows: 2, columns: 2, values: [3, 3, 3, 3])
    let cross = Matrix(rows: 2, columns: 1, values: [6, 6])
    let x = try #require(library.leastSquares(gram: gram, cross: cross, ridge: 1e-8))
    #expect(abs(x[0, 0] - 1) < 1e-3 && abs(x[1, 0] - 1) < 1e-3)
    #expect(library.leastSquares(gram: Matrix(rows: 1, columns: 1, values: [.nan]), cross: cross) == nil)
  }

  @Test(arguments: [(3, 2), (2, 3), (1, 4)]) func singularValuesRebuild(rows: Int, columns: Int) throws {
    let values = (0..<rows * columns).map { Double(($0 * 7) % 5) - 1.5 }
    let a = Matrix(rows: rows, columns: columns, values: values)
    let (u, s, vt) = try #require(library.singularValues(a))
    #expect(s == s.sorted(by: >))
    var scaled = u
    for row in 0..<u.rows { for column in 0..<u.columns { scaled[row, column] *= s[column] } }
    #expect(difference(library.multiply(scaled, vt), a) < 1e-13)
  }

  @Test func anotherLibraryIsRefusedByName() {
    let error = #expect(throws: ScopeError.self) { try LinearAlgebra.load(path: "/nowhere/libopenblas.so") }
    #expect(error?.code == .engineUnavailable && error?.file == "/nowhere/libopenblas.so")
  }

  private func difference(_ a: Matrix, _ b: Matrix) -> Double {
    zip(a.values, b.values).map { abs($0 - $1) }.max() ?? .infinity
  }
}
