import ScopeBytes

/// Numbers of a constant tensor for evaluation: floating-point types as `Double`, integers and bool as `Int64`.
///
/// Sums, products, quotients and square roots computed in `Double` and rounded once to `Float` equal those computed in
/// `Float` (53 >= 2 * 24 + 2), so folding is exact for them.
package struct NumericArray {
  package enum Values {
    case floats([Double])
    case integers([Int64])
  }

  package var dataType: DataType
  package var dimensions: [Int]
  package var values: Values

  package init(_ dataType: DataType, _ dimensions: [Int], _ values: Values) {
    self.dataType = dataType
    self.dimensions = dimensions
    self.values = values
  }

  /// - Throws: `unsupported` for strings, complex numbers, uint64 beyond int64, float8 and external data.
  package init(_ tensor: Tensor) throws(ScopeError) {
    dataType = tensor.dataType
    dimensions = tensor.dimensions
    switch tensor.dataType {
    case .float64: values = .floats(try tensor.packedBytes().elements(as: Double.self))
    case .float32, .float16, .bfloat16: values = .floats(try tensor.floats().map(Double.init))
    default: values = .integers(try tensor.int64s())
    }
  }

  package var count: Int {
    switch values {
    case .floats(let floats): floats.count
    case .integers(let integers): integers.count
    }
  }

  package var asFloats: [Double] {
    switch values {
    case .floats(let floats): floats
    case .integers(let integers): integers.map(Double.init)
    }
  }

  /// As a tensor of `dataType`; integers wrap around as on the machine.
  ///
  /// - Throws: `unsupported` for types that are not produced here.
  package func tensor() throws(ScopeError) -> Tensor {
    let bytes: ByteSlice
    switch (dataType, values) {
    case (.float32, .floats(let floats)): bytes = ByteSlice(elements: floats.map { Float($0) })
    case (.float64, .floats(let floats)): bytes = ByteSlice(elements: floats)
    case (.int64, .integers(let integers)): bytes = ByteSlice(elements: integers)
    case (.int32, .integers(let integers)):
      bytes = ByteSlice(elements: integers.map { Int32(truncatingIfNeeded: $0) })
    case (.int16, .integers(let integers)):
      bytes = ByteSlice(elements: integers.map { Int16(truncatingIfNeeded: $0) })
    case (.int8, .integers(let integers)):
      bytes = ByteSlice(elements: integers.map { Int8(truncatingIfNeeded: $0) })
    case (.uint8, .integers(let integers)): bytes = ByteSlice(integers.map { UInt8(truncatingIfNeeded: $0) })
    case (.uint16, .integers(let integers)):
      bytes = ByteSlice(elements: integers.map { UInt16(truncatingIfNeeded: $0) })
    case (.uint32, .integers(let integers)):
      bytes = ByteSlice(elements: integers.map { UInt32(truncatingIfNeeded: $0) })
    case (.bool, .integers(let integers)): bytes = ByteSlice(integers.map { $0 == 0 ? 0 : 1 })
    default:
      throw ScopeError(.unsupported, "constants of type \(dataType.name) are not computed at compile time")
    }
    return try Tensor(dataType: dataType, dimensions: dimensions, storage: .packed(bytes))
  }

  /// Elements read as the larger shape `target`.
  func broadcast(to target: [Int]) -> NumericArray {
    if dimensions == target { return self }
    let positions = TensorLayout.positions(target, strides: Broadcasting.strides(dimensions, to: target))
    switch values {
    case .floats(let floats): return NumericArray(dataType, target, .floats(positions.map { floats[$0] }))
    case .integers(let integers):
      return NumericArray(dataType, target, .integers(positions.map { integers[$0] }))
    }
  }
}

extension OperatorContext {
  /// The constant of input `index`.
  ///
  /// - Throws: `invalidArgument` when it is not constant.
  func constant(_ index: Int) throws(ScopeError) -> Tensor {
    guard let tensor = input(index).constant else {
      throw ScopeError(.invalidArgument, "input \(index) is not constant", place: Self.place(node))
    }
    return tensor
  }

  func array(_ index: Int) throws(ScopeError) -> NumericArray { try NumericArray(try constant(index)) }

  /// Sizes of the outputs by shape inference; every size is known when the inputs are constant.
  ///
  /// - Throws: `unsupported` when one is not.
  func outputSizes(_ infer: OperatorDefinition.Inference) throws(ScopeError) -> [[Int]] {
    var result: [[Int]] = []
    for output in try infer(self) {
      guard let sizes = output.shape?.sizes else {
        throw ScopeError(.unsupported, "the output's size is not known", place: Self.place(node))
      }
      result.append(sizes)
    }
    return result
  }
}
