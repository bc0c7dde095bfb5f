import ScopeBytes

/// Fourier transforms and what belongs to them. Cost of a transform: that of the radix-2 algorithm, 5 n log2 n per
/// signal (n rounded up to a power of two), as other work.
enum SpectralOperators {
  static let definitions: [OperatorDefinition] =
    ["HannWindow", "HammingWindow", "BlackmanWindow"].map {
      OperatorDefinition($0, infer: inferWindow, cost: OperatorDefinition.perOutputElement(3, .other))
    }
    + [
      OperatorDefinition("DFT", infer: inferDFT, cost: costDFT),
      OperatorDefinition("STFT", infer: inferSTFT, cost: costSTFT),
      OperatorDefinition(
        "MelWeightMatrix", infer: inferMel, cost: OperatorDefinition.perOutputElement(3, .other)),
    ]

  private static func declaredType(_ context: OperatorContext) -> DataType {
    context.node.int("output_datatype").flatMap { Int32(exactly: $0) }.flatMap(DataType.init(rawValue:))
      ?? .float32
  }

  @Sendable static func inferWindow(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let size = context.elements(0)?.first ?? .unknown
    if let number = size.value, number < 0 {
      throw context.invalid("the window's size is negative", found: "\(number)")
    }
    return [ValueType(declaredType(context), Shape([size]))]
  }

  /// Axis of the signal; nil when it is an input that is not constant.
  private static func axis(_ context: OperatorContext, rank: Int) throws(ScopeError) -> Int? {
    if context.opset < 20 { return try context.axis(context.node.int("axis") ?? 1, rank: rank) }
    guard context.has(2) else { return try context.axis(-2, rank: rank) }
    guard let axis = context.integers(2)?.first else { return nil }
    return try context.axis(axis, rank: rank)
  }

  /// [..., signal, ..., 1 or 2] to the same with the transform's length, real and imaginary part last.
  @Sendable static func inferDFT(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    guard let input = context.shape(0), input.rank >= 2 else { return [ValueType(type)] }
    guard let axis = try axis(context, rank: input.rank) else {
      return [ValueType(type, Shape(input.dimensions.dropLast().map { _ in .unknown } + [.known(2)]))]
    }
    var output = input.dimensions
    if context.has(1) { output[axis] = context.elements(1)?.first ?? .unknown }
    let oneSided = context.node.int("onesided") == 1
    let inverse = context.node.int("inverse") == 1
    output[input.rank - 1] = .known(inverse && oneSided ? 1 : 2)
    if oneSided, !inverse { output[axis] = .sum(.quotientDown(output[axis], by: 2), .known(1)) }
    if oneSided, inverse, !context.has(1) {
      output[axis] = .product([.known(2), .difference(output[axis], .known(1))])
    }
    return [ValueType(type, Shape(output))]
  }

  private static func transform(_ length: Int) -> SymbolicCount? {
    guard length > 0, length < 1 << 40 else { return nil }
    var levels = 0
    while 1 << levels < length { levels += 1 }
    return counted(5, SymbolicCount(length), SymbolicCount(levels))
  }

  @Sendable static func costDFT(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let input = context.shape(0), input.rank >= 2, let axis = try? axis(context, rank: input.rank)
    else {
      return nil
    }
    let length = context.has(1) ? context.elements(1)?.first ?? .unknown : input.dimensions[axis]
    let others = input.dimensions.dropLast().enumerated().filter { $0.offset != axis }.map(\.element)
    return counted(length.value.flatMap(transform), Shape(others).symbolicCount).map {
      SymbolicCost(.other, $0)
    }
  }

  /// signal [batch, length, 1 or 2] to [batch, frames, bins, 2].
  @Sendable static func inferSTFT(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    guard let input = context.shape(0), input.rank >= 2 else {
      return [ValueType(type, Shape([.unknown, .unknown, .unknown, .known(2)]))]
    }
    let frame =
      context.has(3) ? context.elements(3)?.first ?? .unknown : context.shape(2)?.dimensions.first ?? .unknown
    guard let step = context.integers(1)?.first else {
      return [ValueType(type, Shape([input.dimensions[0], .unknown, bins(context, frame), .known(2)]))]
    }
    guard step > 0 else { throw context.invalid("the frame step must be positive", found: "\(step)") }
    let frames = Dimension.sum(.quotientDown(.difference(input.dimensions[1], frame), by: step), .known(1))
    return [ValueType(type, Shape([input.dimensions[0], frames, bins(context, frame), .known(2)]))]
  }

  private static func bins(_ context: OperatorContext, _ frame: Dimension) -> Dimension {
    context.node.int("onesided") == 0 ? frame : .sum(.quotientDown(frame, by: 2), .known(1))
  }

  @Sendable static func costSTFT(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let output = outputs.first?.shape, output.rank == 4 else { return nil }
    let frame =
      context.has(3) ? context.elements(3)?.first ?? .unknown : context.shape(2)?.dimensions.first ?? .unknown
    return counted(
      frame.value.flatMap(transform), Shape(Array(output.dimensions[..<2])).symbolicCount
    ).map { SymbolicCost(.other, $0) }
  }

  @Sendable static func inferMel(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let bands = context.elements(0)?.first ?? .unknown
    let length = context.elements(1)?.first ?? .unknown
    return [
      ValueType(declaredType(context), Shape([.sum(.quotientDown(length, by: 2), .known(1)), bands]))
    ]
  }
}
