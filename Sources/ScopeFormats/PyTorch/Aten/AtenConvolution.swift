import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Convolutions and transposed convolutions.
enum AtenConvolution {
  static let operators: [AtenOperator] = [
    .tensor("conv1d conv2d conv3d", "input weight bias stride padding dilation groups") {
      (builder, arguments) throws(ScopeError) in
      try convolve(&builder, arguments, isTransposed: false)
    },
    .tensor(
      "convolution _convolution mkldnn_convolution",
      "input weight bias stride padding dilation transposed output_padding groups benchmark deterministic "
        + "cudnn_enabled allow_tf32"
    ) { (builder, arguments) throws(ScopeError) in
      try convolve(&builder, arguments, isTransposed: try arguments.bool("transposed", false))
    },
    .tensor(
      "conv_transpose1d conv_transpose2d conv_transpose3d",
      "input weight bias stride padding output_padding groups dilation"
    ) { (builder, arguments) throws(ScopeError) in try convolve(&builder, arguments, isTransposed: true) },
  ]

  private static func convolve(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments, isTransposed: Bool
  ) throws(ScopeError) -> AtenTensor {
    let weight = try arguments.tensor("weight")
    let axes = try arguments.rank(weight) - 2
    guard axes >= 1 else { throw arguments.wrong("weight", "a weight of at least three dimensions") }
    let (input, isSingle) = try builder.batched(try arguments.tensor("input"), spatialAxes: axes)
    let kernel = try (0..<axes).map { (axis) throws(ScopeError) in try arguments.size(weight, axis + 2) }
    let one = [Int](repeating: 1, count: axes)
    let strides = try arguments.ints("stride", count: axes, one)
    let dilations = try arguments.ints("dilation", count: axes, one)
    var attributes: OrderedDictionary<String, AttributeValue> = [
      "dilations": .ints(dilations), "group": .int(try arguments.int("groups", 1)),
      "kernel_shape": .ints(kernel),
    ]
    var pads = [Int](repeating: 0, count: 2 * axes)
    if case .string(let mode)? = arguments["padding"] {
      guard !isTransposed, mode == "same" || mode == "valid" else {
        throw arguments.wrong("padding", "same, valid or sizes")
      }
      if mode == "same" {
        // PyTorch puts the odd element at the end.
        for axis in 0..<axes {
          let (reach, overflow) = dilations[axis].multipliedReportingOverflow(by: kernel[axis] - 1)
          guard !overflow else { throw arguments.wrong("dilation", "a possible dilation") }
          (pads[axis], pads[axes + axis]) = (reach / 2, reach - reach / 2)
        }
      }
    } else {
      let padding = try arguments.ints("padding", count: axes, [Int](repeating: 0, count: axes))
      pads = padding + padding
    }
    attributes["pads"] = .ints(pads)
    attributes["strides"] = .ints(strides)
    if isTransposed {
      let extra = try arguments.ints("output_padding", count: axes, [Int](repeating: 0, count: axes))
      if extra.contains(where: { $0 != 0 }) { attributes["output_padding"] = .ints(extra) }
    }
    let output = try builder.emit(
      isTransposed ? "ConvTranspose" : "Conv", [input, weight, try arguments.optionalTensor("bias")],
      attributes)
    return isSingle ? try builder.emit("Squeeze", [output, builder.literal([0])]) : output
  }
}

extension AtenBuilder {
  /// The input with a batch axis, and whether that had to be added: PyTorch takes single images as well.
  mutating func batched(
    _ input: AtenTensor, spatialAxes: Int
  ) throws(ScopeError) -> (AtenTensor, isSingle: Bool) {
    guard let rank = input.shape?.rank, rank == spatialAxes + 1 else { return (input, false) }
    return (try emit("Unsqueeze", [input, literal([0])]), true)
  }
}
