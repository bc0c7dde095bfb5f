import ScopeBytes

/// Where an ONNX tensor's bytes lie outside the model file (`external_data`).
public struct ExternalData: Sendable, Hashable {
  /// Path relative to the model's folder, as written in the file; hostile until checked.
  public var location: String
  public var offset: Int
  /// Nil: to the end of the file.
  public var length: Int?
  /// Further key/value entries (`checksum` ...), in file order.
  public var otherEntries: [String: String]

  public init(location: String, offset: Int = 0, length: Int? = nil, otherEntries: [String: String] = [:]) {
    self.location = location
    self.offset = offset
    self.length = length
    self.otherEntries = otherEntries
  }
}

/// A constant tensor. Numbers stay in the file (or array) they come from until asked for.
public struct Tensor: Sendable {
  public enum Storage: Sendable {
    /// Row-major, little-endian, packed elements.
    case packed(ByteSlice)
    /// A view: little-endian elements of a storage with strides in elements, first element at byte 0 of the slice.
    case strided(ByteSlice, strides: [Int])
    case strings([ByteSlice])
    /// Bytes in another file; see ``ExternalData``.
    case external(ExternalData)
  }

  /// Elements a tensor may have; sums over all tensors a file can hold then stay below 2^63, whatever it declares.
  static let maximumElements = 1 << 36
  /// Bytes that a view may be expanded to however small its storage is.
  private static let freelyRepeatedBytes = 1 << 20

  public let dataType: DataType
  /// Sizes, outermost first; empty for a scalar.
  public let dimensions: [Int]
  public let storage: Storage
  /// The serialised ONNX `TensorProto` this tensor was read from, its name included, so that writing an
  /// unchanged model writes the same bytes.
  public let serializedForm: ByteSlice?

  /// - Throws: `malformed` when the storage does not hold exactly the elements that the shape asks for;
  ///   `limitExceeded` when the shape's product overflows.
  public init(
    dataType: DataType, dimensions: [Int], storage: Storage, serializedForm: ByteSlice? = nil
  ) throws(ScopeError) {
    let count = try checkedProduct(dimensions, what: "tensor shape")
    guard count <= Tensor.maximumElements else {
      throw ScopeError(
        .limitExceeded, "the tensor is larger than any real one",
        expected: "at most \(Tensor.maximumElements) elements", found: "\(dimensions)")
    }
    switch storage {
    case .packed(let bytes):
      let wanted = dataType.byteCount(elements: count)
      guard bytes.count == wanted, dataType != .string else {
        throw ScopeError(
          .malformed, "the data does not fit the shape \(dimensions) of \(dataType.name)",
          place: "byte \(bytes.offset)", expected: "\(wanted) bytes", found: "\(bytes.count) bytes")
      }
    case .strided(let bytes, let strides):
      guard strides.count == dimensions.count, dataType.bitWidth >= 8 else {
        throw ScopeError(
          .malformed, "the view's strides do not fit its shape", found: "\(strides) for \(dimensions)")
      }
      var last = 0
      for (size, stride) in zip(dimensions, strides) {
        let (step, overflow) = max(size - 1, 0).multipliedReportingOverflow(by: stride)
        let (sum, overflow2) = last.addingReportingOverflow(step)
        guard stride >= 0, !overflow, !overflow2 else {
          throw ScopeError(
            .malformed, "the view's strides are not possible", found: "\(strides) for \(dimensions)")
        }
        last = sum
      }
      let available = bytes.count / (dataType.bitWidth / 8)
      guard count == 0 || last < available else {
        throw ScopeError(
          .malformed, "the view \(dimensions) with strides \(strides) reaches beyond its storage",
          place: "byte \(bytes.offset)", expected: "at least \(last &+ 1) elements", found: "\(available)")
      }
    case .strings(let strings):
      guard dataType == .string, strings.count == count else {
        throw ScopeError(
          .malformed, "the strings do not fit the shape \(dimensions)", found: "\(strings.count) strings")
      }
    case .external: break
    }
    self.dataType = dataType
    self.dimensions = dimensions
    self.storage = storage
    self.serializedForm = serializedForm
  }

  private init(_ dataType: DataType, _ dimensions: [Int], _ bytes: ByteSlice) {
    precondition(
      bytes.count == dataType.byteCount(elements: dimensions.reduce(1, *)), "element count must fit the shape"
    )
    self.dataType = dataType
    self.dimensions = dimensions
    storage = .packed(bytes)
    serializedForm = nil
  }

  /// A float32 tensor; the element count must fit the shape.
  public static func floats(_ values: [Float], _ dimensions: [Int]) -> Tensor {
    Tensor(.float32, dimensions, ByteSlice(elements: values))
  }

  /// An int64 tensor, one-dimensional unless `dimensions` says otherwise.
  public static func int64s(_ values: [Int], _ dimensions: [Int]? = nil) -> Tensor {
    Tensor(.int64, dimensions ?? [values.count], ByteSlice(elements: values.map { Int64($0) }))
  }

  public static func int32s(_ values: [Int32], _ dimensions: [Int]) -> Tensor {
    Tensor(.int32, dimensions, ByteSlice(elements: values))
  }

  public static func int8s(_ values: [Int8], _ dimensions: [Int]) -> Tensor {
    Tensor(.int8, dimensions, ByteSlice(elements: values))
  }

  public static func uint8s(_ values: [UInt8], _ dimensions: [Int]) -> Tensor {
    Tensor(.uint8, dimensions, ByteSlice(values))
  }

  public var shape: Shape { Shape(dimensions) }
  public var elementCount: Int { dimensions.reduce(1, *) }
  /// Bytes the elements take when packed; for strings, their total length.
  public var byteCount: Int {
    if case .strings(let strings) = storage { return strings.reduce(0) { $0 + $1.count } }
    return dataType.byteCount(elements: elementCount)
  }

  /// The elements packed row-major; free of copying when they already are.
  ///
  /// - Throws: `unsupported` for strings, and for external data that has not been resolved by the reader.
  public func packedBytes() throws(ScopeError) -> ByteSlice {
    switch storage {
    case .packed(let bytes): return bytes
    case .strings: throw ScopeError(.unsupported, "a string tensor has no packed bytes")
    case .external(let external):
      throw ScopeError(
        .unsupported, "the tensor's data lies in another file that was not opened", found: external.location)
    case .strided(let bytes, let strides):
      guard byteCount <= max(64 * bytes.count, Tensor.freelyRepeatedBytes) else {
        throw ScopeError(
          .limitExceeded, "the view repeats its elements far beyond its storage",
          expected: "at most 64 times \(bytes.count) bytes", found: "\(dimensions) with strides \(strides)",
          remedy: "Save the tensor with .contiguous()")
      }
      switch dataType.bitWidth / 8 {
      case 1: return gather(bytes, strides, as: UInt8.self)
      case 2: return gather(bytes, strides, as: UInt16.self)
      case 4: return gather(bytes, strides, as: UInt32.self)
      case 8: return gather(bytes, strides, as: UInt64.self)
      default: return gather(bytes, strides, as: SIMD2<UInt64>.self)
      }
    }
  }

  /// The elements of a view in row-major order; `init` has checked that all of them are inside `bytes`.
  private func gather<Element: BitwiseCopyable>(
    _ bytes: ByteSlice, _ strides: [Int], as type: Element.Type
  ) -> ByteSlice {
    let count = elementCount
    // Axes of size 1 move nothing: without them the innermost loop is as long as it can be.
    let axes = dimensions.indices.filter { dimensions[$0] != 1 }
    guard count > 0, let last = axes.last else {
      return bytes.prefix(count * MemoryLayout<Element>.size)
    }
    // The axis along which the storage is contiguous is walked in short runs inside the loop over the last axis,
    // so that a cache line of a transposed weight is fetched once.
    let fast = axes.dropLast().first { strides[$0] == 1 }
    let outer = axes.dropLast().filter { $0 != fast }
    let (length, step) = (dimensions[last], strides[last])
    let fastLength = fast.map { dimensions[$0] } ?? 1
    var rowSizes = [Int](repeating: 1, count: dimensions.count)
    for axis in dimensions.indices.dropLast().reversed() {
      rowSizes[axis] = rowSizes[axis + 1] * dimensions[axis + 1]
    }
    let fastRow = fast.map { rowSizes[$0] } ?? 0
    let run = 16
    let packed = [Element](unsafeUninitializedCapacity: count) { target, initialized in
      bytes.withUnsafeBytes { source in
        var index = [Int](repeating: 0, count: dimensions.count)
        var (start, row) = (0, 0)
        while initialized < count {
          for begin in Swift.stride(from: 0, to: fastLength, by: run) {
            let end = min(begin + run, fastLength)
            for offset in 0..<length {
              for position in begin..<end {
                target.initializeElement(
                  at: row + position * fastRow + offset,
                  to: source.loadUnaligned(
                    fromByteOffset: (start + position + offset * step) * MemoryLayout<Element>.size,
                    as: Element.self))
              }
            }
          }
          initialized += length * fastLength
          for axis in outer.reversed() {
            index[axis] += 1
            start += strides[axis]
            row += rowSizes[axis]
            if index[axis] < dimensions[axis] { break }
            start -= strides[axis] * dimensions[axis]
            row -= rowSizes[axis] * dimensions[axis]
            index[axis] = 0
          }
        }
      }
    }
    return ByteSlice(elements: packed)
  }

  /// All elements as `Float`, converted from any real numeric type.
  ///
  /// - Throws: `unsupported` for strings, complex numbers and unresolved external data.
  public func floats() throws(ScopeError) -> [Float] {
    let bytes = try packedBytes()
    switch dataType {
    case .float32: return bytes.elements(as: Float.self)
    case .float64: return bytes.elements(as: Double.self).map { Float($0) }
    case .float16: return bytes.elements(as: UInt16.self).map { ScalarConversion.float(fromHalf: $0) }
    case .bfloat16: return bytes.elements(as: UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
    default: return try integers(bytes).map { Float($0) }
    }
  }

  /// All elements of an integer or bool tensor.
  ///
  /// - Throws: `unsupported` for other types.
  public func int64s() throws(ScopeError) -> [Int64] { try integers(try packedBytes()) }

  /// Same as ``int64s()`` as `Int`.
  public func ints() throws(ScopeError) -> [Int] { try int64s().map { Int($0) } }

  private func integers(_ bytes: ByteSlice) throws(ScopeError) -> [Int64] {
    switch dataType {
    case .int64: return bytes.elements(as: Int64.self)
    case .int32: return bytes.elements(as: Int32.self).map { Int64($0) }
    case .int16: return bytes.elements(as: Int16.self).map { Int64($0) }
    case .int8: return bytes.elements(as: Int8.self).map { Int64($0) }
    case .uint8, .bool: return bytes.array.map { Int64($0) }
    case .uint16: return bytes.elements(as: UInt16.self).map { Int64($0) }
    case .uint32: return bytes.elements(as: UInt32.self).map { Int64($0) }
    case .uint64: return bytes.elements(as: UInt64.self).map { Int64(clamping: $0) }
    case .int4, .uint4:
      let source = bytes.array
      return (0..<elementCount).map { index in
        let nibble = (source[index / 2] >> (index % 2 == 0 ? 0 : 4)) & 15
        return dataType == .uint4 || nibble < 8 ? Int64(nibble) : Int64(nibble) - 16
      }
    default:
      throw ScopeError(.unsupported, "elements of type \(dataType.name) cannot be read as numbers here")
    }
  }

  /// The same elements in another shape with the same number of elements.
  public func reshaped(_ dimensions: [Int]) throws(ScopeError) -> Tensor {
    try Tensor(dataType: dataType, dimensions: dimensions, storage: .packed(try packedBytes()))
  }
}

/// Conversions of small floating-point formats.
public enum ScalarConversion {
  /// IEEE 754 binary16 to binary32, exact; works on machines without half-precision instructions.
  public static func float(fromHalf bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0:
      if fraction == 0 { return Float(bitPattern: sign) }
      let magnitude = Float(fraction) * 0x1p-24
      return sign == 0 ? magnitude : -magnitude
    case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }
}
