import ScopeBytes
import ScopeGraph

/// A dense array in the host's memory, row-major.
public struct HostArray: Sendable {
  public enum Values: Sendable {
    case float32([Float])
    case float64([Double])
    case int64([Int64])
    case int32([Int32])
    case uint8([UInt8])
    case int8([Int8])
    case bool([Bool])
    /// Any other fixed-width type as packed little-endian bytes.
    case other(DataType, [UInt8])
  }

  public var dimensions: [Int]
  public var values: Values

  public init(_ values: Values, _ dimensions: [Int]) {
    self.values = values
    self.dimensions = dimensions
  }

  public init(_ floats: [Float], _ dimensions: [Int]) { self.init(.float32(floats), dimensions) }
  public init(_ integers: [Int64], _ dimensions: [Int]) { self.init(.int64(integers), dimensions) }

  /// - Throws: `unsupported` for strings.
  public init(_ tensor: Tensor) throws(ScopeError) {
    let bytes = try tensor.packedBytes()
    self.init(packed: bytes, dataType: tensor.dataType, dimensions: tensor.dimensions)
  }

  init(packed bytes: ByteSlice, dataType: DataType, dimensions: [Int]) {
    let values: Values =
      switch dataType {
      case .float32: .float32(bytes.elements(as: Float.self))
      case .float64: .float64(bytes.elements(as: Double.self))
      case .int64: .int64(bytes.elements(as: Int64.self))
      case .int32: .int32(bytes.elements(as: Int32.self))
      case .uint8: .uint8(bytes.array)
      case .int8: .int8(bytes.elements(as: Int8.self))
      case .bool: .bool(bytes.array.map { $0 != 0 })
      default: .other(dataType, bytes.array)
      }
    self.init(values, dimensions)
  }

  public var elementCount: Int { dimensions.reduce(1, *) }

  /// The values of a float32 array; empty for other types.
  public var floats: [Float] { if case .float32(let values) = values { values } else { [] } }

  public var dataType: DataType {
    switch values {
    case .float32: .float32
    case .float64: .float64
    case .int64: .int64
    case .int32: .int32
    case .uint8: .uint8
    case .int8: .int8
    case .bool: .bool
    case .other(let type, _): type
    }
  }

  /// A copy of the elements, row-major, little-endian.
  public var packedBytes: ByteSlice {
    var copy: [UInt8] = []
    // Copying does not fail.
    unsafe try? withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws(ScopeError) in
      unsafe copy = [UInt8](bytes)
    }
    return ByteSlice(copy)
  }

  /// Lends the elements' memory. The pointer must not leave the closure.
  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws(ScopeError) -> R) throws(ScopeError) -> R {
    func lend<Element>(_ array: [Element]) throws(ScopeError) -> R {
      unsafe try array.withUnsafeBufferPointer {
        (elements: UnsafeBufferPointer<Element>) throws(ScopeError) in
        unsafe try body(UnsafeRawBufferPointer(elements))
      }
    }
    switch values {
    case .float32(let array): return try lend(array)
    case .float64(let array): return try lend(array)
    case .int64(let array): return try lend(array)
    case .int32(let array): return try lend(array)
    case .uint8(let array): return try lend(array)
    case .int8(let array): return try lend(array)
    case .bool(let array): return try lend(array)
    case .other(_, let array): return try lend(array)
    }
  }
}
