import ScopeBytes

/// Operators on images and matrices beyond convolution and pooling: Col2Im, MaxUnpool, ImageDecoder, Det.
enum ImageOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition(
      "Col2Im", infer: inferColumns, cost: OperatorDefinition.perInputElement(1, .elementwise)),
    OperatorDefinition("MaxUnpool", infer: inferUnpool),
    OperatorDefinition("ImageDecoder", infer: inferDecoder),
    OperatorDefinition("Det", infer: inferDeterminant, cost: costDeterminant),
  ]

  /// [N, C x block, blocks] to [N, C, image sizes...].
  @Sendable static func inferColumns(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    guard let input = context.shape(0), let image = context.elements(1), input.rank == 3, image.count <= 64
    else {
      return [ValueType(type)]
    }
    let block = context.elements(2).map { Dimension.product($0) } ?? .unknown
    if let size = block.value, size <= 0 {
      throw context.invalid("the block's sizes must be positive", found: "\(size)")
    }
    if let size = block.value, let columns = input.dimensions[1].value, columns % size != 0 {
      throw context.invalid(
        "the columns are not a multiple of the block", expected: "a multiple of \(size)", found: "\(columns)")
    }
    let channels = Dimension.quotient(input.dimensions[1], block)
    return [ValueType(type, Shape([input.dimensions[0], channels] + image))]
  }

  @Sendable static func inferUnpool(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    if context.has(2) {
      if let sizes = context.elements(2) { return [ValueType(type, Shape(sizes))] }
      return [ValueType(type, context.shape(0).map { Shape($0.dimensions.map { _ in .unknown }) })]
    }
    guard let kernel = context.node.ints("kernel_shape") else {
      throw context.invalid("MaxUnpool needs kernel_shape")
    }
    guard let input = context.shape(0), input.rank == kernel.count + 2 else { return [ValueType(type)] }
    let window = try SlidingWindow(context, kernel: kernel)
    var output = input.dimensions
    for axis in kernel.indices {
      let added = kernel[axis] - window.strides[axis] - window.pads[axis] - window.pads[axis + kernel.count]
      output[axis + 2] = .sum(.product([output[axis + 2], .known(window.strides[axis])]), .known(added))
    }
    return [ValueType(type, Shape(output))]
  }

  @Sendable static func inferDecoder(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let channels = context.node.string("pixel_format") == "Grayscale" ? 1 : 3
    return [ValueType(.uint8, Shape([.unknown, .unknown, .known(channels)]))]
  }

  @Sendable static func inferDeterminant(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [ValueType(context.dataType(0))] }
    guard input.rank >= 2 else { throw context.invalid("a determinant needs a matrix", found: "\(input)") }
    return [ValueType(context.dataType(0), Shape(Array(input.dimensions.dropLast(2))))]
  }

  /// Elimination: n^3 per matrix, rounded up from 2/3 n^3.
  @Sendable static func costDeterminant(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let input = context.shape(0), let size = input.dimensions.last else { return nil }
    return counted(input.symbolicCount, size.count).map { SymbolicCost(.other, $0) }
  }
}
