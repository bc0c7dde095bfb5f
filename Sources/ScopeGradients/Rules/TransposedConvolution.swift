import ScopeBytes
import ScopeGraph

/// `ConvTranspose`: its input gradient is the convolution with the same kernel, and the kernel's gradient is that of
/// this convolution with input and output exchanged.
enum TransposedConvolutionRule: GradientRule {
  static let operators = ["ConvTranspose"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnly([0, 1, 2])
    let node = application.node
    guard node.ints("output_shape") == nil, (node.string("auto_pad") ?? "NOTSET") == "NOTSET" else {
      throw application.unsupported("its padding is implied by an output shape")
    }
    let sizes = try context.spatialSizes(node.inputs[0], for: application)
    let large = try context.spatialSizes(node.outputs[0], for: application)
    guard let weightSizes = try context.shape(node.inputs[1], for: application).sizes,
      weightSizes.count == sizes.count + 2
    else { throw application.unsupported("the kernel's shape is not known before running") }
    let kernel = Array(weightSizes.dropFirst(2))
    let ones = Array(repeating: 1, count: sizes.count)
    let strides = node.ints("strides") ?? ones
    let dilations = node.ints("dilations") ?? ones
    let pads = node.ints("pads") ?? Array(repeating: 0, count: 2 * sizes.count)
    guard strides.count == sizes.count, dilations.count == sizes.count, pads.count == 2 * sizes.count else {
      throw application.unsupported("its window attributes contradict each other")
    }
    // The end padding that makes the convolution give back exactly the input's size.
    var end: [Int] = []
    for (axis, size) in kernel.enumerated() {
      end.append(
        (sizes[axis] - 1) * strides[axis] + (size - 1) * dilations[axis] + 1 - large[axis] - pads[axis])
    }
    let begin = Array(pads.prefix(sizes.count))
    guard (begin + end).allSatisfy({ $0 >= 0 }) else {
      throw application.unsupported("its output padding is larger than its padding")
    }
    let groups = node.int("group") ?? 1
    var results = [String?](repeating: nil, count: node.inputs.count)
    if application.isWanted(0) {
      results[0] = context.emit(
        "Conv", [application.gradient, node.inputs[1]],
        [
          "kernel_shape": .ints(kernel), "strides": .ints(strides), "dilations": .ints(dilations),
          "pads": .ints(begin + end), "group": .int(groups),
        ])
    }
    if application.isWanted(1) {
      let window = SlidingWindow(
        kernel: kernel, strides: strides, dilations: dilations, padsBegin: begin, padsEnd: end, input: large,
        output: sizes)
      results[1] = try ConvolutionWeightGradient(
        window: window, groups: groups, outputChannels: weightSizes[0], inputChannelsPerGroup: weightSizes[1]
      ).emit(node.inputs[0], input: application.gradient, in: context, for: application)
    }
    if application.isWanted(2) {
      results[2] = context.sumPerChannel(application.gradient, rank: weightSizes.count)
    }
    return results
  }
}
