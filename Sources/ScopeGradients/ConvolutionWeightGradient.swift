import OrderedCollections
import ScopeBytes
import ScopeGraph

/// d(loss)/d(kernel) of a convolution from its input X and d(loss)/d(output).
///
/// Written `dW[m, c, t] = sum over images n and outputs p of dY[n, m, p] X[n, c, p * stride - pad + t * dilation]`.
/// ONNX has no operator for it; which form is fastest in ONNX Runtime was measured on the layers of ResNets and
/// EfficientNets:
/// - Few taps: per tap a slice of X and a matrix product with dY, either per image and then summed (small kernels on
///   large images) or over all images at once (many channels on small images). 2 to 5 times faster than a convolution
///   with batch and channels exchanged.
/// - Depthwise, stride 1: X shifted by rows times dY shifted by columns gives every tap in one product per channel, with
///   k + k copies instead of k * k.
/// - Otherwise (strided depthwise, patches with many taps): a convolution of X with dY as its kernel, images as its
///   channels, strides and dilations exchanged.
package struct ConvolutionWeightGradient {
  package var window: SlidingWindow
  package var groups: Int
  package var outputChannels: Int
  package var inputChannelsPerGroup: Int

  /// More slices than this cost more than one convolution.
  static let fewTaps = 64

  private var taps: Int { window.kernel.reduce(1, *) }
  private var isDepthwise: Bool { inputChannelsPerGroup == 1 && groups == outputChannels && groups > 1 }
  private var shape: [Int] { [outputChannels, inputChannelsPerGroup] + window.kernel }

  /// Appends the nodes.
  ///
  /// - Parameters:
  ///   - gradient: d(loss)/d(output), [N, outputChannels, output sizes].
  ///   - input: X, [N, groups * inputChannelsPerGroup, input sizes].
  /// - Returns: the gradient in the kernel's shape.
  package func emit(
    _ gradient: String, input: String, in context: GradientContext, for application: Application
  ) throws(ScopeError) -> String {
    guard groups > 0, outputChannels % groups == 0, inputChannelsPerGroup > 0,
      (window.padsBegin + window.input + window.output).allSatisfy({ $0 >= 0 })
    else { throw application.unsupported("its window attributes contradict each other") }
    let result: String
    if isDepthwise, window.rank == 2, window.strides == [1, 1] {
      result = depthwise(gradient, input, context)
    } else if isDepthwise || taps > Self.fewTaps {
      guard window.rank + (inputChannelsPerGroup == 1 ? 0 : 1) <= 3 else {
        throw application.unsupported("its kernel has too many taps for a weight gradient", found: "\(taps)")
      }
      result = byConvolution(gradient, input, context)
    } else {
      result = byTaps(gradient, input, context)
    }
    return context.emit("Reshape", [result, context.integers(shape)])
  }

  /// The extent of X that the window reads along `axis`, padding included.
  private func extent(_ axis: Int) -> Int {
    (window.kernel[axis] - 1) * window.dilations[axis] + (window.output[axis] - 1) * window.strides[axis] + 1
  }

  /// X padded (or cropped, where the window never reaches) to exactly what the window reads.
  private func padded(_ input: String, _ context: GradientContext) -> String {
    let end = (0..<window.rank).map { extent($0) - window.input[$0] - window.padsBegin[$0] }
    guard (window.padsBegin + end).contains(where: { $0 != 0 }) else { return input }
    return context.emit("Pad", [input, context.integers([0, 0] + window.padsBegin + [0, 0] + end)])
  }

  /// The spatial positions of every tap, last axis fastest.
  private var positions: [[Int]] {
    window.kernel.reduce([[]]) { prefixes, size in
      prefixes.flatMap { prefix in (0..<size).map { prefix + [$0] } }
    }
  }

  // MARK: forms

  private func byTaps(_ gradient: String, _ input: String, _ context: GradientContext) -> String {
    let places = window.output.reduce(1, *)
    let perGroup = outputChannels / groups
    // Copying both operands into [channels, images x places] costs more than per-image products unless these are small.
    let atOnce =
      groups == 1 && 2 * perGroup * inputChannelsPerGroup > (perGroup + inputChannelsPerGroup) * places
    var source = padded(input, context)
    let gradients: String
    if atOnce {
      let exchanged = [1, 0] + Array(2..<(window.rank + 2))
      source = context.emit("Transpose", [source], ["perm": .ints(exchanged)])
      let transposed = context.emit("Transpose", [gradient], ["perm": .ints(exchanged)])
      gradients = context.emit("Reshape", [transposed, context.integers([outputChannels, -1])])
    } else {
      gradients = context.emit(
        "Reshape",
        [gradient, context.integers(groups == 1 ? [0, perGroup, -1] : [0, groups, perGroup, -1])])
    }
    var products: [String] = []
    for position in positions {
      let shifted = slice(source, at: position, context)
      if atOnce {
        let rows = context.emit("Reshape", [shifted, context.integers([inputChannelsPerGroup, -1])])
        products.append(context.emit("Gemm", [gradients, rows], ["transB": .int(1)]))
        continue
      }
      let sizes = groups == 1 ? [0, inputChannelsPerGroup, -1] : [0, groups, inputChannelsPerGroup, -1]
      let rows = context.emit("Reshape", [shifted, context.integers(sizes)])
      let order = groups == 1 ? [0, 2, 1] : [0, 1, 3, 2]
      let columns = context.emit("Transpose", [rows], ["perm": .ints(order)])
      let perImage = context.emit("MatMul", [gradients, columns])
      products.append(context.sum(perImage, axes: [0], keepDimensions: false))
    }
    guard products.count > 1 else { return products[0] }
    let last = context.integers([-1])
    let columns = products.map { context.emit("Unsqueeze", [$0, last]) }
    return context.emit("Concat", columns, ["axis": .int(-1)])
  }

  /// The elements of the padded input that meet tap `position`.
  private func slice(_ padded: String, at position: [Int], _ context: GradientContext) -> String {
    var (starts, ends, axes, steps) = ([Int](), [Int](), [Int](), [Int]())
    for axis in 0..<window.rank {
      let reach = (window.output[axis] - 1) * window.strides[axis] + 1
      guard window.strides[axis] > 1 || reach < extent(axis) else { continue }
      starts.append(position[axis] * window.dilations[axis])
      ends.append(position[axis] * window.dilations[axis] + reach)
      axes.append(axis + 2)
      steps.append(window.strides[axis])
    }
    guard !axes.isEmpty else { return padded }
    return context.emit(
      "Slice",
      [
        padded, context.integers(starts), context.integers(ends), context.integers(axes),
        context.integers(steps),
      ])
  }

  private func depthwise(_ gradient: String, _ input: String, _ context: GradientContext) -> String {
    let source = padded(input, context)
    let (height, dilations, kernel) = (window.output[0], window.dilations, window.kernel)
    let flat = context.integers([0, outputChannels, 1, -1])
    let rows = (0..<kernel[0]).map { row in
      let start = row * dilations[0]
      let shifted = context.slice(source, starts: [start], lengths: [height], axes: [2])
      return context.emit("Reshape", [shifted, flat])
    }
    let columns = (0..<kernel[1]).map { column in
      let (before, after) = (column * dilations[1], (kernel[1] - 1 - column) * dilations[1])
      let pads = context.integers([0, 0, 0, before, 0, 0, 0, after])
      return context.emit("Reshape", [context.emit("Pad", [gradient, pads]), flat])
    }
    // [N, C, kernel height, places] times [N, C, places, kernel width].
    let left = rows.count == 1 ? rows[0] : context.emit("Concat", rows, ["axis": .int(2)])
    let joined = columns.count == 1 ? columns[0] : context.emit("Concat", columns, ["axis": .int(2)])
    let right = context.emit("Transpose", [joined], ["perm": .ints([0, 1, 3, 2])])
    return context.sum(context.emit("MatMul", [left, right]), axes: [0], keepDimensions: false)
  }

  private func byConvolution(_ gradient: String, _ input: String, _ context: GradientContext) -> String {
    // The channels of a group become one more spatial axis, over which a kernel of size one slides.
    let extra = inputChannelsPerGroup == 1 ? 0 : 1
    let spatial = Array(2..<(window.rank + 2))
    let source: String
    if extra == 0 {
      let exchanged = context.emit("Transpose", [input], ["perm": .ints([1, 0] + spatial)])
      source = context.emit("Reshape", [exchanged, context.integers([1, -1] + window.input)])
    } else if groups == 1 {
      source = context.emit("Unsqueeze", [input, context.integers([0])])
    } else {
      let split = context.emit(
        "Reshape", [input, context.integers([0, groups, inputChannelsPerGroup] + window.input)])
      let exchanged = context.emit("Transpose", [split], ["perm": .ints([1, 0, 2] + spatial.map { $0 + 1 })])
      source = context.emit(
        "Reshape", [exchanged, context.integers([1, -1, inputChannelsPerGroup] + window.input)])
    }
    var kernel = context.emit("Transpose", [gradient], ["perm": .ints([1, 0] + spatial)])
    if extra == 1 { kernel = context.emit("Unsqueeze", [kernel, context.integers([2])]) }
    let one = Array(repeating: 1, count: extra)
    let zero = Array(repeating: 0, count: extra)
    let end = (0..<window.rank).map { max(extent($0) - window.input[$0] - window.padsBegin[$0], 0) }
    let result = context.emit(
      "Conv", [source, kernel],
      [
        "kernel_shape": .ints(one + window.output), "dilations": .ints(one + window.strides),
        "strides": .ints(one + window.dilations), "pads": .ints(zero + window.padsBegin + zero + end),
        "group": .int(groups),
      ])
    // Input that no whole window fits into adds positions beyond the kernel.
    let axes = (0..<window.rank).filter {
      let size = window.input[$0] + window.padsBegin[$0] + end[$0]
      let covered = (window.output[$0] - 1) * window.strides[$0] + 1
      return (size - covered) / window.dilations[$0] + 1 != window.kernel[$0]
    }
    guard !axes.isEmpty else { return result }
    return context.slice(
      result, starts: axes.map { _ in 0 }, lengths: axes.map { window.kernel[$0] },
      axes: axes.map { $0 + 2 + extra })
  }
}
