import ScopeBytes

/// Interpolation: Resize (opset 10 and 11+), Upsample, GridSample, AffineGrid. Cost per output element: 1 for nearest,
/// 7 for linear in two dimensions (3 interpolations), 35 for cubic.
enum ResizeOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("Resize", infer: inferResize, cost: cost),
    OperatorDefinition("Upsample", infer: inferResize, cost: cost),
    OperatorDefinition("GridSample", infer: inferGridSample, cost: cost),
    OperatorDefinition(
      "AffineGrid", infer: inferAffineGrid, cost: OperatorDefinition.perOutputElement(4, .resize)),
    OperatorDefinition("CenterCropPad", infer: inferCrop),
  ]

  @Sendable static func cost(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    let perElement =
      switch context.node.string("mode") ?? (context.node.opType == "GridSample" ? "linear" : "nearest") {
      case "linear", "bilinear": 7
      case "cubic", "bicubic": 35
      default: 0
      }
    return counted(outputs.first?.shape?.symbolicCount, SymbolicCount(perElement)).map {
      SymbolicCost(.resize, $0)
    }
  }

  @Sendable static func inferResize(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    guard let input = context.shape(0) else { return [ValueType(type)] }
    // Opset 10 and Upsample: (X, scales); opset 11 on: (X, roi, scales, sizes).
    let scalesIndex = context.node.opType == "Upsample" || context.inputs.count == 2 ? 1 : 2
    var axes = Array(0..<input.rank)
    if let declared = context.node.ints("axes") {
      axes = []
      for axis in declared { axes.append(try context.axis(axis, rank: input.rank)) }
    }
    var output = input.dimensions
    if context.has(3) {
      guard let sizes = context.elements(3) else {
        for axis in axes { output[axis] = .unknown }
        return [ValueType(type, Shape(output))]
      }
      guard sizes.count == axes.count else {
        throw context.invalid(
          "the sizes do not fit the input", expected: "\(axes.count)", found: "\(sizes.count)")
      }
      let policy = context.node.string("keep_aspect_ratio_policy") ?? "stretch"
      for (index, axis) in axes.enumerated() { output[axis] = sizes[index] }
      if policy != "stretch" { keepAspect(input, axes, sizes, notLarger: policy == "not_larger", &output) }
      return [ValueType(type, Shape(output))]
    }
    let scales: [Float]
    if let values = context.node.floats("scales") {
      scales = values
    } else if let constant = context.input(scalesIndex).constant, constant.elementCount <= 64 {
      scales = try constant.floats()
    } else {
      for axis in axes { output[axis] = .unknown }
      return [ValueType(type, Shape(output))]
    }
    guard scales.count == axes.count, scales.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw context.invalid(
        "the scales do not fit the input", expected: "\(axes.count) positive numbers", found: "\(scales)")
    }
    for (scale, axis) in zip(scales, axes) where scale != 1 {
      guard let size = input.dimensions[axis].value, size < 1 << 40 else {
        output[axis] = scaled(input.dimensions[axis], scale)
        continue
      }
      let result = (Float(size) * scale).rounded(.down)
      output[axis] = result < 0x1p48 ? .known(Int(result)) : .unknown
    }
    return [ValueType(type, Shape(output))]
  }

  /// An open size times a scale that is a fraction with a small power of two (or a small whole number) below.
  private static func scaled(_ size: Dimension, _ scale: Float) -> Dimension {
    for divisor in [1, 2, 4, 8, 16, 32, 64, 3, 5, 6, 7] {
      let numerator = scale * Float(divisor)
      guard numerator == numerator.rounded(), numerator >= 1, numerator < 0x1p20 else { continue }
      return .quotientDown(.product([size, .known(Int(numerator))]), by: divisor)
    }
    return .unknown
  }

  private static func keepAspect(
    _ input: Shape, _ axes: [Int], _ sizes: [Dimension], notLarger: Bool, _ output: inout [Dimension]
  ) {
    var ratios: [Double] = []
    for (axis, size) in zip(axes, sizes) {
      guard let from = input.dimensions[axis].value, let to = size.value, from > 0 else {
        for axis in axes { output[axis] = .unknown }
        return
      }
      ratios.append(Double(to) / Double(from))
    }
    guard let ratio = notLarger ? ratios.min() : ratios.max() else { return }
    for axis in axes {
      let size = (Double(input.dimensions[axis].value ?? 0) * ratio).rounded()
      output[axis] = size < 0x1p48 ? .known(Int(size)) : .unknown
    }
  }

  @Sendable static func inferGridSample(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0), let grid = context.shape(1), input.rank >= 3, grid.rank == input.rank
    else {
      return [ValueType(context.dataType(0))]
    }
    return [
      ValueType(
        context.dataType(0), Shape(Array(input.dimensions[..<2]) + grid.dimensions[1..<(grid.rank - 1)]))
    ]
  }

  @Sendable static func inferAffineGrid(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let size = context.elements(1), size.count >= 4 else { return [ValueType(context.dataType(0))] }
    return [ValueType(context.dataType(0), Shape([size[0]] + size[2...] + [.known(size.count - 2)]))]
  }

  @Sendable static func inferCrop(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0), let sizes = context.elements(1) else {
      return [ValueType(context.dataType(0))]
    }
    var output = input.dimensions
    let axes = context.node.ints("axes") ?? Array(0..<input.rank)
    guard axes.count == sizes.count else { throw context.invalid("the sizes do not fit the axes") }
    for (axis, size) in zip(axes, sizes) { output[try context.axis(axis, rank: input.rank)] = size }
    return [ValueType(context.dataType(0), Shape(output))]
  }
}
