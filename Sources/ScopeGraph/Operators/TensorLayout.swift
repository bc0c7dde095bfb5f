import ScopeBytes

/// Moving elements of constant tensors, whatever their type.
package enum TensorLayout {
  /// Row-major strides in elements.
  package static func strides(_ dimensions: [Int]) -> [Int] {
    var result = [Int](repeating: 1, count: dimensions.count)
    for axis in dimensions.indices.reversed().dropFirst() {
      result[axis] = result[axis + 1] * max(dimensions[axis + 1], 1)
    }
    return result
  }

  /// Flat positions, row-major over `dimensions`, of a view that starts at `offset` and steps by `strides`.
  package static func positions(_ dimensions: [Int], offset: Int = 0, strides: [Int]) -> [Int] {
    let count = dimensions.reduce(1, *)
    guard count > 0 else { return [] }
    var result: [Int] = []
    result.reserveCapacity(count)
    var index = [Int](repeating: 0, count: dimensions.count)
    var position = offset
    while true {
      result.append(position)
      var axis = dimensions.count - 1
      while axis >= 0 {
        index[axis] += 1
        position += strides[axis]
        if index[axis] < dimensions[axis] { break }
        position -= strides[axis] * dimensions[axis]
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return result }
    }
  }

  /// The elements of `tensor` at flat `positions`, in a new shape. A negative position gives `filler`'s element, or
  /// zero bytes without one.
  ///
  /// - Throws: `invalidGraph` for a position outside the tensor; `unsupported` for packed sub-byte types and strings.
  package static func pick(
    _ tensor: Tensor, _ positions: [Int], _ dimensions: [Int], filler: Tensor? = nil
  ) throws(ScopeError) -> Tensor {
    let count = tensor.elementCount
    guard positions.allSatisfy({ $0 < count }) else {
      throw ScopeError(.invalidGraph, "an index lies outside the tensor", expected: "below \(count)")
    }
    let bytes = try tensor.packedBytes()
    let fillerBytes = try filler?.packedBytes()
    let result: ByteSlice
    switch tensor.dataType.bitWidth {
    case 8: result = gather(bytes, positions, fillerBytes, UInt8.self)
    case 16: result = gather(bytes, positions, fillerBytes, UInt16.self)
    case 32: result = gather(bytes, positions, fillerBytes, UInt32.self)
    case 64: result = gather(bytes, positions, fillerBytes, UInt64.self)
    default:
      throw ScopeError(.unsupported, "elements of type \(tensor.dataType.name) are not moved at compile time")
    }
    return try Tensor(dataType: tensor.dataType, dimensions: dimensions, storage: .packed(result))
  }

  /// A strided view as a packed tensor.
  package static func view(
    _ tensor: Tensor, _ dimensions: [Int], offset: Int = 0, strides: [Int]
  ) throws(ScopeError) -> Tensor {
    try pick(tensor, positions(dimensions, offset: offset, strides: strides), dimensions)
  }

  /// The elements of several tensors of one type one after the other.
  static func joined(_ tensors: [Tensor], _ dimensions: [Int]) throws(ScopeError) -> Tensor {
    guard let first = tensors.first, first.dataType.bitWidth >= 8 else {
      throw ScopeError(.unsupported, "tensors of this type are not joined at compile time")
    }
    var bytes: [UInt8] = []
    for tensor in tensors { bytes += try tensor.packedBytes().array }
    return try Tensor(dataType: first.dataType, dimensions: dimensions, storage: .packed(ByteSlice(bytes)))
  }

  private static func gather<Element: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: ByteSlice, _ positions: [Int], _ filler: ByteSlice?, _ type: Element.Type
  ) -> ByteSlice {
    let source = bytes.elements(as: Element.self)
    let fill = filler?.elements(as: Element.self).first ?? 0
    return ByteSlice(elements: positions.map { $0 < 0 ? fill : source[$0] })
  }
}
