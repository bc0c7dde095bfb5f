import ScopeBytes
import ScopeGraph

/// Geometry of a convolution or pooling window over the spatial axes, every number static.
package struct SlidingWindow {
  package var kernel: [Int]
  package var strides: [Int]
  package var dilations: [Int]
  /// Padding before the first and after the last element of each spatial axis.
  package var padsBegin: [Int]
  package var padsEnd: [Int]
  /// Spatial sizes.
  package var input: [Int]
  package var output: [Int]

  package var rank: Int { kernel.count }

  package init(
    kernel: [Int], strides: [Int], dilations: [Int], padsBegin: [Int], padsEnd: [Int], input: [Int],
    output: [Int]
  ) {
    self.kernel = kernel
    self.strides = strides
    self.dilations = dilations
    self.padsBegin = padsBegin
    self.padsEnd = padsEnd
    self.input = input
    self.output = output
  }

  /// Reads `strides`, `dilations`, `pads` and `auto_pad` of a node.
  package init(
    node: Node, kernel: [Int], input: String, output: String, application: Application,
    context: GradientContext
  ) throws(ScopeError) {
    self.kernel = kernel
    self.input = try context.spatialSizes(input, for: application)
    self.output = try context.spatialSizes(output, for: application)
    let rank = kernel.count
    strides = node.ints("strides") ?? Array(repeating: 1, count: rank)
    dilations = node.ints("dilations") ?? Array(repeating: 1, count: rank)
    let pads = node.ints("pads") ?? Array(repeating: 0, count: 2 * rank)
    guard self.input.count == rank, self.output.count == rank, strides.count == rank, dilations.count == rank,
      pads.count == 2 * rank, (kernel + strides + dilations).allSatisfy({ $0 > 0 && $0 < 1 << 24 }),
      pads.allSatisfy({ $0.magnitude < 1 << 24 })
    else { throw application.unsupported("its window attributes contradict each other") }
    padsBegin = Array(pads.prefix(rank))
    padsEnd = Array(pads.suffix(rank))
    switch node.string("auto_pad") ?? "NOTSET" {
    case "VALID":
      padsBegin = Array(repeating: 0, count: rank)
      padsEnd = padsBegin
    case "SAME_UPPER", "SAME_LOWER":
      for axis in 0..<rank {
        let covered = (self.output[axis] - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1
        let total = max(0, covered - self.input[axis])
        padsBegin[axis] = node.string("auto_pad") == "SAME_UPPER" ? total / 2 : total - total / 2
        padsEnd[axis] = total - padsBegin[axis]
      }
    default: break
    }
  }
}

/// Division rounding down and its non-negative remainder.
func floorDivide(_ numerator: Int, _ denominator: Int) -> (quotient: Int, remainder: Int) {
  let remainder = ((numerator % denominator) + denominator) % denominator
  return ((numerator - remainder) / denominator, remainder)
}
