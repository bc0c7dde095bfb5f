import ScopeBytes

/// Writing by index: the output has the shape of the data. Cost with a reduction: one operation per update.
enum ScatterOperators {
  static let definitions: [OperatorDefinition] =
    ["ScatterElements", "Scatter", "TensorScatter"].map {
      OperatorDefinition($0, infer: OperatorDefinition.sameAlongAxis, cost: cost)
    }
    + [OperatorDefinition("ScatterND", infer: OperatorDefinition.sameAlongAxis, cost: cost, fold: foldND)]

  @Sendable static func cost(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard (context.node.string("reduction") ?? "none") != "none" else { return SymbolicCost.none }
    return context.shape(2)?.symbolicCount.map { SymbolicCost(.elementwise, $0) }
  }

  /// ScatterND without a reduction: the slices of the data that the indices name are replaced by the updates, later
  /// ones win.
  @Sendable static func foldND(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    guard (context.node.string("reduction") ?? "none") == "none" else {
      throw ScopeError(.unsupported, "a scatter that reduces is not computed at compile time")
    }
    let data = try context.constant(0)
    let indices = try context.constant(1)
    let updates = try context.constant(2)
    let (starts, slice) = try SliceIndices.resolve(indices, into: data.dimensions[...], context)
    guard updates.dimensions == indices.dimensions.dropLast() + slice, updates.dataType == data.dataType
    else {
      throw context.invalid(
        "the updates do not fit the indices", found: "\(updates.dimensions) for \(indices.dimensions)")
    }
    let width = slice.reduce(1, *)
    let count = data.elementCount
    // Positions in the data followed by the updates.
    var positions = Array(0..<count)
    for (number, start) in starts.enumerated() {
      for offset in 0..<width { positions[start + offset] = count + number * width + offset }
    }
    let both = try TensorLayout.joined([data, updates], [count + updates.elementCount])
    return [try TensorLayout.pick(both, positions, data.dimensions)]
  }
}

/// Index tuples of GatherND and ScatterND.
enum SliceIndices {
  /// - Parameter dimensions: of the data that the tuples point into.
  /// - Returns: The flat position of the first element that each tuple names, and the shape of what it names.
  /// - Throws: `invalidGraph` for an index outside the data.
  static func resolve(
    _ indices: Tensor, into dimensions: ArraySlice<Int>, _ context: OperatorContext
  ) throws(ScopeError) -> (starts: [Int], slice: ArraySlice<Int>) {
    let sizes = Array(dimensions)
    guard let depth = indices.dimensions.last, depth <= sizes.count, depth > 0 else {
      throw context.invalid("the indices do not fit the data", found: "\(indices.dimensions) into \(sizes)")
    }
    let strides = TensorLayout.strides(sizes)
    let values = try indices.ints()
    var starts: [Int] = []
    starts.reserveCapacity(values.count / depth)
    for tuple in stride(from: 0, to: values.count, by: depth) {
      var start = 0
      for axis in 0..<depth {
        let size = sizes[axis]
        let index = values[tuple + axis]
        guard index >= -size, index < size else {
          throw context.invalid(
            "an index lies outside the tensor", expected: "below \(size)", found: "\(index)")
        }
        start += (index < 0 ? index + size : index) * strides[axis]
      }
      starts.append(start)
    }
    return (starts, sizes[depth...])
  }
}
