import ScopeBytes

/// Pooling over windows and over whole feature maps. Cost: one operation per window element (and for averages the
/// division).
enum PoolingOperators {
  static let definitions: [OperatorDefinition] =
    ["MaxPool", "AveragePool", "LpPool"].map { OperatorDefinition($0, infer: infer, cost: cost) }
    + ["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"].map {
      OperatorDefinition($0, infer: inferGlobal, cost: OperatorDefinition.perInputElement(1, .pooling))
    }
    + [
      OperatorDefinition(
        "MaxRoiPool", infer: inferRegions, cost: OperatorDefinition.perOutputElement(1, .pooling)),
      OperatorDefinition("RoiAlign", infer: inferRegions, cost: costAlign),
      OperatorDefinition("NhwcMaxPool", domain: "com.microsoft", infer: infer, cost: cost),
      OperatorDefinition("MaxpoolWithMask", domain: "com.microsoft", infer: infer, cost: cost),
      OperatorDefinition("QLinearAveragePool", domain: "com.microsoft", infer: infer, cost: cost),
      OperatorDefinition(
        "QLinearGlobalAveragePool", domain: "com.microsoft", infer: inferGlobal,
        cost: OperatorDefinition.perInputElement(1, .pooling)),
    ]
    + ["MaxPool", "AveragePool"].map {
      OperatorDefinition($0, domain: "com.microsoft.nchwc", infer: infer, cost: cost)
    }
    + ["GlobalMaxPool", "GlobalAveragePool"].map {
      OperatorDefinition(
        $0, domain: "com.microsoft.nchwc", infer: inferGlobal,
        cost: OperatorDefinition.perInputElement(1, .pooling))
    }

  private static func isChannelsLast(_ node: Node) -> Bool {
    node.int("channels_last") == 1 || node.opType == "NhwcMaxPool"
  }

  /// Four samples, 7 operations each for the interpolation, per sampling point; an adaptive number of points
  /// (`sampling_ratio` 0) is counted as one.
  @Sendable static func costAlign(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    let ratio = max(context.node.int("sampling_ratio") ?? 0, 1)
    guard ratio < 1 << 16 else { return nil }
    return counted(outputs.first?.shape?.symbolicCount, SymbolicCount(7 * ratio * ratio)).map {
      SymbolicCost(.pooling, $0)
    }
  }

  private static func outputType(_ context: OperatorContext) -> DataType? { context.dataType(0) }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let kernel = context.node.ints("kernel_shape") else {
      throw context.invalid("a pooling needs kernel_shape")
    }
    guard let input = context.shape(0) else { return [ValueType(outputType(context)), ValueType(.int64)] }
    guard input.rank == kernel.count + 2 else {
      throw context.invalid(
        "the kernel does not fit the input", expected: "\(input.rank - 2) axes", found: "\(kernel)")
    }
    let isChannelsLast = isChannelsLast(context.node)
    let first = isChannelsLast ? 1 : 2
    let window = try SlidingWindow(context, kernel: kernel)
    var output = input.dimensions
    for axis in kernel.indices {
      output[axis + first] = try window.outputSize(input.dimensions[axis + first], axis: axis, at: context)
    }
    return [ValueType(outputType(context), Shape(output)), ValueType(.int64, Shape(output))]
  }

  @Sendable static func cost(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    var window = SymbolicCount(1)
    for size in context.node.ints("kernel_shape") ?? [] {
      guard let product = window.times(SymbolicCount(size)) else { return nil }
      window = product
    }
    return counted(outputs.first?.shape?.symbolicCount, window).map { SymbolicCost(.pooling, $0) }
  }

  @Sendable static func inferGlobal(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [ValueType(outputType(context))] }
    guard input.rank >= 2 else {
      throw context.invalid("a global pooling needs batch and channels", found: "\(input)")
    }
    let last = isChannelsLast(context.node) ? input.rank - 1 : 1
    let output = input.dimensions.enumerated().map {
      $0.offset == 0 || $0.offset == last ? $0.element : .known(1)
    }
    return [ValueType(outputType(context), Shape(output))]
  }

  @Sendable static func inferRegions(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0), let regions = context.shape(1), input.rank == 4, regions.rank >= 1
    else {
      return [ValueType(context.dataType(0))]
    }
    let sizes =
      context.node.ints("pooled_shape")
      ?? [context.node.int("output_height") ?? 1, context.node.int("output_width") ?? 1]
    guard sizes.allSatisfy({ $0 > 0 && $0 < 1 << 30 }) else {
      throw context.invalid("the output's sizes must be positive", found: "\(sizes)")
    }
    return [
      ValueType(
        context.dataType(0), Shape([regions.dimensions[0], input.dimensions[1]] + sizes.map(Dimension.known)))
    ]
  }
}
