import ScopeBytes
import ScopeGraph

/// `MaxPool`: each gradient goes to the element that won, found through the forward node's `Indices` output;
/// overlapping windows add up.
enum MaxPoolRule: GradientRule {
  static let operators = ["MaxPool"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let input = application.node.inputs[0]
    guard (application.node.int("storage_order") ?? 0) == 0 else {
      throw application.unsupported("its indices are in column-major order")
    }
    let indices = context.output(1, of: application.index)
    let flat = context.integers([-1])
    let zeros = context.emit("Reshape", [context.zeros(like: input), flat])
    let scattered = context.emit(
      "ScatterElements",
      [
        zeros, context.emit("Reshape", [indices, flat]),
        context.emit("Reshape", [application.gradient, flat]),
      ],
      ["axis": .int(0), "reduction": .text("add")])
    return application.first(context.reshape(scattered, like: input))
  }
}

/// `AveragePool`: a depthwise convolution with equal weights, so its gradient is that of the convolution after each
/// output is divided by the number of elements it averaged.
enum AveragePoolRule: GradientRule {
  static let operators = ["AveragePool"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    let input = node.inputs[0]
    guard let kernel = node.ints("kernel_shape"),
      let channels = try context.shape(input, for: application).dimensions.dropFirst().first?.value
    else { throw application.unsupported("the window or the channel count is not known") }
    let window = try SlidingWindow(
      node: node, kernel: kernel, input: input, output: node.outputs[0], application: application,
      context: context)
    let countPadding = node.int("count_include_pad") == 1
    // 1 / elements averaged, per output position; the window is a product of its axes.
    let perAxis = (0..<window.rank).map { axis in
      (0..<window.output[axis]).map { position -> Float in
        let start = position * window.strides[axis] - window.padsBegin[axis]
        let limit = window.input[axis] + (countPadding ? window.padsEnd[axis] : 0)
        let lowest = countPadding ? -window.padsBegin[axis] : 0
        let counted = (0..<window.kernel[axis]).count { tap in
          let place = start + tap * window.dilations[axis]
          return place >= lowest && place < limit
        }
        return 1 / Float(max(counted, 1))
      }
    }
    var gradient = application.gradient
    for (axis, factors) in perAxis.enumerated() {
      let uniform = factors.allSatisfy { $0 == factors[0] }
      var shape = [Int](repeating: 1, count: window.rank + 1)
      if !uniform { shape[axis + 1] = factors.count }
      let scale = context.constant(
        .floats(uniform ? [factors[0]] : factors, uniform ? [] : shape), as: context.dataType(input))
      gradient = context.multiply(gradient, scale)
    }
    let taps = kernel.reduce(1, *)
    let ones = Tensor.floats([Float](repeating: 1, count: channels * taps), [channels, 1] + kernel)
    let weight = context.constant(ones, as: context.dataType(input))
    let result = try ConvolutionInputGradient(
      window: window, groups: channels, outputChannels: channels, inputChannelsPerGroup: 1, weight: weight,
      constant: ones
    ).emit(gradient, in: context, like: input)
    return application.first(result)
  }
}

/// `GlobalAveragePool`: the gradient spread evenly over the spatial axes.
enum GlobalAveragePoolRule: GradientRule {
  static let operators = ["GlobalAveragePool"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let input = application.node.inputs[0]
    let count = try context.spatialSizes(input, for: application).reduce(1, *)
    let scaled = context.multiply(application.gradient, context.scalar(1 / Float(max(count, 1)), like: input))
    return application.first(context.expand(scaled, like: input))
  }
}

/// `GlobalMaxPool`: the gradient to the largest element; equal largest elements share it.
enum GlobalMaxPoolRule: GradientRule {
  static let operators = ["GlobalMaxPool"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let input = application.node.inputs[0]
    let rank = try context.shape(input, for: application).rank
    return application.first(
      Reduction.spreadToExtremes(
        application.gradient, input: input, output: application.node.outputs[0],
        axes: Array(2..<max(rank, 2)),
        in: context))
  }
}
