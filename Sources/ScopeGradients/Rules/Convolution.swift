import ScopeBytes
import ScopeGraph

/// `Conv`: the input gradient is again a convolution, the kernel's a sum of matrix products; see
/// ``ConvolutionInputGradient`` and ``ConvolutionWeightGradient``.
enum ConvolutionRule: GradientRule {
  static let operators = ["Conv"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnly([0, 1, 2])
    let node = application.node
    guard let input = node.input(0), let weight = node.input(1) else {
      throw application.unsupported("it lacks an input")
    }
    let weightShape = try context.shape(weight, for: application)
    guard let weightSizes = weightShape.sizes, weightSizes.count > 2 else {
      throw application.unsupported(
        "the kernel's shape is not known before running", found: weightShape.description)
    }
    let geometry = try SlidingWindow(
      node: node, kernel: Array(weightSizes.dropFirst(2)), input: input, output: node.outputs[0],
      application: application, context: context)
    let groups = node.int("group") ?? 1
    var results = [String?](repeating: nil, count: node.inputs.count)
    if application.isWanted(0) {
      results[0] = try ConvolutionInputGradient(
        window: geometry, groups: groups, outputChannels: weightSizes[0],
        inputChannelsPerGroup: weightSizes[1], weight: weight,
        constant: try context.constants.tensor(weight)
      ).emit(application.gradient, in: context, like: input)
    }
    if application.isWanted(1) {
      results[1] = try ConvolutionWeightGradient(
        window: geometry, groups: groups, outputChannels: weightSizes[0],
        inputChannelsPerGroup: weightSizes[1]
      ).emit(application.gradient, input: input, in: context, for: application)
    }
    if application.isWanted(2) {
      results[2] = context.sumPerChannel(application.gradient, rank: weightSizes.count)
    }
    return results
  }
}
