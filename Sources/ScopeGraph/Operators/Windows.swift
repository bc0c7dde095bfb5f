import ScopeBytes

/// The sliding window of convolutions and poolings (ONNX `kernel_shape`, `strides`, `pads`, `dilations`, `auto_pad`,
/// `ceil_mode`).
struct SlidingWindow {
  var kernel: [Int]
  var strides: [Int]
  var dilations: [Int]
  /// Begin of every axis, then end of every axis.
  var pads: [Int]
  var autoPad: String
  var ceilMode: Bool

  /// - Throws: `invalidGraph` when the attributes contradict each other or are not positive.
  init(_ context: OperatorContext, kernel: [Int]) throws(ScopeError) {
    let node = context.node
    let rank = kernel.count
    self.kernel = kernel
    strides = node.ints("strides") ?? [Int](repeating: 1, count: rank)
    dilations = node.ints("dilations") ?? [Int](repeating: 1, count: rank)
    pads = node.ints("pads") ?? [Int](repeating: 0, count: 2 * rank)
    autoPad = node.string("auto_pad") ?? "NOTSET"
    ceilMode = node.int("ceil_mode") == 1
    guard strides.count == rank, dilations.count == rank, pads.count == 2 * rank else {
      throw context.invalid(
        "the window's attributes do not fit its kernel", expected: "\(rank) axes",
        found: "strides \(strides), dilations \(dilations), pads \(pads)")
    }
    let limit = 1 << 30
    guard (kernel + strides + dilations).allSatisfy({ $0 > 0 && $0 < limit }),
      pads.allSatisfy({ $0 > -limit && $0 < limit })
    else {
      throw context.invalid(
        "the window's sizes are not possible", expected: "positive sizes",
        found: "kernel \(kernel), strides \(strides), dilations \(dilations)")
    }
  }

  /// Extent of the dilated kernel along `axis`.
  func extent(_ axis: Int) -> Int { (kernel[axis] - 1) * dilations[axis] + 1 }

  /// Output size along `axis` of a convolution or pooling.
  func outputSize(_ size: Dimension, axis: Int, at context: OperatorContext) throws(ScopeError) -> Dimension {
    let stride = strides[axis]
    let same = autoPad.hasPrefix("SAME")
    let padding = same || autoPad == "VALID" ? 0 : pads[axis] + pads[axis + kernel.count]
    guard case .known(let input) = size else {
      if same { return .roundedUp(size, by: stride) }
      let room = Dimension.sum(size, .known(padding - extent(axis)))
      if !ceilMode || stride == 1 { return .sum(.quotientDown(room, by: stride), .known(1)) }
      // Rounded up, no window can start in the padding when the padding and a step fit into the kernel.
      let end = autoPad == "VALID" ? 0 : pads[axis + kernel.count]
      return end + stride <= extent(axis) ? .sum(.roundedUp(room, by: stride), .known(1)) : .unknown
    }
    if same { return .known(input / stride + (input % stride == 0 ? 0 : 1)) }
    guard input < 1 << 40 else { return .unknown }
    let room = input + padding - extent(axis)
    guard room >= 0 else {
      throw context.invalid(
        "the window is larger than its padded input",
        expected: "at most \(input + padding) along axis \(axis + 2)",
        found: "\(extent(axis))")
    }
    var output = room / stride + 1
    if ceilMode, room % stride != 0 {
      output += 1
      // A window must not start in the padding after the input.
      let begin = autoPad == "VALID" ? 0 : pads[axis]
      if (output - 1) * stride >= input + begin { output -= 1 }
    }
    return .known(output)
  }
}
