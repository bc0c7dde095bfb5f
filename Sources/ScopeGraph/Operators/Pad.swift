import ScopeBytes

/// Padding; the amounts are an attribute up to opset 10, an input from 11 on.
enum PadOperators {
  static let definitions: [OperatorDefinition] = [OperatorDefinition("Pad", infer: infer, fold: fold)]

  /// Amounts at the begin and end of every axis; nil when not known.
  private static func amounts(_ context: OperatorContext, rank: Int) throws(ScopeError) -> [(
    Dimension, Dimension
  )]? {
    let pads: [Dimension]
    if let values = context.node.ints("pads") ?? context.node.ints("paddings") {
      pads = values.map(Dimension.known)
    } else if let elements = context.elements(1) {
      pads = elements
    } else {
      return nil
    }
    var axes = Array(0..<rank)
    if context.has(3) {
      guard let values = context.integers(3) else { return nil }
      axes = []
      for value in values { axes.append(try context.axis(value, rank: rank)) }
    }
    guard pads.count == 2 * axes.count else {
      throw context.invalid(
        "the padding does not fit the input", expected: "\(2 * axes.count) amounts", found: "\(pads.count)")
    }
    var result = [(Dimension, Dimension)](repeating: (.known(0), .known(0)), count: rank)
    for (index, axis) in axes.enumerated() { result[axis] = (pads[index], pads[index + axes.count]) }
    return result
  }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [ValueType(context.dataType(0))] }
    guard let amounts = try amounts(context, rank: input.rank) else {
      return [ValueType(context.dataType(0), Shape(input.dimensions.map { _ in .unknown }))]
    }
    var output: [Dimension] = []
    for (dimension, (begin, end)) in zip(input.dimensions, amounts) {
      let size = Dimension.sum(.sum(dimension, begin), end)
      if let value = size.value, value < 0 {
        throw context.invalid("the padding removes more than there is", found: "\(value)")
      }
      output.append(size)
    }
    return [ValueType(context.dataType(0), Shape(output))]
  }

  @Sendable static func fold(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let sizes = try context.outputSizes(infer)[0]
    let input = try context.constant(0)
    guard (context.node.string("mode") ?? "constant") == "constant",
      let amounts = try amounts(context, rank: input.dimensions.count)
    else {
      throw ScopeError(
        .unsupported, "this padding is not evaluated at compile time",
        place: OperatorContext.place(context.node))
    }
    var filler = context.has(2) ? try context.constant(2) : nil
    if let value = context.node.float("value"), value != 0, input.dataType == .float32 {
      filler = .floats([value], [])
    }
    let strides = TensorLayout.strides(input.dimensions)
    // Outer product of the axes: the flat position of each element, or -1 in the padding.
    var positions = [0]
    for axis in sizes.indices {
      let begin = amounts[axis].0.value ?? 0
      var next: [Int] = []
      next.reserveCapacity(positions.count * sizes[axis])
      for position in positions {
        for index in 0..<sizes[axis] {
          let source = index - begin
          let isInside = position >= 0 && source >= 0 && source < input.dimensions[axis]
          next.append(isInside ? position + source * strides[axis] : -1)
        }
      }
      positions = next
    }
    return [try TensorLayout.pick(input, positions, sizes, filler: filler)]
  }
}
