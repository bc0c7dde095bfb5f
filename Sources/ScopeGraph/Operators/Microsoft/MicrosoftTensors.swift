import ScopeBytes

/// Tensor operators of ONNX Runtime's own domain: forerunners of standard ones, and a few that have none.
enum MicrosoftTensors {
  private static let domain = "com.microsoft"

  static let definitions: [OperatorDefinition] =
    [
      OperatorDefinition("Pad", domain: domain, infer: PadOperators.infer),
      OperatorDefinition("Range", domain: domain, infer: inferRange),
      OperatorDefinition("Trilu", domain: domain, infer: OperatorDefinition.sameAsFirstInput),
      OperatorDefinition("GatherND", domain: domain, infer: GatherOperators.inferND),
      OperatorDefinition(
        "GridSample", domain: domain, infer: ResizeOperators.inferGridSample, cost: ResizeOperators.cost),
      OperatorDefinition(
        "Unique", domain: domain, infer: inferUnique, cost: OperatorDefinition.perInputElement(1, .reduction)),
      OperatorDefinition("ExpandDims", domain: domain, memory: .view, infer: inferExpandDims),
      OperatorDefinition(
        "Inverse", domain: domain, infer: OperatorDefinition.sameAsFirstInput, cost: costInverse),
      OperatorDefinition("Rfft", domain: domain, infer: inferRfft, cost: OperatorDefinition.notCounted),
      OperatorDefinition("Irfft", domain: domain, infer: inferIrfft, cost: OperatorDefinition.notCounted),
      OperatorDefinition(
        "IsAllFinite", domain: domain, infer: { (_) throws(ScopeError) in [ValueType(.bool, [])] }),
      OperatorDefinition(
        "MurmurHash3", domain: domain, infer: inferHash, cost: OperatorDefinition.perOutputElement(1, .other)),
      OperatorDefinition("CDist", domain: domain, infer: inferDistances, cost: costDistances),
      OperatorDefinition(
        "CropAndResize", domain: domain, infer: inferCrops,
        cost: OperatorDefinition.perOutputElement(7, .resize)),
      OperatorDefinition("TorchEmbedding", domain: domain, infer: GatherOperators.infer),
      OperatorDefinition("UnfoldTensor", domain: domain, infer: inferUnfold),
      OperatorDefinition(
        "WordConvEmbedding", domain: domain, infer: inferWords, cost: OperatorDefinition.notCounted),
    ]
    + ["ComplexMul", "ComplexMulConj"].map {
      OperatorDefinition(
        $0, domain: domain, infer: ElementwiseBinaryOperators.infer,
        cost: OperatorDefinition.perOutputElement(3, .elementwise))
    }

  /// The step is optional here.
  @Sendable static func inferRange(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    if context.has(2) { return try ConstantOperators.inferRange(context) }
    guard let start = context.elements(0)?.first, let limit = context.elements(1)?.first else {
      return [ValueType(context.dataType(0), Shape([.unknown]))]
    }
    let size = Dimension.difference(limit, start)
    return [ValueType(context.dataType(0), Shape([(size.value ?? 0) < 0 ? .known(0) : size]))]
  }

  /// Values, the position of every input among them, and how often each occurs.
  @Sendable static func inferUnique(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [
      ValueType(context.dataType(0), Shape([.unknown])), ValueType(.int64, context.shape(0)),
      ValueType(.int64, Shape([.unknown])),
    ]
  }

  @Sendable static func inferExpandDims(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard var shape = context.shape(0), let axis = context.integers(1)?.first else {
      return [ValueType(context.dataType(0))]
    }
    shape.dimensions.insert(.known(1), at: try context.axis(axis, rank: shape.rank + 1))
    return [ValueType(context.dataType(0), shape)]
  }

  /// Elimination: n^3 per matrix.
  @Sendable static func costInverse(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    counted(context.shape(0)?.symbolicCount, context.shape(0)?.dimensions.last?.count).map {
      SymbolicCost(.other, $0)
    }
  }

  @Sendable static func inferRfft(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard var shape = context.shape(0), let last = shape.dimensions.last else {
      return [ValueType(context.dataType(0))]
    }
    if context.node.int("onesided") != 0 {
      shape.dimensions[shape.rank - 1] = .sum(.quotientDown(last, by: 2), .known(1))
    }
    return [ValueType(context.dataType(0), Shape(shape.dimensions + [.known(2)]))]
  }

  @Sendable static func inferIrfft(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let shape = context.shape(0), shape.rank >= 2 else { return [ValueType(context.dataType(0))] }
    var output = Array(shape.dimensions.dropLast())
    if context.node.int("onesided") != 0 {
      output[output.count - 1] = .product([.known(2), .difference(output[output.count - 1], .known(1))])
    }
    return [ValueType(context.dataType(0), Shape(output))]
  }

  @Sendable static func inferHash(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(context.node.int("positive") == 0 ? .int32 : .uint32, context.shape(0))]
  }

  /// [m, d] and [n, d] to [m, n].
  @Sendable static func inferDistances(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let left = context.shape(0), let right = context.shape(1) else {
      return [ValueType(context.dataType(0))]
    }
    guard left.rank == 2, right.rank == 2 else {
      throw context.invalid("distances need two matrices", found: "\(left) and \(right)")
    }
    return [ValueType(context.dataType(0), Shape([left.dimensions[0], right.dimensions[0]]))]
  }

  @Sendable static func costDistances(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    counted(outputs.first?.shape?.symbolicCount, context.shape(0)?.dimensions.last?.count, 3).map {
      SymbolicCost(.elementwise, $0)
    }
  }

  @Sendable static func inferCrops(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0), let boxes = context.shape(1), input.rank == 4, boxes.rank == 2 else {
      return [ValueType(context.dataType(0))]
    }
    let size = context.elements(3) ?? [.unknown, .unknown]
    guard size.count == 2 else { throw context.invalid("crop_size has two numbers", found: "\(size.count)") }
    return [ValueType(context.dataType(0), Shape([boxes.dimensions[0], input.dimensions[1]] + size))]
  }

  /// Windows of `size` along `dim`, every `step`; the window becomes the last axis.
  @Sendable static func inferUnfold(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [ValueType(context.dataType(0))] }
    let axis = try context.axis(context.node.int("dim") ?? -1, rank: input.rank)
    guard let size = context.node.int("size"), size > 0, size < 1 << 40,
      case let step = context.node.int("step") ?? 1,
      step > 0, step < 1 << 40
    else {
      throw context.invalid("size and step must be positive", found: "\(context.node.int("size") ?? 0)")
    }
    var output = input.dimensions
    output[axis] = .sum(.quotientDown(.difference(output[axis], .known(size)), by: step), .known(1))
    return [ValueType(context.dataType(0), Shape(output + [.known(size)]))]
  }

  @Sendable static func inferWords(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let words = context.shape(0), let width = context.shape(1)?.dimensions.first else {
      return [ValueType(.float32)]
    }
    return [ValueType(context.dataType(1), Shape(words.dimensions.dropLast() + [width]))]
  }
}
