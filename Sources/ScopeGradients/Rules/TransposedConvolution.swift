import ScopeBytes
import ScopeGraph

/// `ConvTranspose`: its input gradient is the convolution with the same kernel.
enum TransposedConvolutionRule: GradientRule {
  static let operators = ["ConvTranspose"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnlyFirstInput()
    let node = application.node
    guard node.ints("output_shape") == nil, (node.string("auto_pad") ?? "NOTSET") == "NOTSET" else {
      throw application.unsupported("its padding is implied by an output shape")
    }
    let sizes = try context.spatialSizes(node.inputs[0], for: application)
    let large = try context.spatialSizes(node.outputs[0], for: application)
    guard let kernel = try context.shape(node.inputs[1], for: application).sizes?.dropFirst(2),
      kernel.count == sizes.count
    else { throw application.unsupported("the kernel's shape is not known before running") }
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
    return application.first(
      context.emit(
        "Conv", [application.gradient, node.inputs[1]],
        [
          "kernel_shape": .ints(Array(kernel)), "strides": .ints(strides), "dilations": .ints(dilations),
          "pads": .ints(begin + end), "group": .int(node.int("group") ?? 1),
        ]))
  }
}
