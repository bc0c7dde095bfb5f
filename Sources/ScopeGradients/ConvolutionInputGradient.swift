import OrderedCollections
import ScopeBytes
import ScopeGraph

/// d(loss)/d(input) of a convolution from d(loss)/d(output).
///
/// Written `dX[x] = sum over taps t of W[t] dY[(x + pad - t * dilation) / stride]`, taken where the division is exact.
/// - Stride 1: a convolution with the kernel flipped and its channels transposed.
/// - Equal strides s, two spatial axes, one group: a convolution to the s x s sub-pixel phases, then DepthToSpace
///   (2 times faster than ConvTranspose in ONNX Runtime).
/// - Otherwise: ConvTranspose, which measured 3 times faster than phases for strided depthwise kernels.
///
/// A constant kernel is rearranged here, once; one that is trained is rearranged by nodes of the graph.
package struct ConvolutionInputGradient {
  package var window: SlidingWindow
  package var groups: Int
  package var outputChannels: Int
  package var inputChannelsPerGroup: Int
  /// Value name of the kernel [outputChannels, inputChannelsPerGroup, kernel...].
  package var weight: String
  /// The kernel's numbers when they are constant.
  package var constant: Tensor?

  package init(
    window: SlidingWindow, groups: Int, outputChannels: Int, inputChannelsPerGroup: Int, weight: String,
    constant: Tensor?
  ) {
    self.window = window
    self.groups = groups
    self.outputChannels = outputChannels
    self.inputChannelsPerGroup = inputChannelsPerGroup
    self.weight = weight
    self.constant = constant
  }

  /// Appends the nodes; `gradient` is d(loss)/d(output), the result has the shape of `input`.
  package func emit(_ gradient: String, in context: GradientContext, like input: String) throws(ScopeError)
    -> String
  {
    guard groups > 0, outputChannels % groups == 0 else {
      throw ScopeError(.invalidGraph, "\(outputChannels) output channels do not divide into \(groups) groups")
    }
    let kernel = try constant?.floats()
    if window.strides.allSatisfy({ $0 == 1 }), let result = unitStride(gradient, kernel, context, input) {
      return result
    }
    if groups == 1, window.rank == 2, window.strides[0] == window.strides[1],
      let result = phases(gradient, kernel, context, input)
    {
      return result
    }
    return transposed(gradient, context)
  }

  /// Nil when a padding would be negative.
  private func unitStride(
    _ gradient: String, _ kernel: [Float]?, _ context: GradientContext, _ input: String
  ) -> String? {
    var begin: [Int] = []
    var end: [Int] = []
    for axis in 0..<window.rank {
      begin.append(window.dilations[axis] * (window.kernel[axis] - 1) - window.padsBegin[axis])
      end.append(window.input[axis] - window.output[axis] + window.padsBegin[axis])
    }
    guard (begin + end).allSatisfy({ $0 >= 0 }) else { return nil }
    let weight =
      kernel.map { context.constant(flipped($0), as: context.dataType(input)) }
      ?? flippedWhileRunning(context)
    return context.emit(
      "Conv", [gradient, weight],
      [
        "kernel_shape": .ints(window.kernel), "pads": .ints(begin + end), "group": .int(groups),
        "dilations": .ints(window.dilations), "strides": .ints(window.strides),
      ])
  }

  /// [groups, perGroup, in, taps] to [groups, in, perGroup, taps reversed]; reversing the flat taps flips every axis.
  private func flipped(_ kernel: [Float]) -> Tensor {
    let taps = window.kernel.reduce(1, *)
    let perGroup = outputChannels / groups
    var flipped = [Float](repeating: 0, count: kernel.count)
    for group in 0..<groups {
      for output in 0..<perGroup {
        for channel in 0..<inputChannelsPerGroup {
          let source = ((group * perGroup + output) * inputChannelsPerGroup + channel) * taps
          let target = ((group * inputChannelsPerGroup + channel) * perGroup + output) * taps
          for tap in 0..<taps { flipped[target + taps - 1 - tap] = kernel[source + tap] }
        }
      }
    }
    return .floats(flipped, [groups * inputChannelsPerGroup, perGroup] + window.kernel)
  }

  /// As ``flipped(_:)``, by nodes.
  private func flippedWhileRunning(_ context: GradientContext) -> String {
    let perGroup = outputChannels / groups
    var value = weight
    let spatial = Array(0..<window.rank)
    if groups == 1 {
      value = context.emit("Transpose", [value], ["perm": .ints([1, 0] + spatial.map { $0 + 2 })])
    } else if perGroup > 1 || inputChannelsPerGroup > 1 {
      let split = [groups, perGroup, inputChannelsPerGroup] + window.kernel
      value = context.emit("Reshape", [value, context.integers(split)])
      value = context.emit("Transpose", [value], ["perm": .ints([0, 2, 1] + spatial.map { $0 + 3 })])
      let joined = [groups * inputChannelsPerGroup, perGroup] + window.kernel
      value = context.emit("Reshape", [value, context.integers(joined)])
    }
    let axes = spatial.filter { window.kernel[$0] > 1 }
    guard !axes.isEmpty else { return value }
    let (starts, steps) = (axes.map { _ in -1 }, axes.map { _ in -1 })
    // An end before the first element: ONNX counts -1 from the back.
    let ends = axes.map { _ in Int(Int32.min) }
    return context.emit(
      "Slice",
      [
        value, context.integers(starts), context.integers(ends), context.integers(axes.map { $0 + 2 }),
        context.integers(steps),
      ])
  }

  /// The taps that reach one output phase along one axis, as (tap, offset into dY).
  private func contributions(axis: Int, phase: Int) -> [(tap: Int, offset: Int)] {
    (0..<window.kernel[axis]).compactMap { tap in
      let division = floorDivide(
        phase + window.padsBegin[axis] - tap * window.dilations[axis], window.strides[axis])
      return division.remainder == 0 ? (tap, division.quotient) : nil
    }
  }

  /// Nil when the form does not apply (negative padding, or a kernel too sparse to be worth it).
  private func phases(_ gradient: String, _ kernel: [Float]?, _ context: GradientContext, _ input: String)
    -> String?
  {
    let stride = window.strides[0]
    let contributing = (0..<2).map { axis in (0..<stride).map { contributions(axis: axis, phase: $0) } }
    var first = [0, 0]
    var length = [1, 1]
    var begin = [0, 0]
    var end = [0, 0]
    let quotient = (0..<2).map { (window.input[$0] + stride - 1) / stride }
    for axis in 0..<2 {
      let offsets = contributing[axis].flatMap { $0.map(\.offset) }
      guard let low = offsets.min(), let high = offsets.max() else { return nil }
      first[axis] = low
      length[axis] = high - low + 1
      begin[axis] = -low
      end[axis] = quotient[axis] - window.output[axis] + high
    }
    guard (begin + end).allSatisfy({ $0 >= 0 }) else { return nil }
    // Channel order (phase, channel), the DCR mode of DepthToSpace, lets empty trailing phases be padded in for free.
    let inputs = inputChannelsPerGroup
    let phaseCount = stride * stride
    var used = 0
    for phase in 0..<phaseCount
    where !contributing[0][phase / stride].isEmpty && !contributing[1][phase % stride].isEmpty {
      used = phase + 1
    }
    let taps = length[0] * length[1]
    guard taps * used <= 8 * window.kernel[0] * window.kernel[1] else { return nil }
    // Where each element of the rearranged kernel comes from; -1 for zero.
    var sources = [Int](repeating: -1, count: used * inputs * outputChannels * taps)
    for phase in 0..<used {
      for row in contributing[0][phase / stride] {
        for column in contributing[1][phase % stride] {
          let position = (row.offset - first[0]) * length[1] + column.offset - first[1]
          let tap = row.tap * window.kernel[1] + column.tap
          for channel in 0..<inputs {
            for output in 0..<outputChannels {
              sources[((phase * inputs + channel) * outputChannels + output) * taps + position] =
                (output * inputs + channel) * window.kernel[0] * window.kernel[1] + tap
            }
          }
        }
      }
    }
    let shape = [used * inputs, outputChannels, length[0], length[1]]
    let rearranged: String
    if let kernel {
      let weights = sources.map { $0 < 0 ? 0 : kernel[$0] }
      rearranged = context.constant(.floats(weights, shape), as: context.dataType(input))
    } else {
      let flat = context.emit("Reshape", [weight, context.integers([-1])])
      let zero = context.emit("Reshape", [context.scalar(0, like: input), context.integers([1])])
      let extended = context.emit("Concat", [flat, zero], ["axis": .int(0)])
      rearranged = context.emit("Gather", [extended, context.constant(.int64s(sources, shape), as: .int64)])
    }
    var result = context.emit(
      "Conv", [gradient, rearranged], ["kernel_shape": .ints(length), "pads": .ints(begin + end)])
    if used < phaseCount {
      result = context.emit(
        "Pad", [result, context.integers([0, 0, 0, 0, 0, (phaseCount - used) * inputs, 0, 0])])
    }
    result = context.emit("DepthToSpace", [result], ["blocksize": .int(stride), "mode": .text("DCR")])
    let cropped = (0..<2).filter { quotient[$0] * stride != window.input[$0] }
    guard !cropped.isEmpty else { return result }
    return context.slice(
      result, starts: cropped.map { _ in 0 }, lengths: cropped.map { window.input[$0] },
      axes: cropped.map { $0 + 2 })
  }

  private func transposed(_ gradient: String, _ context: GradientContext) -> String {
    var extra: [Int] = []
    var end = window.padsEnd
    for axis in 0..<window.rank {
      let natural =
        window.strides[axis] * (window.output[axis] - 1) + window.dilations[axis] * (window.kernel[axis] - 1)
        + 1
        - window.padsBegin[axis] - window.padsEnd[axis]
      let missing = window.input[axis] - natural
      extra.append(max(missing, 0))
      // A ceiling-mode window may reach beyond the padded input: crop what lies outside.
      end[axis] += max(-missing, 0)
    }
    return context.emit(
      "ConvTranspose", [gradient, weight],
      [
        "kernel_shape": .ints(window.kernel), "strides": .ints(window.strides),
        "pads": .ints(window.padsBegin + end), "output_padding": .ints(extra),
        "dilations": .ints(window.dilations), "group": .int(groups),
      ])
  }
}
