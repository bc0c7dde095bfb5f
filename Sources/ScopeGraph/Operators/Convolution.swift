import ScopeBytes

/// Convolutions: float, transposed, deformable and quantized.
///
/// Cost: output elements x input channels per group x kernel size for a convolution; input elements x output channels
/// per group x kernel size for a transposed one.
enum ConvolutionOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("Conv", infer: infer, cost: cost),
    OperatorDefinition("ConvInteger", infer: infer, cost: cost),
    OperatorDefinition("QLinearConv", infer: infer, cost: cost),
    OperatorDefinition("DeformConv", infer: infer, cost: cost),
    OperatorDefinition("ConvTranspose", infer: inferTransposed, cost: costTransposed),
    OperatorDefinition("FusedConv", domain: "com.microsoft", infer: infer, cost: cost),
  ]

  /// Index of the weight among the inputs.
  static func weightIndex(_ node: Node) -> Int { node.opType == "QLinearConv" ? 3 : 1 }

  private static func biasIndex(_ node: Node) -> Int? {
    switch node.opType {
    case "ConvInteger": nil
    case "QLinearConv": 8
    case "DeformConv": 3
    default: 2
    }
  }

  private static func outputType(_ context: OperatorContext) -> DataType? {
    switch context.node.opType {
    case "ConvInteger": .int32
    case "QLinearConv": context.dataType(7)
    default: context.dataType(0)
    }
  }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = outputType(context)
    guard let input = context.shape(0), let weight = context.shape(weightIndex(context.node)) else {
      return [ValueType(type)]
    }
    guard input.rank >= 3, weight.rank == input.rank else {
      throw context.invalid(
        "input and weight of a convolution must have the same rank, 3 or more",
        found: "\(input) and \(weight)")
    }
    let group = context.node.int("group") ?? 1
    if case .known(let channels) = input.dimensions[1], case .known(let perGroup) = weight.dimensions[1],
      channels != checkedCount(perGroup, group)
    {
      throw context.invalid(
        "the input's channels do not fit the weight", expected: "\(perGroup) x \(group) groups",
        found: "\(channels)")
    }
    var output = [input.dimensions[0], weight.dimensions[0]]
    guard let kernel = context.node.ints("kernel_shape") ?? Shape(Array(weight.dimensions.dropFirst(2))).sizes
    else {
      return [ValueType(type, Shape(output + input.dimensions.dropFirst(2).map { _ in Dimension.unknown }))]
    }
    guard kernel.count == input.rank - 2 else {
      throw context.invalid(
        "the kernel does not fit the input", expected: "\(input.rank - 2) axes", found: "\(kernel)")
    }
    let window = try SlidingWindow(context, kernel: kernel)
    for axis in kernel.indices {
      output.append(try window.outputSize(input.dimensions[axis + 2], axis: axis, at: context))
    }
    return [ValueType(type, Shape(output))]
  }

  @Sendable static func cost(_ context: OperatorContext, _ outputs: [ValueType]) -> OperatorCost? {
    guard let output = outputs.first?.shape?.elementCount,
      let perElement = Shape(Array((context.shape(weightIndex(context.node)) ?? [0]).dimensions.dropFirst()))
        .elementCount,
      context.shape(weightIndex(context.node)) != nil, let macs = checkedCount(output, perElement)
    else { return nil }
    let hasBias = biasIndex(context.node).map(context.has) ?? false
    return OperatorCost(macs: macs, biasAdditions: hasBias ? output : 0)
  }

  @Sendable static func inferTransposed(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0), let weight = context.shape(1) else {
      return [ValueType(context.dataType(0))]
    }
    guard input.rank >= 3, weight.rank == input.rank else {
      throw context.invalid(
        "input and weight of a transposed convolution must have the same rank, 3 or more",
        found: "\(input) and \(weight)")
    }
    let group = context.node.int("group") ?? 1
    var output = [input.dimensions[0], Dimension.product([weight.dimensions[1], .known(group)])]
    guard
      let kernel = context.node.ints("kernel_shape") ?? Shape(Array(weight.dimensions.dropFirst(2))).sizes,
      kernel.count == input.rank - 2
    else {
      return [
        ValueType(context.dataType(0), Shape(output + input.dimensions.dropFirst(2).map { _ in .unknown }))
      ]
    }
    let window = try SlidingWindow(context, kernel: kernel)
    let declared = context.node.ints("output_shape")
    let extra = context.node.ints("output_padding") ?? [Int](repeating: 0, count: kernel.count)
    guard extra.count == kernel.count, extra.allSatisfy({ $0 >= 0 && $0 < 1 << 30 }) else {
      throw context.invalid("output_padding does not fit the kernel", found: "\(extra)")
    }
    for axis in kernel.indices {
      // Exporters write `output_shape` with or without the batch and channel sizes.
      if let declared, declared.count >= kernel.count {
        output.append(.known(declared[declared.count - kernel.count + axis]))
        continue
      }
      guard case .known(let size) = input.dimensions[axis + 2], size < 1 << 32 else {
        output.append(.unknown)
        continue
      }
      let stride = window.strides[axis]
      let full = (size - 1) * stride + extra[axis] + window.extent(axis)
      switch window.autoPad {
      case "SAME_UPPER", "SAME_LOWER": output.append(.known(size * stride))
      case "VALID": output.append(.known(full))
      default: output.append(.known(full - window.pads[axis] - window.pads[axis + kernel.count]))
      }
      if case .known(let result)? = output.last, result < 0 {
        throw context.invalid("the padding removes the whole output", found: "\(result)")
      }
    }
    return [ValueType(context.dataType(0), Shape(output))]
  }

  @Sendable static func costTransposed(_ context: OperatorContext, _ outputs: [ValueType]) -> OperatorCost? {
    guard let weight = context.shape(1), let output = outputs.first?.shape?.elementCount,
      let perElement = Shape(Array(weight.dimensions.dropFirst())).elementCount,
      let macs = checkedCount(context.shape(0)?.elementCount, perElement)
    else { return nil }
    return OperatorCost(macs: macs, biasAdditions: context.has(2) ? output : 0)
  }
}
