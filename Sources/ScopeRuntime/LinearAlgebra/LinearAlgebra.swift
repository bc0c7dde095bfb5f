import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// OpenBLAS with its LAPACK, loaded with `dlopen`: Gram matrices, Cholesky, least squares, singular values.
///
/// Takes PyPI's `scipy-openblas32` (symbols prefixed `scipy_`) as well as a system's OpenBLAS. Calls use the CBLAS and
/// Fortran LAPACK interfaces with 32-bit integers (www.netlib.org/blas, www.netlib.org/lapack).
@safe public final class LinearAlgebra: Sendable {
  /// Path it was loaded from.
  public let path: String

  private typealias Gemm =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, Double, UnsafePointer<Double>?, Int32, UnsafePointer<Double>?,
      Int32, Double, UnsafeMutablePointer<Double>?, Int32
    ) -> Void
  private typealias GemmSingle =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, Float, UnsafePointer<Float>?, Int32, UnsafePointer<Float>?,
      Int32, Float, UnsafeMutablePointer<Float>?, Int32
    ) -> Void
  private typealias SyrkSingle =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Float, UnsafePointer<Float>?, Int32, Float,
      UnsafeMutablePointer<Float>?, Int32
    ) -> Void
  private typealias Potrf =
    @convention(c) (
      UnsafePointer<CChar>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Double>?, UnsafePointer<Int32>?,
      UnsafeMutablePointer<Int32>?
    ) -> Void
  private typealias Trtri =
    @convention(c) (
      UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Double>?,
      UnsafePointer<Int32>?, UnsafeMutablePointer<Int32>?
    ) -> Void
  private typealias Potrs =
    @convention(c) (
      UnsafePointer<CChar>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?, UnsafePointer<Double>?,
      UnsafePointer<Int32>?, UnsafeMutablePointer<Double>?, UnsafePointer<Int32>?,
      UnsafeMutablePointer<Int32>?
    ) -> Void
  private typealias Gesdd =
    @convention(c) (
      UnsafePointer<CChar>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Double>?,
      UnsafePointer<Int32>?, UnsafeMutablePointer<Double>?, UnsafeMutablePointer<Double>?,
      UnsafePointer<Int32>?, UnsafeMutablePointer<Double>?, UnsafePointer<Int32>?,
      UnsafeMutablePointer<Double>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Int32>?,
      UnsafeMutablePointer<Int32>?
    ) -> Void
  private typealias SetThreads = @convention(c) (Int32) -> Void

  private let dgemm: Gemm
  private let sgemm: GemmSingle
  private let ssyrk: SyrkSingle
  private let dpotrf: Potrf
  private let dpotri: Potrf
  private let dpotrs: Potrs
  private let dtrtri: Trtri
  private let dgesdd: Gesdd
  private let setThreads: SetThreads?

  private static let (rowMajor, plain, transposed, lower): (Int32, Int32, Int32, Int32) = (101, 111, 112, 122)

  /// Loads OpenBLAS from `path`, or from the first known place that works.
  ///
  /// - Parameter threads: 0 takes every core.
  /// - Throws: `engineUnavailable` naming the places that were tried.
  public static func load(path: String? = nil, threads: Int = 0) throws(ScopeError) -> LinearAlgebra {
    let library = try LibraryLocator().load(.openBLAS, explicit: path) {
      (file: String) throws(ScopeError) -> LinearAlgebra in
      try LinearAlgebra(loading: file)
    }
    library.setThreads?(Int32(clamping: threads > 0 ? threads : Machine.coreCount))
    return library
  }

  private init(loading path: String) throws(ScopeError) {
    guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw ScopeError(
        .engineUnavailable,
        "the library cannot be loaded: \(unsafe dlerror().map { unsafe String(cString: $0) } ?? "unknown reason")",
        file: path)
    }
    func symbol(_ name: String) throws(ScopeError) -> UnsafeMutableRawPointer {
      for prefix in ["scipy_", ""] {
        if let found = unsafe dlsym(handle, prefix + name) { return unsafe found }
      }
      throw ScopeError(
        .engineUnavailable, "this is not an OpenBLAS library with LAPACK and CBLAS (no \(name))", file: path)
    }
    self.path = path
    unsafe dgemm = unsafeBitCast(try symbol("cblas_dgemm"), to: Gemm.self)
    unsafe sgemm = unsafeBitCast(try symbol("cblas_sgemm"), to: GemmSingle.self)
    unsafe ssyrk = unsafeBitCast(try symbol("cblas_ssyrk"), to: SyrkSingle.self)
    unsafe dpotrf = unsafeBitCast(try symbol("dpotrf_"), to: Potrf.self)
    unsafe dpotri = unsafeBitCast(try symbol("dpotri_"), to: Potrf.self)
    unsafe dpotrs = unsafeBitCast(try symbol("dpotrs_"), to: Potrs.self)
    unsafe dtrtri = unsafeBitCast(try symbol("dtrtri_"), to: Trtri.self)
    unsafe dgesdd = unsafeBitCast(try symbol("dgesdd_"), to: Gesdd.self)
    unsafe setThreads = (try? symbol("openblas_set_num_threads")).map {
      unsafe unsafeBitCast($0, to: SetThreads.self)
    }
  }

  // MARK: Sums over data, single precision in, double precision out

  /// Adds `A^T A` to `gram`.
  ///
  /// - Parameters:
  ///   - a: [rows, columns], row-major.
  ///   - gram: [columns, columns]; both triangles are kept.
  public func addGram(_ a: [Float], rows: Int, to gram: inout Matrix) {
    let n = gram.columns
    precondition(a.count == rows * n && gram.rows == n)
    guard rows > 0, n > 0 else { return }
    var product = [Float](repeating: 0, count: n * n)
    unsafe a.withUnsafeBufferPointer { a in
      unsafe product.withUnsafeMutableBufferPointer { product in
        unsafe ssyrk(
          Self.rowMajor, Self.lower, Self.transposed, Int32(n), Int32(rows), 1, a.baseAddress, Int32(n), 0,
          product.baseAddress, Int32(n))
      }
    }
    for row in 0..<n {
      for column in 0..<row {
        let value = Double(product[row * n + column])
        gram.values[row * n + column] += value
        gram.values[column * n + row] += value
      }
      gram.values[row * n + row] += Double(product[row * n + row])
    }
  }

  /// Adds `A^T B` to `sum`.
  ///
  /// - Parameters:
  ///   - a: [rows, sum.rows], row-major.
  ///   - b: [rows, sum.columns], row-major.
  public func addCross(_ a: [Float], _ b: [Float], rows: Int, to sum: inout Matrix) {
    precondition(a.count == rows * sum.rows && b.count == rows * sum.columns)
    guard rows > 0, !sum.values.isEmpty else { return }
    var product = [Float](repeating: 0, count: sum.values.count)
    unsafe a.withUnsafeBufferPointer { a in
      unsafe b.withUnsafeBufferPointer { b in
        unsafe product.withUnsafeMutableBufferPointer { product in
          unsafe sgemm(
            Self.rowMajor, Self.transposed, Self.plain, Int32(sum.rows), Int32(sum.columns), Int32(rows), 1,
            a.baseAddress, Int32(sum.rows), b.baseAddress, Int32(sum.columns), 0, product.baseAddress,
            Int32(sum.columns))
        }
      }
    }
    for position in product.indices { sum.values[position] += Double(product[position]) }
  }

  // MARK: Dense algebra, double precision

  /// `A B`.
  public func multiply(_ a: Matrix, _ b: Matrix) -> Matrix {
    precondition(a.columns == b.rows)
    var result = Matrix(rows: a.rows, columns: b.columns)
    guard !result.values.isEmpty, a.columns > 0 else { return result }
    unsafe a.values.withUnsafeBufferPointer { left in
      unsafe b.values.withUnsafeBufferPointer { right in
        unsafe result.values.withUnsafeMutableBufferPointer { out in
          unsafe dgemm(
            Self.rowMajor, Self.plain, Self.plain, Int32(a.rows), Int32(b.columns), Int32(a.columns), 1,
            left.baseAddress, Int32(a.columns), right.baseAddress, Int32(b.columns), 0, out.baseAddress,
            Int32(b.columns))
        }
      }
    }
    return result
  }

  /// Lower triangular `L` with `L L^T = A`; nil when `A` is not positive definite.
  public func cholesky(_ a: Matrix) -> Matrix? {
    precondition(a.rows == a.columns)
    var factor = a
    // Row-major lower is column-major upper.
    guard factorize(&factor) else { return nil }
    for row in 0..<a.rows {
      for column in row + 1..<max(a.columns, row + 1) { factor[row, column] = 0 }
    }
    return factor
  }

  private func factorize(_ a: inout Matrix) -> Bool {
    guard a.rows > 0 else { return true }
    var n = Int32(a.rows)
    var status: Int32 = 0
    var triangle = CChar(UInt8(ascii: "U"))
    unsafe a.values.withUnsafeMutableBufferPointer {
      unsafe dpotrf(&triangle, &n, $0.baseAddress, &n, &status)
    }
    return status == 0
  }

  /// `A^-1` of a symmetric positive definite matrix; nil when it is not.
  public func inverse(_ a: Matrix) -> Matrix? {
    precondition(a.rows == a.columns)
    var result = a
    guard factorize(&result) else { return nil }
    guard a.rows > 0 else { return result }
    var n = Int32(a.rows)
    var status: Int32 = 0
    var triangle = CChar(UInt8(ascii: "U"))
    unsafe result.values.withUnsafeMutableBufferPointer {
      unsafe dpotri(&triangle, &n, $0.baseAddress, &n, &status)
    }
    guard status == 0 else { return nil }
    for row in 0..<a.rows {
      for column in 0..<row { result[column, row] = result[row, column] }
    }
    return result
  }

  /// Upper triangular `U` with `A^-1 = U^T U` for a symmetric positive definite `A`; nil when it is not.
  ///
  /// With J turning the order of rows or columns round and `J A J = L L^T`, `U = J L^-1 J`: one factor and one inverse of
  /// a triangle, in the memory of `a` where the caller gives it away.
  public func inverseFactor(_ a: consuming Matrix) -> Matrix? {
    precondition(a.rows == a.columns)
    guard a.rows > 0 else { return a }
    // Turning round rows and columns of a row-major matrix turns round its elements.
    a.values.reverse()
    guard factorize(&a) else { return nil }
    var n = Int32(a.rows)
    var status: Int32 = 0
    var (triangle, diagonal) = (CChar(UInt8(ascii: "U")), CChar(UInt8(ascii: "N")))
    unsafe a.values.withUnsafeMutableBufferPointer {
      unsafe dtrtri(&triangle, &diagonal, &n, $0.baseAddress, &n, &status)
    }
    guard status == 0 else { return nil }
    a.values.reverse()
    for row in 1..<max(a.rows, 1) {
      for column in 0..<row { a[row, column] = 0 }
    }
    return a
  }

  /// `X` with `A X = B` for a symmetric positive definite `A`; nil when it is not.
  ///
  /// - Parameters:
  ///   - a: [n, n].
  ///   - b: [n, m].
  public func solve(_ a: Matrix, _ b: Matrix) -> Matrix? {
    precondition(a.rows == a.columns && b.rows == a.rows)
    var factor = a
    guard factorize(&factor) else { return nil }
    guard !b.values.isEmpty else { return b }
    var right = b.transposed  // column-major [n, m]
    var n = Int32(a.rows)
    var count = Int32(b.columns)
    var status: Int32 = 0
    var triangle = CChar(UInt8(ascii: "U"))
    unsafe factor.values.withUnsafeBufferPointer { factor in
      unsafe right.values.withUnsafeMutableBufferPointer {
        unsafe dpotrs(&triangle, &n, &count, factor.baseAddress, &n, $0.baseAddress, &n, &status)
      }
    }
    return status == 0 ? right.transposed : nil
  }

  /// `W` that minimises `||A W - B||^2 + ridge ||W||^2` from the sums `A^T A` and `A^T B`.
  ///
  /// - Parameter ridge: relative to the mean of the diagonal of `A^T A`; raised tenfold until the system can be solved.
  /// - Returns: nil when even a ridge as large as the diagonal does not help (not a number).
  public func leastSquares(gram: Matrix, cross: Matrix, ridge: Double = 1e-4) -> Matrix? {
    let n = gram.rows
    let mean = (0..<n).reduce(0) { $0 + gram[$1, $1] } / Double(max(n, 1))
    guard mean.isFinite else { return nil }
    var weight = ridge
    while weight <= 1 {
      var damped = gram
      for index in 0..<n { damped[index, index] += max(weight * mean, .leastNormalMagnitude) }
      if let solution = solve(damped, cross), solution.values.allSatisfy(\.isFinite) { return solution }
      weight *= 10
    }
    return nil
  }

  /// Thin singular value decomposition `A = U diag(s) V^T`, singular values descending; nil when it does not converge.
  ///
  /// - Returns: `u` [rows, k], `s` [k], `vt` [k, columns], k = min(rows, columns).
  public func singularValues(_ a: Matrix) -> (u: Matrix, s: [Double], vt: Matrix)? {
    guard !a.values.isEmpty, a.values.allSatisfy(\.isFinite) else { return nil }
    // The column-major view of row-major A is A^T = V diag(s) U^T: LAPACK's U is our V^T transposed, and the reverse.
    var m = Int32(a.columns)
    var n = Int32(a.rows)
    let k = min(a.rows, a.columns)
    var copy = a.values
    var s = [Double](repeating: 0, count: k)
    // column-major [columns, k] = row-major V^T [k, columns]
    var left = [Double](repeating: 0, count: a.columns * k)
    // column-major [k, rows] = row-major U [rows, k]
    var right = [Double](repeating: 0, count: k * a.rows)
    var rank = Int32(k)
    var job = CChar(UInt8(ascii: "S"))
    var status: Int32 = 0
    var integers = [Int32](repeating: 0, count: 8 * k)
    var work = [Double](repeating: 0, count: 1)
    var length: Int32 = -1
    for _ in 0..<2 {
      unsafe copy.withUnsafeMutableBufferPointer { a in
        unsafe s.withUnsafeMutableBufferPointer { s in
          unsafe left.withUnsafeMutableBufferPointer { u in
            unsafe right.withUnsafeMutableBufferPointer { vt in
              unsafe work.withUnsafeMutableBufferPointer { work in
                unsafe integers.withUnsafeMutableBufferPointer { integers in
                  unsafe dgesdd(
                    &job, &m, &n, a.baseAddress, &m, s.baseAddress, u.baseAddress, &m, vt.baseAddress, &rank,
                    work.baseAddress, &length, integers.baseAddress, &status)
                }
              }
            }
          }
        }
      }
      guard status == 0 else { return nil }
      if length == -1 {
        length = Int32(work[0])
        work = [Double](repeating: 0, count: Int(length))
      }
    }
    return (
      Matrix(rows: a.rows, columns: k, values: right), s, Matrix(rows: k, columns: a.columns, values: left)
    )
  }
}
