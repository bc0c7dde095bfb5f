import ScopeBytes

/// Joining tensors along an axis and cutting them again.
enum ConcatSplitOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("Concat", infer: inferConcat, fold: foldConcat),
    OperatorDefinition("Split", infer: inferSplit, fold: foldSplit),
  ]

  @Sendable static func inferConcat(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    guard !context.inputs.isEmpty else { throw context.invalid("there is nothing to join") }
    let shapes = context.inputs.indices.compactMap { context.shape($0) }
    guard let first = shapes.first else { return [ValueType(type)] }
    let axis = try context.axis(context.node.int("axis") ?? 1, rank: first.rank)
    var output = first.dimensions
    for shape in shapes.dropFirst() {
      guard shape.rank == first.rank else {
        throw context.invalid("tensors of different rank are joined", found: "\(first) and \(shape)")
      }
      for index in output.indices {
        if index == axis {
          output[index] = .sum(output[index], shape.dimensions[index])
        } else if let a = output[index].value, let b = shape.dimensions[index].value, a != b {
          throw context.invalid(
            "tensors joined along axis \(axis) differ along axis \(index)", found: "\(first) and \(shape)")
        } else {
          output[index] = .merged(output[index], shape.dimensions[index])
        }
      }
    }
    if shapes.count < context.inputs.count { output[axis] = .unknown }
    var result = ValueType(type, Shape(output))
    if first.rank == 1, context.inputs.count <= 64 {
      // Elements of shapes under construction; an input whose length is known contributes unknown elements.
      var elements: [Dimension] = []
      for index in context.inputs.indices {
        if let known = context.elements(index) {
          elements += known
        } else if let count = context.shape(index)?.elementCount, count <= 64 {
          elements += [Dimension](repeating: .unknown, count: count)
        } else {
          return [result]
        }
      }
      if elements.count <= 1024, elements.contains(where: { $0 != .unknown }) {
        result.partialElements = elements
      }
    }
    return [result]
  }

  @Sendable static func foldConcat(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let sizes = try context.outputSizes(inferConcat)[0]
    var tensors: [Tensor] = []
    for index in context.inputs.indices { tensors.append(try context.constant(index)) }
    guard let first = tensors.first, tensors.allSatisfy({ $0.dataType == first.dataType }) else {
      throw context.invalid("tensors of different types are joined")
    }
    let axis = try context.axis(context.node.int("axis") ?? 1, rank: first.dimensions.count)
    let all = try TensorLayout.joined(tensors, [tensors.reduce(0) { $0 + $1.elementCount }])
    let outer = sizes[..<axis].reduce(1, *)
    var positions: [Int] = []
    positions.reserveCapacity(all.elementCount)
    for block in 0..<outer {
      var start = 0
      for tensor in tensors {
        let run = tensor.dimensions[axis...].reduce(1, *)
        positions.append(contentsOf: (start + block * run)..<(start + (block + 1) * run))
        start += tensor.elementCount
      }
    }
    return [try TensorLayout.pick(all, positions, sizes)]
  }

  /// Sizes of the parts along the axis; nil when they are not known.
  private static func parts(_ context: OperatorContext, size: Dimension) throws(ScopeError) -> [Dimension]? {
    let count = context.node.outputs.count
    switch context.list(attribute: "split", input: 1) {
    case .unknown: return nil
    case .known(let sizes):
      if let parts = context.node.int("num_outputs"), parts != count {
        throw context.invalid("num_outputs does not fit the outputs", expected: "\(count)", found: "\(parts)")
      }
      guard sizes.count == count else {
        throw context.invalid(
          "the split does not fit the outputs", expected: "\(count) sizes", found: "\(sizes)")
      }
      guard sizes.allSatisfy({ $0 >= 0 && $0 < 1 << 48 }) else {
        throw context.invalid("a part's size is not possible", found: "\(sizes)")
      }
      if let size = size.value, sizes.reduce(0, +) != size {
        throw context.invalid("the split does not add up", expected: "\(size)", found: "\(sizes)")
      }
      return sizes.map(Dimension.known)
    case .absent:
      guard count > 0 else { return [] }
      guard let size = size.value else {
        let part = Dimension.roundedUp(size, by: count)
        let last = Dimension.difference(size, .product([part, .known(count - 1)]))
        return [Dimension](repeating: part, count: count - 1) + [last]
      }
      let part = (size + count - 1) / count
      return (0..<count).map { .known(max(0, min(part, size - $0 * part))) }
    }
  }

  @Sendable static func inferSplit(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else {
      return context.node.outputs.map { _ in ValueType(context.dataType(0)) }
    }
    let axis = try context.axis(context.node.int("axis") ?? 0, rank: input.rank)
    let sizes = try parts(context, size: input.dimensions[axis])
    let elements = input.rank == 1 ? context.input(0).partialElements : nil
    var start = 0
    return context.node.outputs.indices.map { index in
      var dimensions = input.dimensions
      dimensions[axis] = sizes?[index] ?? .unknown
      var part = ValueType(context.dataType(0), Shape(dimensions))
      if let elements, let size = dimensions[axis].value, start + size <= elements.count {
        part.partialElements = Array(elements[start..<(start + size)])
        start += size
      } else {
        start = .max / 2
      }
      return part
    }
  }

  @Sendable static func foldSplit(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let sizes = try context.outputSizes(inferSplit)
    let input = try context.constant(0)
    let axis = try context.axis(context.node.int("axis") ?? 0, rank: input.dimensions.count)
    let strides = TensorLayout.strides(input.dimensions)
    var start = 0
    var result: [Tensor] = []
    for dimensions in sizes {
      result.append(try TensorLayout.view(input, dimensions, offset: start * strides[axis], strides: strides))
      start += dimensions[axis]
    }
    return result
  }
}
