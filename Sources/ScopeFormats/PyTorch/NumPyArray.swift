import ScopeBytes
import ScopeGraph

/// NumPy arrays inside pickles: `numpy.core.multiarray._reconstruct(...)` with the data in its state.
enum NumPyArray {
  static func isArray(_ id: PickleID, in run: PickleRun) -> Bool {
    guard let call = run.call(id), let callee = run.calleeName(call) else { return false }
    return callee == "numpy.core.multiarray._reconstruct" || callee == "numpy._core.multiarray._reconstruct"
  }

  /// The array's state is `(version, shape, dtype, isFortran, data)`.
  static func build(_ id: PickleID, in run: PickleRun) throws(ScopeError) -> PyTorchTensorBuilder.Outcome {
    guard let state = run.call(id)?.states.last, let parts = run.elements(state), parts.count == 5,
      let shape = run.elements(parts[1]), shape.count <= 64, let fortran = run.integer(parts[3])
    else { throw ScopeError(.malformed, "a NumPy array's state is not as NumPy writes it") }
    var dimensions: [Int] = []
    for item in shape {
      guard let size = run.integer(item), size >= 0 else {
        throw ScopeError(.malformed, "a NumPy array's shape is not a list of sizes")
      }
      dimensions.append(size)
    }
    guard let type = elementType(parts[2], in: run) else { return .unreadable("NumPy element type") }
    guard case .bytes(let bytes) = run.value(parts[4]) else { return .unreadable("NumPy array of objects") }
    let count = try checkedProduct(dimensions, what: "array shape")
    guard count <= bytes.count, type.bitWidth / 8 * count == bytes.count else {
      throw ScopeError(
        .malformed, "a NumPy array's data does not fit its shape \(dimensions)",
        place: "byte \(bytes.offset)",
        expected: "\(count) elements of \(type.name)", found: "\(bytes.count) bytes")
    }
    var strides = [Int](repeating: 1, count: dimensions.count)
    if fortran != 0 {
      for axis in dimensions.indices.dropFirst() { strides[axis] = strides[axis - 1] * dimensions[axis - 1] }
    }
    let storage: Tensor.Storage =
      fortran != 0 && count > 0 ? .strided(bytes, strides: strides) : .packed(bytes)
    let tensor = try Tensor(dataType: type, dimensions: dimensions, storage: storage)
    return .tensor(
      tensor,
      TensorView(
        storage: "array \(parts[4].index)", offset: 0, dimensions: dimensions, strides: strides,
        dataType: type))
  }

  /// `numpy.dtype('f4', ...)` whose state begins `(3, '<', ...)`; big-endian and structured types give nil.
  private static func elementType(_ id: PickleID, in run: PickleRun) -> DataType? {
    guard let call = run.call(id), run.calleeName(call) == "numpy.dtype",
      let name = run.elements(call.arguments)?.first.flatMap({ run.text($0) })
    else { return nil }
    if let state = call.states.last.flatMap({ run.elements($0) }), state.count > 1, run.text(state[1]) == ">"
    {
      return nil
    }
    switch name {
    case "f8": return .float64
    case "f4": return .float32
    case "f2": return .float16
    case "i8": return .int64
    case "i4": return .int32
    case "i2": return .int16
    case "i1": return .int8
    case "u8": return .uint64
    case "u4": return .uint32
    case "u2": return .uint16
    case "u1": return .uint8
    case "b1": return .bool
    default: return nil
    }
  }
}
