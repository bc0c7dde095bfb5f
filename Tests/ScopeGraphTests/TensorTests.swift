import ScopeBytes
import ScopeGraph
import Testing

@Suite struct TensorTests {
  @Test func dataMustFitTheShape() throws {
    #expect(throws: ScopeError.self) {
      try Tensor(dataType: .float32, dimensions: [2, 2], storage: .packed(ByteSlice([0, 0, 0])))
    }
    let tensor = try Tensor(
      dataType: .float32, dimensions: [2], storage: .packed(ByteSlice(elements: [1, 2] as [Float])))
    #expect(try tensor.floats() == [1, 2])
  }

  @Test func viewsFollowTheirStrides() throws {
    let storage = ByteSlice(elements: (0..<6).map { Int32($0) })
    let transposed = try Tensor(
      dataType: .int32, dimensions: [3, 2], storage: .strided(storage, strides: [1, 3]))
    #expect(try transposed.ints() == [0, 3, 1, 4, 2, 5])
    #expect(throws: ScopeError.self) {
      try Tensor(dataType: .int32, dimensions: [3, 3], storage: .strided(storage, strides: [1, 3]))
    }
    #expect(throws: ScopeError.self) {
      try Tensor(dataType: .int32, dimensions: [3], storage: .strided(storage, strides: [-1]))
    }
  }

  @Test(arguments: [[1 << 62], [1 << 40, 1 << 40], [1 << 37]])
  func absurdShapesAreRefused(dimensions: [Int]) {
    let view = Tensor.Storage.strided(ByteSlice([0, 0, 0, 0]), strides: dimensions.map { _ in 0 })
    let error = #expect(throws: ScopeError.self) {
      try Tensor(dataType: .float32, dimensions: dimensions, storage: view)
    }
    #expect(error?.code == .limitExceeded)
  }

  /// A few bytes must not become gigabytes.
  @Test func viewsThatRepeatTheirStorageAreNotExpanded() throws {
    let view = try Tensor(
      dataType: .float32, dimensions: [1 << 34], storage: .strided(ByteSlice([0, 0, 0, 0]), strides: [0]))
    let error = #expect(throws: ScopeError.self) { try view.packedBytes() }
    #expect(error?.code == .limitExceeded)
    let broadcast = try Tensor(
      dataType: .float32, dimensions: [1000],
      storage: .strided(ByteSlice(elements: [2] as [Float]), strides: [0]))
    #expect(try broadcast.floats().allSatisfy { $0 == 2 })
  }

  /// Values of numpy.float16.
  @Test(arguments: [
    (0x3C00, 1.0), (0xC500, -5.0), (0x0001, 5.960464477539063e-08), (0x7BFF, 65504.0), (0x8000, -0.0),
  ])
  func halfPrecisionIsExact(bits: Int, value: Double) {
    #expect(ScalarConversion.float(fromHalf: UInt16(bits)) == Float(value))
  }
}
