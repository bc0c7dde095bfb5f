import ScopeBytes

/// Convolutions: float, transposed, deformable and quantized.
///
/// Cost: output elements x input channels per group x kernel size for a convolution; input elements x output channels
/// per group x kernel size for a transposed one.
enum ConvolutionOperators {
  static let definitions: [OperatorDefinition] =
    [
      OperatorDefinition("Conv", infer: infer, cost: cost),
      OperatorDefinition("ConvInteger", infer: infer, cost: cost),
      OperatorDefinition("QLinearConv", infer: infer, cost: cost),
      OperatorDefinition("DeformConv", infer: infer, cost: cost),
      OperatorDefinition("ConvTranspose", infer: inferTransposed, cost: costTransposed),
    ]
    + ["FusedConv", "NhwcConv", "NhwcFusedConv", "QLinearConv"].map {
      OperatorDefinition($0, domain: "com.microsoft", infer: infer, cost: cost)
    }
    + [
      OperatorDefinition("Conv", domain: "com.microsoft.nchwc", infer: infer, cost: cost),
      OperatorDefinition(
        "ConvTransposeWithDynamicPads", domain: "com.microsoft", infer: inferDynamicPads, cost: costTransposed
      ),
    ]

  /// Whether the channels are the last axis of input and output (the weight stays [outputs, inputs per group, ...]).
  private static func isChannelsLast(_ node: Node) -> Bool {
    node.int("channels_last") == 1 || node.opType.hasPrefix("Nhwc")
  }

  /// Index of the weight among the inputs.
  static func weightIndex(_ node: Node) -> Int { node.opType == "QLinearConv" ? 3 : 1 }

  private static func biasIndex(_ node: Node) -> Int? {
    switch node.opType {
    case "ConvInteger": nil
    case "QLinearConv": 8
    case "ConvTransposeWithDynamicPads": 3
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
    let channelAxis = isChannelsLast(context.node) ? input.rank - 1 : 1
    let first = channelAxis == 1 ? 2 : 1
    guard input.rank >= 3, weight.rank == input.rank else {
      throw context.invalid(
        "input and weight of a convolution must have the same rank, 3 or more",
        found: "\(input) and \(weight)")
    }
    let group = context.node.int("group") ?? 1
    guard group > 0 else { throw context.invalid("group must be positive", found: "\(group)") }
    if let outputs = weight.dimensions[0].value, outputs % group != 0 {
      throw context.invalid(
        "the output channels do not divide into the groups", expected: "a multiple of \(group)",
        found: "\(outputs)")
    }
    // Blocked layouts pad the channels of some operands.
    let isBlocked = context.node.domain == "com.microsoft.nchwc"
    if !isBlocked, case .known(let channels) = input.dimensions[channelAxis],
      case .known(let perGroup) = weight.dimensions[1],
      channels != checkedCount(perGroup, group)
    {
      throw context.invalid(
        "the input's channels do not fit the weight", expected: "\(perGroup) x \(group) groups",
        found: "\(channels)")
    }
    var output = input.dimensions
    output[channelAxis] = weight.dimensions[0]
    guard let kernel = context.node.ints("kernel_shape") ?? Shape(Array(weight.dimensions.dropFirst(2))).sizes
    else {
      for axis in 0..<(input.rank - 2) { output[axis + first] = .unknown }
      return [ValueType(type, Shape(output))]
    }
    guard kernel.count == input.rank - 2 else {
      throw context.invalid(
        "the kernel does not fit the input", expected: "\(input.rank - 2) axes", found: "\(kernel)")
    }
    let window = try SlidingWindow(context, kernel: kernel)
    for axis in kernel.indices {
      output[axis + first] = try window.outputSize(input.dimensions[axis + first], axis: axis, at: context)
    }
    return [ValueType(type, Shape(output))]
  }

  /// ConvTranspose whose pads are an input.
  @Sendable static func inferDynamicPads(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    var node = context.node
    if context.has(2) {
      guard let pads = context.integers(2) else {
        return [
          ValueType(context.dataType(0), context.shape(0).map { Shape($0.dimensions.map { _ in .unknown }) })
        ]
      }
      node.attributes["pads"] = .ints(pads)
    }
    return try inferTransposed(OperatorContext(node: node, opset: context.opset, inputs: context.inputs))
  }

  @Sendable static func cost(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let output = outputs.first?.shape?.symbolicCount,
      let weight = context.shape(weightIndex(context.node)),
      let macs = counted(output, Shape(Array(weight.dimensions.dropFirst())).symbolicCount)
    else { return nil }
    let hasBias = biasIndex(context.node).map(context.has) ?? false
    var cost: SymbolicCost? = SymbolicCost(macs: macs, bias: hasBias ? output : nil)
    // Fused forms: a sum added to the result, and an activation.
    if context.node.domain.hasPrefix("com.microsoft"), context.node.opType != "QLinearConv" {
      if context.has(3) { cost = cost?.with(.elementwise, output) }
      if context.node.string("activation").map({ !$0.isEmpty }) ?? false {
        cost = cost?.with(.activation, output)
      }
    }
    return cost
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
    guard group > 0 else { throw context.invalid("group must be positive", found: "\(group)") }
    if let channels = input.dimensions[1].value, let expected = weight.dimensions[0].value,
      channels != expected
    {
      throw context.invalid(
        "the input's channels do not fit the weight", expected: "\(expected)", found: "\(channels)")
    }
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
      let stride = window.strides[axis]
      guard case .known(let size) = input.dimensions[axis + 2], size < 1 << 32 else {
        let same = window.autoPad.hasPrefix("SAME")
        let padding = window.autoPad == "VALID" ? 0 : window.pads[axis] + window.pads[axis + kernel.count]
        let added = same ? 0 : extra[axis] + window.extent(axis) - stride - padding
        output.append(.sum(.product([input.dimensions[axis + 2], .known(stride)]), .known(added)))
        continue
      }
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

  @Sendable static func costTransposed(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let weight = context.shape(1), let output = outputs.first?.shape?.symbolicCount,
      let macs = counted(
        context.shape(0)?.symbolicCount, Shape(Array(weight.dimensions.dropFirst())).symbolicCount)
    else { return nil }
    return SymbolicCost(macs: macs, bias: context.has(biasIndex(context.node) ?? 2) ? output : nil)
  }
}
