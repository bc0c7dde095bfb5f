import ScopeBytes
import ScopeGraph

/// Sizes of values, and values under other shapes.
extension AtenBuilder {
  /// The size of one axis: a number when it is known, otherwise what computes it.
  ///
  /// - Parameter axis: counted from the front.
  mutating func size(_ value: AtenTensor, _ axis: Int) throws(ScopeError) -> AtenValue {
    if let shape = value.shape, shape.dimensions.indices.contains(axis),
      let size = shape.dimensions[axis].value
    {
      return .int(size)
    }
    let key = "\(value.name):\(axis)"
    if let known = openSizes[key] { return .symbolicInt(known) }
    let list = try emit("Shape", [value], ["start": .int(axis), "end": .int(axis + 1)])
    let size = try emit("Squeeze", [list, literal([0])])
    openSizes[key] = size
    return .symbolicInt(size)
  }

  /// All sizes of a value.
  ///
  /// - Throws: `unsupported` when the rank is not known.
  mutating func sizes(_ value: AtenTensor) throws(ScopeError) -> [AtenValue] {
    guard let shape = value.shape else {
      throw ScopeError(
        .unsupported, "the rank of a tensor is not known where the conversion depends on it",
        found: value.name)
    }
    var result: [AtenValue] = []
    for axis in 0..<shape.rank { result.append(try size(value, axis)) }
    return result
  }

  /// The number that an integer value holds, when it is known.
  func number(_ value: AtenValue) -> Int? {
    if let number = AtenArguments.int(value) { return number }
    if case .symbolicInt(let tensor) = value { return integers(tensor)?.first }
    return nil
  }

  /// What is known of an integer value as a size.
  func dimension(_ value: AtenValue) -> Dimension {
    if let number = number(value) { return .known(number) }
    if case .symbolicInt(let tensor) = value, let first = elements(tensor)?.first { return first }
    if case .tensor(let tensor) = value, let list = elements(tensor), list.count == 1 { return list[0] }
    return .unknown
  }

  /// Numbers, known or not, as a one-dimensional int64 value.
  ///
  /// - Throws: `malformed` for an entry that is no integer.
  mutating func vector(_ numbers: [AtenValue]) throws(ScopeError) -> AtenTensor {
    var known: [Int] = []
    for value in numbers { if let number = number(value) { known.append(number) } }
    if known.count == numbers.count { return literal(known) }
    var pieces: [AtenTensor] = []
    for value in numbers {
      if let number = number(value) {
        pieces.append(literal([number]))
      } else {
        let scalar = try operand(value, .int64)
        guard let shape = scalar.shape, shape.rank <= 1 else {
          throw ScopeError(.malformed, "a size is no integer", found: "\(scalar.name)")
        }
        pieces.append(shape.rank == 1 ? scalar : try emit("Unsqueeze", [scalar, literal([0])]))
      }
    }
    return pieces.count == 1 ? pieces[0] : try emit("Concat", pieces, ["axis": .int(0)])
  }

  /// The value under another shape.
  ///
  /// - Parameter sizes: as PyTorch's `view` takes them: one may be -1.
  /// - Throws: `invalidGraph` when the elements do not fit.
  mutating func reshape(_ value: AtenTensor, sizes: [AtenValue]) throws(ScopeError) -> AtenTensor {
    guard sizes.count <= 64 else { throw ScopeError(.malformed, "the rank is not possible") }
    var wanted: [Int?] = []
    for size in sizes { wanted.append(number(size)) }
    if let shape = value.shape?.sizes, shape == wanted { return value }
    if let shape = value.shape, shape.rank == sizes.count, !shape.dimensions.contains(.unknown),
      shape.dimensions == sizes.map({ dimension($0) })
    {
      return value
    }
    let open = wanted.indices.filter { wanted[$0] == nil }
    // One open size follows from the number of elements.
    if open.count == 1, !wanted.contains(-1), !wanted.contains(0) {
      wanted[open[0]] = -1
      return try emit("Reshape", [value, literal(wanted.map { $0 ?? -1 })])
    }
    if let shape = value.shape, !open.isEmpty, !wanted.contains(0) {
      // Sizes that stay where they are are copied.
      let copied = open.filter { axis in
        axis < shape.rank && shape.dimensions[axis] != .unknown
          && shape.dimensions[axis] == dimension(sizes[axis])
      }
      if open.count - copied.count <= (wanted.contains(-1) ? 0 : 1) {
        let list = wanted.indices.map { axis in wanted[axis] ?? (copied.contains(axis) ? 0 : -1) }
        return try emit("Reshape", [value, literal(list)])
      }
    }
    // A size of zero is meant as such.
    return try emit(
      "Reshape", [value, try vector(sizes)], wanted.contains(0) ? ["allowzero": .int(1)] : [:])
  }

  /// The value under another shape of which every open size but one is known to be where it was.
  mutating func reshape(_ value: AtenTensor, to dimensions: [Dimension]) throws(ScopeError) -> AtenTensor {
    if let shape = value.shape, shape.dimensions == dimensions, !dimensions.contains(.unknown) {
      return value
    }
    let open = dimensions.indices.filter { dimensions[$0].value == nil }
    var list = dimensions.map { $0.value ?? -1 }
    if open.count > 1 {
      var inferred = 0
      for axis in open {
        if let shape = value.shape, axis < shape.rank, shape.dimensions[axis] != .unknown,
          shape.dimensions[axis] == dimensions[axis]
        {
          list[axis] = 0
        } else {
          inferred += 1
        }
      }
      guard inferred <= 1 else {
        throw ScopeError(
          .unsupported, "a shape is known only at run time where the conversion depends on it",
          found: "\(Shape(dimensions))")
      }
    }
    return try emit("Reshape", [value, literal(list)])
  }

  /// The value repeated to a larger shape.
  ///
  /// - Parameter sizes: as PyTorch's `expand` takes them: -1 keeps a size, new axes come first.
  mutating func expand(_ value: AtenTensor, sizes: [AtenValue]) throws(ScopeError) -> AtenTensor {
    guard sizes.count <= 64 else { throw ScopeError(.malformed, "the rank is not possible") }
    let kept = sizes.map { number($0) == -1 ? AtenValue.int(1) : $0 }
    if let shape = value.shape, shape.rank == sizes.count,
      zip(shape.dimensions, sizes).allSatisfy({ own, size in
        number(size) == -1 || (own != .unknown && own == dimension(size))
      })
    {
      return value
    }
    return try emit("Expand", [value, try vector(kept)])
  }

  /// The value repeated to a larger shape whose open sizes it has itself.
  mutating func expand(_ value: AtenTensor, to dimensions: [Dimension]) throws(ScopeError) -> AtenTensor {
    if let shape = value.shape, shape.dimensions == dimensions { return value }
    return try emit("Expand", [value, literal(dimensions.map { $0.value ?? 1 })])
  }

  /// Permuted axes; nothing when the order stays.
  mutating func transpose(_ value: AtenTensor, _ order: [Int]) throws(ScopeError) -> AtenTensor {
    order == Array(order.indices) ? value : try emit("Transpose", [value], ["perm": .ints(order)])
  }

  /// A constant matrix transposed without copying its numbers; other values by a node.
  mutating func transposedMatrix(_ value: AtenTensor) throws(ScopeError) -> AtenTensor {
    if let known = transposedParameters[value.name] { return known }
    guard let tensor = value.constant, tensor.dimensions.count == 2,
      let view = try Self.transposedView(tensor)
    else { return try emit("Transpose", [value], ["perm": .ints([1, 0])]) }
    let result = constant(view, named: "\(value.name).T")
    transposedParameters[value.name] = result
    return result
  }

  private static func transposedView(_ tensor: Tensor) throws(ScopeError) -> Tensor? {
    let strides: [Int]
    let bytes: ByteSlice
    switch tensor.storage {
    case .packed(let slice): (bytes, strides) = (slice, [tensor.dimensions[1], 1])
    case .strided(let slice, let own): (bytes, strides) = (slice, own)
    default: return nil
    }
    guard tensor.dataType.bitWidth >= 8, tensor.elementCount > 0 else { return nil }
    return try Tensor(
      dataType: tensor.dataType, dimensions: [tensor.dimensions[1], tensor.dimensions[0]],
      storage: .strided(bytes, strides: [strides[1], strides[0]]))
  }
}
