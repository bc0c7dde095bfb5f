import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Pooling over windows.
enum AtenPooling {
  private static let maximum = "self kernel_size stride padding dilation ceil_mode"

  static let operators: [AtenOperator] = [
    .tensor("max_pool1d max_pool2d max_pool3d", maximum, maximumPool),
    AtenOperator("max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices", maximum) {
      (builder, arguments) throws(ScopeError) in
      [.tensor(try maximumPool(&builder, arguments)), .none]
    },
    .tensor(
      "avg_pool1d avg_pool2d avg_pool3d",
      "self kernel_size stride padding ceil_mode count_include_pad divisor_override", averagePool),
  ]

  /// Number of spatial axes, from the operator's name.
  static func axes(_ operation: String) -> Int {
    operation.contains("1d") ? 1 : operation.contains("3d") ? 3 : 2
  }

  struct Windows {
    var kernel: [Int]
    var strides: [Int]
    var padding: [Int]
    var dilations: [Int]
    /// Elements beyond the padding that the last window of ceil mode reaches; nil when a size is not known.
    var overhang: [Int]?
    var isCeil: Bool
  }

  private static func windows(
    _ input: AtenTensor, _ arguments: AtenArguments, hasDilation: Bool
  ) throws(ScopeError) -> Windows {
    let axes = axes(arguments.operation)
    let kernel = try arguments.ints("kernel_size", count: axes)
    let one = [Int](repeating: 1, count: axes)
    var windows = Windows(
      kernel: kernel, strides: try arguments.ints("stride", count: axes, kernel),
      padding: try arguments.ints("padding", count: axes, [Int](repeating: 0, count: axes)),
      dilations: hasDilation ? try arguments.ints("dilation", count: axes, one) : one,
      isCeil: try arguments.bool("ceil_mode", false))
    for axis in 0..<axes {
      let limit = 1 << 30
      guard (1..<limit).contains(kernel[axis]), (1..<limit).contains(windows.strides[axis]),
        (0..<limit).contains(windows.padding[axis]), (1..<limit).contains(windows.dilations[axis])
      else { throw arguments.wrong("kernel_size", "possible windows") }
    }
    guard windows.isCeil, let shape = input.shape, shape.rank == axes + 2 else { return windows }
    var overhang: [Int] = []
    for axis in 0..<axes {
      guard let size = shape.dimensions[axis + 2].value, size < 1 << 40 else { return windows }
      let (stride, padding) = (windows.strides[axis], windows.padding[axis])
      let (reach, overflow) = windows.dilations[axis].multipliedReportingOverflow(by: kernel[axis] - 1)
      guard !overflow, reach < 1 << 40 else { throw arguments.wrong("dilation", "a possible dilation") }
      let span = size + 2 * padding - reach - 1
      guard span >= 0 else { return windows }
      var count = (span + stride - 1) / stride + 1
      // A window may not begin in the padding at the end.
      if (count - 1) * stride >= size + padding { count -= 1 }
      overhang.append(max(0, (count - 1) * stride - span))
    }
    windows.overhang = overhang
    return windows
  }

  @Sendable private static func maximumPool(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let (input, isSingle) = try builder.batched(
      try arguments.tensor("self"), spatialAxes: axes(arguments.operation))
    let windows = try windows(input, arguments, hasDilation: true)
    var attributes: OrderedDictionary<String, AttributeValue> = ["kernel_shape": .ints(windows.kernel)]
    var pads = windows.padding + windows.padding
    if let overhang = windows.overhang {
      for (axis, extra) in overhang.enumerated() { pads[overhang.count + axis] += extra }
    } else if windows.isCeil {
      attributes["ceil_mode"] = .int(1 as Int)
    }
    attributes["pads"] = .ints(pads)
    attributes["strides"] = .ints(windows.strides)
    if windows.dilations.contains(where: { $0 != 1 }) { attributes["dilations"] = .ints(windows.dilations) }
    let output = try builder.emit("MaxPool", [input], attributes)
    return isSingle ? try builder.emit("Squeeze", [output, builder.literal([0])]) : output
  }

  @Sendable private static func averagePool(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    var (input, isSingle) = try builder.batched(
      try arguments.tensor("self"), spatialAxes: axes(arguments.operation))
    let windows = try windows(input, arguments, hasDilation: false)
    let countsPadding = try arguments.bool("count_include_pad", true)
    var attributes: OrderedDictionary<String, AttributeValue> = ["kernel_shape": .ints(windows.kernel)]
    var pads = windows.padding + windows.padding
    let hasPadding = windows.padding.contains { $0 != 0 }
    if let overhang = windows.overhang, overhang.contains(where: { $0 != 0 }) {
      // PyTorch counts padding but not what the last window reaches beyond it.
      if countsPadding, hasPadding {
        input = try builder.emit("Pad", [input, builder.literal(outer(windows.padding))])
        pads = [Int](repeating: 0, count: pads.count)
      }
      for (axis, extra) in overhang.enumerated() { pads[overhang.count + axis] += extra }
    } else {
      if windows.isCeil, windows.overhang == nil { attributes["ceil_mode"] = .int(1 as Int) }
      if countsPadding, hasPadding { attributes["count_include_pad"] = .int(1 as Int) }
    }
    attributes["pads"] = .ints(pads)
    attributes["strides"] = .ints(windows.strides)
    var output = try builder.emit("AveragePool", [input], attributes)
    if let divisor = try arguments.optionalInt("divisor_override") {
      guard divisor != 0, countsPadding || !hasPadding, !windows.isCeil else {
        throw ScopeError(.unsupported, "this combination with divisor_override is not converted")
      }
      let count = try checkedProduct(windows.kernel, what: "pooling window")
      output = try builder.scaled(output, by: Double(count) / Double(divisor))
    }
    return isSingle ? try builder.emit("Squeeze", [output, builder.literal([0])]) : output
  }

  /// Pads of the spatial axes as the Pad operator takes them: batch and channels get none.
  private static func outer(_ padding: [Int]) -> [Int] { [0, 0] + padding + [0, 0] + padding }
}
